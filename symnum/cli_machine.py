"""The verb ``symnum machine``: a program of stacks or relations in, its final memory or its answers out."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from itertools import islice
from pathlib import Path
from typing import Any

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130

LANGUAGES = {".fmc": "fmc", ".rmc": "rmc", ".pl": "pl"}
"""Ending of a file -> its language: the functional and the relational machine calculus, and Prolog's Horn clauses."""

_TRACED_STEPS = 10_000
"""Steps at most of a relational run that is written down, unless --steps says otherwise."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument(
        "program", metavar="FILE", help="a program: .fmc, .rmc or .pl; '-' reads stdin, with --language"
    )
    parser.add_argument(
        "--language",
        choices=sorted(LANGUAGES.values()),
        help="what the program is written in (default: by FILE)",
    )
    parser.add_argument(
        "--memory",
        action="append",
        default=[],
        type=_stack,
        metavar="'a=1 2'",
        help="a stack before the run, bottom first; may be repeated (.fmc and .rmc)",
    )
    parser.add_argument("--query", metavar="GOALS", help="what to ask, such as 'app(X, Y, [1, 2])' (.pl)")
    parser.add_argument(
        "--search",
        choices=["depth", "breadth", "tabled"],
        default="depth",
        help="how choices are followed (.rmc)",
    )
    parser.add_argument(
        "--answers", type=_count, default=10, metavar="N", help="answers at most (default 10; .rmc and .pl)"
    )
    parser.add_argument(
        "--steps",
        type=_count,
        metavar="N",
        help="steps at most (default 1,000,000; 10,000 for a trace of .rmc or .pl)",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--type", action="store_true", help="print the type, and run nothing (.fmc and .rmc)")
    what.add_argument(
        "--normal-form", action="store_true", help="print the normal form, and run nothing (.fmc and .rmc)"
    )
    parser.add_argument(
        "--compiled",
        action="store_true",
        help="run as machine code: depth first, without a trace, and formulas only of what is known (.fmc and .rmc; .pl is so by itself)",
    )
    parser.add_argument("--trace", action="store_true", help="say on stderr every step")
    parser.add_argument("--html", metavar="FILE.html", help="write every step as one page")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Run the program, write what was asked for, and return the exit code."""
    language = options.language or LANGUAGES.get(Path(options.program).suffix)
    if language is None:
        return _wrong(
            f"{options.program}: what is it written in? name it .fmc, .rmc or .pl, or pass --language fmc"
        )
    if language == "pl" and options.query is None:
        return _wrong("a .pl program is asked something; pass --query 'app(X, Y, [1, 2])'")
    if language != "pl" and options.query is not None:
        return _wrong(f"--query is for .pl programs; a .{language} program is run as it stands")
    unfit = [
        name for name in ("memory", "type", "normal_form") if language == "pl" and getattr(options, name)
    ]
    if unfit:
        return _wrong(f"--{unfit[0].replace('_', '-')} is for .fmc and .rmc programs, not for .pl")
    if options.compiled and (options.trace or options.html is not None or options.search != "depth"):
        return _wrong(
            "--compiled runs depth first and without a trace; leave --compiled out, or --trace, --html and --search"
        )
    text = sys.stdin.read() if options.program == "-" else Path(options.program).read_text(encoding="utf-8")
    return {"fmc": _functional, "rmc": _relational, "pl": _prolog}[language](options, text)


def _functional(options: argparse.Namespace, text: str) -> int:
    from symnum.rewriting.machines import fmc

    program = fmc.parse(text)
    if options.type or options.normal_form:
        return _print(
            options,
            "type" if options.type else "normal form",
            fmc.infer(program) if options.type else fmc.normalize(program),
        )
    wants_trace = options.trace or options.html is not None
    limits = fmc.RunLimits() if options.steps is None else fmc.RunLimits(steps=options.steps)
    memory = {location: stack.split() for location, stack in options.memory}
    if options.compiled:
        from symnum.rewriting.machines import compiled

        found = compiled.execute(program, memory, limits=compiled.FunctionalLimits(limits.steps))
    else:
        found = fmc.execute(program, memory, limits=limits, trace=wants_trace)
    stacks = {a: [str(v) for v in stack] for a, stack in sorted(found.memory.items())}
    lines = [f"{a} = {' '.join(stack)}" for a, stack in stacks.items()]
    if found.exit not in (None, "⋆"):
        lines.append(f"exit {found.exit}")
    if options.trace:
        print(found.trace, file=sys.stderr)
    if options.html is not None:
        from symnum.rewriting.machines.trace_page import functional_frames

        _write_page(
            options,
            text,
            functional_frames(found.trace),
            "; ".join(lines) or found.why or "the memory is empty",
        )
    if options.json:
        report = {
            "memory": stacks,
            "exit": found.exit,
            "steps": found.steps,
            "stop": found.stop,
            "why": found.why,
        }
        print(json.dumps(report, ensure_ascii=False))
    else:
        print(*lines, sep="\n", end="\n" if lines else "")
    if found.stop == "done":
        return 0
    rule = f"rule {found.rule!r} found nothing to do: " if found.stop == "stuck" else ""
    print(f"symnum: {rule}{found.why} ({found.steps:,} steps; the memory so far is printed)", file=sys.stderr)
    return INTERRUPTED if found.stop == "interrupted" else FAILED


def _relational(options: argparse.Namespace, text: str) -> int:
    from symnum.rewriting.machines import rmc

    program = rmc.parse(text)
    if options.type or options.normal_form:
        return _print(
            options,
            "type" if options.type else "normal form",
            rmc.infer(program) if options.type else rmc.normalize(program),
        )
    memory = dict(options.memory)
    return _answers(options, text, program, memory)


def _prolog(options: argparse.Namespace, text: str) -> int:
    from symnum.rewriting.machines import rmc

    if options.trace or options.html is not None:
        from symnum.rewriting.machines.rmc.horn import encode

        return _answers(options, text, encode(text, options.query).program, {})
    found = rmc.prolog(text, options.query, options.answers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the exit says why the search stopped
        written = list(found)
    if options.json:
        print(json.dumps({"answers": written, "stop": found.stopped}, ensure_ascii=False))
    else:
        for answer in written:
            print(", ".join(f"{name} = {value}" for name, value in answer.items()) or "true")
        if not written:
            print("false")
    return _stopped(found.stopped or "", len(written))


def _answers(options: argparse.Namespace, text: str, program: Any, memory: dict[str, str]) -> int:
    """Search for answers of a relational program, with a trace where one is asked for."""
    from symnum.rewriting.machines import rmc

    wants_trace = options.trace or options.html is not None
    steps = options.steps or (_TRACED_STEPS if wants_trace else rmc.Limits().steps)
    limits = rmc.Limits(answers=options.answers, steps=steps)
    if wants_trace:
        traced = rmc.trace(program, memory, search=options.search, limits=limits)
        found, report = traced.answers, traced.report
        if options.trace:
            print(*traced, sep="\n", file=sys.stderr)
        if options.html is not None:
            from symnum.rewriting.machines.trace_page import relational_frames

            _write_page(options, text, relational_frames(traced), "; ".join(map(str, found)) or "no answer")
    elif options.compiled:
        from symnum.rewriting.machines import compiled

        quick = compiled.answers(program, memory, limits=compiled.Limits(steps=options.steps))
        found, report = list(islice(quick, options.answers)), quick.report
    else:
        searched = rmc.answers(program, memory, search=options.search, limits=limits)
        found, report = list(searched), searched.report
    if options.json:
        listed = [
            {
                "unknowns": {n: str(v) for n, v in a.unknowns},
                "memory": {n: [str(v) for v in s] for n, s in a.stacks},
            }
            for a in found
        ]
        print(json.dumps({"answers": listed, "stop": report.stop, "steps": report.steps}, ensure_ascii=False))
    else:
        print(*(found or ["no answer"]), sep="\n")
    print(f"symnum: {report}", file=sys.stderr)
    return _stopped(report.stop, len(found))


def _stopped(stop: str, count: int) -> int:
    """Return the exit code of a search: it failed only if a limit came before the first answer."""
    if stop == "interrupted":
        return INTERRUPTED
    return 0 if stop in ("exhausted", "answers") or count else FAILED


def _print(options: argparse.Namespace, what: str, found: Any) -> int:
    print(json.dumps({what.replace(" ", "_"): str(found)}, ensure_ascii=False) if options.json else found)
    return 0


def _write_page(options: argparse.Namespace, source: str, frames: Any, result: str) -> None:
    from symnum.rewriting.machines.trace_page import trace_page

    name = "stdin" if options.program == "-" else Path(options.program).name
    Path(options.html).write_text(
        trace_page(f"{name}, step by step", source, frames, result), encoding="utf-8"
    )
    print(f"symnum: wrote {options.html}: {len(frames):,} steps", file=sys.stderr)


def _wrong(problem: str) -> int:
    print(f"symnum: {problem}", file=sys.stderr)
    return WRONG_USAGE


def _stack(text: str) -> tuple[str, str]:
    location, equals, stack = text.partition("=")
    if not equals or not location.strip():
        raise argparse.ArgumentTypeError(
            f"{text!r} gives no location a stack; write --memory 'a=1 2', bottom first"
        )
    return location.strip(), stack


def _count(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1; write --steps 1000")
    return int(text)
