"""The command ``symnum``: what to do with formulas at the shell.

Results go to stdout and everything else to stderr.  Exit codes: 0 done, 1 bad input, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

from symnum.cli_discover import add_arguments as add_discover_arguments
from symnum.cli_discover import run as discover
from symnum.cli_simulate import add_arguments as add_simulate_arguments
from symnum.cli_simulate import run as simulate
from symnum.cli_trace import add_arguments as add_trace_arguments
from symnum.cli_trace import run as trace
from symnum.rows import content_lines, evaluate_rows, json_value, shown

INTERRUPTED = 130
PIPE_CLOSED = 141
"""What a shell reports for a process ended by Ctrl-C, and by a reader that went away."""

_BAD_INPUT = (ValueError, TypeError, LookupError, ArithmeticError, OSError)

_EPILOG = """\
examples:
  symnum simplify 'sin(x)^2 + cos(x)^2'                1
  symnum diff 'x^2*exp(y)' --wrt x --order 2           2*exp(y)
  symnum diff 'sin(x)' --wrt x --json                  {"input": "sin(x)", "wrt": ["x"], "result": "cos(x)"}
  symnum compile 'x^2 + y' --args x,y --at x=3,y=1     10.0
  symnum compile 'x^2 + y' --target c --report         the C code, and on stderr the number of operations
  symnum compile 'x^2 + y' --target c -o model.c       model.c and model.h; --target torch writes a torch.nn.Module
  printf '1 2\\n3 4\\n' | symnum compile 'x*y' --args x,y  2.0 and 12.0, a line each
  symnum simplify < formulas.txt                       one result for each line
  symnum simplify --trace 'sin(x)^2 + cos(x)^2'        the result, and on stderr every step
  symnum optimize --cost ops 'a*b + a*c' 'b + c + d'   a*(b + c), and d + hold(b + c): shared parts are paid once
  symnum optimize --report --network model.net         the right-hand side of a reaction network
  symnum simulate model.net --to 1e4 --points 101 -o out.csv --plot out.png --set k1=2.0
  symnum trace solver.py:make --solve 10 --plot out.png  the PDE that a NumPy solver computes, its speed, its solution
  symnum discover data.csv --target y --report y.html  the law behind column y, a table of others, and a page with plots
  symnum calibrate                                     measure what operations cost on this machine
  symnum doctor                                        is everything installed as it should be?

Formulas: + - * / ^ (or **), sin(x), sqrt(x), max(a, b), x > 0 and not y == 1, ifelse(x > 0, a, b), pi, x::positive.
Quote them, so that the shell leaves them alone; a formula that begins with - goes after --.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    >>> main(["diff", "x*sin(y)", "--wrt", "y"])
    x*cos(y)
    0
    """
    parser = _parser()
    try:
        options = parser.parse_args(argv)
        code = options.run(options)
        sys.stdout.flush()
        return int(code)
    except SystemExit as done:  # argparse: 0 after --help, 2 after wrong usage
        return done.code if isinstance(done.code, int) else 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return PIPE_CLOSED
    except _BAD_INPUT as problem:
        _complain(problem)
        return 1


def _silence_stdout() -> None:
    """Send what is still buffered nowhere, or Python complains about the closed pipe at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def _complain(problem: Exception, where: str = "") -> None:
    # str(KeyError) is the repr of its message
    text = problem.args[0] if isinstance(problem, KeyError) and problem.args else problem
    print(f"symnum: {where}{text}", file=sys.stderr)


# --- the verbs --------------------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    import symnum
    from symnum.codegen.target import TARGETS

    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="symnum",
        description="Make formulas simple, differentiate them, compile them.",
        epilog=_EPILOG,
        formatter_class=plain,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"symnum {symnum.__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    def verb(name: str, run: Callable[[argparse.Namespace], int], summary: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(
            name, help=summary, description=summary, epilog=_EPILOG, formatter_class=plain, allow_abbrev=False
        )
        added.set_defaults(run=run)
        return added

    demo = verb("demo", _demo, "Show what symnum does, in a minute, and draw a picture of it.")
    demo.add_argument(
        "--output", default="symnum_demo.png", metavar="FILE", help="the picture (default symnum_demo.png)"
    )

    simplify = verb("simplify", _simplify, "Print each formula in its simplest form.")
    _takes_formulas(simplify)
    simplify.add_argument(
        "--generic", action="store_true", help="use also laws that hold only almost everywhere"
    )
    _takes_report(simplify, "every step, such as the rule and the part before and after")
    _takes_style(simplify)

    optimized = verb("optimize", _optimize, "Print the cheapest proved form of the formulas, taken together.")
    _takes_formulas(optimized)
    optimized.add_argument(
        "--cost",
        default="cycles",
        metavar="MODEL",
        help="what to save: cycles (default, as calibrated), ops, table_cycles or paper_cycles",
    )
    optimized.add_argument(
        "--network", metavar="FILE.net", help="optimise the right-hand side of this reaction network"
    )
    _takes_report(optimized, "every candidate with its cost and evidence")
    _takes_style(optimized)

    calibrated = verb("calibrate", _calibrate, "Measure what each operation costs on this machine.")
    calibrated.add_argument(
        "--operators", type=_heads, metavar="OP[,OP]", help="measure these only (default: all)"
    )
    calibrated.add_argument("--json", action="store_true", help="print one JSON object")

    diff = verb("diff", _diff, "Print the derivative of each formula.")
    _takes_formulas(diff)
    diff.add_argument(
        "--wrt", required=True, type=_names, metavar="X[,Y]", help="what to differentiate by, in turn"
    )
    diff.add_argument("--order", type=_count, default=1, metavar="N", help="how often, for each (default 1)")
    _takes_style(diff)

    compiled = verb("compile", _compile, "Compile formulas; print the code, or the values at points.")
    _takes_formulas(compiled)
    compiled.add_argument(
        "--args",
        type=_names,
        metavar="X,Y",
        help="the arguments in order (default: the formulas' symbols by name)",
    )
    compiled.add_argument(
        "--target", default="auto", metavar="NAME", help=f"auto (default), {', '.join(TARGETS)}"
    )
    compiled.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write the code to this file, named as its function (targets c and torch), and read no rows",
    )
    compiled.add_argument(
        "--at", type=_point, metavar="X=1,Y=2", help="print the values at this point and read no rows"
    )
    compiled.add_argument(
        "--emit",
        choices=["source"],
        help="print the generated code (the default where no rows of numbers come in)",
    )
    compiled.add_argument(
        "--report",
        action="store_true",
        help="say on stderr the target, why it is in use, and how many operations an evaluation takes",
    )
    compiled.add_argument("--json", action="store_true", help="print one JSON object a line")

    simulated = verb("simulate", simulate, "Simulate a reaction network and write its observables over time.")
    add_simulate_arguments(simulated)

    traced = verb(
        "trace", trace, "Say what a NumPy solver computes: its equation, Jacobian and speed; and solve it."
    )
    add_trace_arguments(traced)

    discovered = verb("discover", discover, "Find the formula behind a column of a table.")
    add_discover_arguments(discovered)

    doctor = verb("doctor", _doctor, "Report versions, threads and caches, and what is missing.")
    doctor.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _takes_formulas(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "formulas",
        nargs="*",
        metavar="EXPR",
        help="formulas; '-', or none in a pipe, reads one a line from stdin",
    )


def _takes_report(parser: argparse.ArgumentParser, steps: str) -> None:
    parser.add_argument(
        "--report",
        action="store_true",
        help="say on stderr what it cost before and after, and why it stopped",
    )
    parser.add_argument("--trace", action="store_true", help=f"report also {steps}")


def _takes_style(parser: argparse.ArgumentParser) -> None:
    style = parser.add_mutually_exclusive_group()
    style.add_argument(
        "--json", action="store_true", help="print one JSON object a line: input, result, latex"
    )
    style.add_argument("--latex", action="store_true", help="print LaTeX")


def _demo(options: argparse.Namespace) -> int:
    from symnum import demo

    try:
        return demo.main(options.output)
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] != "matplotlib":
            raise
        print(
            "symnum: the demo draws with matplotlib, which is not installed; run: pip install 'symnum[plot]'",
            file=sys.stderr,
        )
        return 1


def _simplify(options: argparse.Namespace) -> int:
    import symnum as sn

    def simplified(term: Any) -> tuple[Any, dict[str, Any]]:
        report = sn.simplify_report(term, generic=options.generic, trace=options.trace)
        if options.report or options.trace:
            print(report, file=sys.stderr)
        return report.result, {"stop": report.stop}

    return _each(options, simplified, {})


def _optimize(options: argparse.Namespace) -> int:
    import symnum as sn

    if options.network is not None:
        if options.formulas:
            raise ValueError("optimize takes formulas or --network, not both; leave the formulas out")
        from symnum.pde import ReactionNetwork

        network = ReactionNetwork.read(options.network)
        inputs, terms = [f"d({name})/dt" for name in network.species], network.rhs
    else:
        formulas = list(_formulas(options.formulas, "optimize"))
        inputs, terms = [text for _, text in formulas], [_parsed(text, where) for where, text in formulas]
    report = sn.optimize_report(terms, options.cost)
    if options.report or options.trace:
        print(report if options.trace else report.summary(), file=sys.stderr)
    for text, result in zip(inputs, report.result):
        if options.json:
            found = {"input": text, "result": str(result), "latex": sn.latex(result), "model": report.model}
            print(json.dumps(found, ensure_ascii=False))
        else:
            print(sn.latex(result) if options.latex else result)
    return 0


def _calibrate(options: argparse.Namespace) -> int:
    from symnum.rewriting.calibration import calibrate, calibration_file

    measured: dict[str, float] = {}

    def told(name: str, cost: float) -> None:
        measured[name] = cost
        if not options.json:
            print(f"{name:>10}  {cost:g}", flush=True)

    calibrate(options.operators, progress=told)
    if options.json:
        print(json.dumps(measured))
    print(f"symnum: kept in {calibration_file()}; one addition costs 1", file=sys.stderr)
    return 0


def _diff(options: argparse.Namespace) -> int:
    import symnum as sn

    def derivative(term: Any) -> tuple[Any, dict[str, Any]]:
        for name in options.wrt:
            term = sn.diff(term, _symbol(name, [term]), options.order)
        return term, {}

    details: dict[str, Any] = {"wrt": options.wrt}
    if options.order != 1:
        details["order"] = options.order
    return _each(options, derivative, details)


def _doctor(options: argparse.Namespace) -> int:
    from symnum.doctor import examine, report

    findings = examine()
    print(json.dumps(findings, ensure_ascii=False) if options.json else report(findings))
    return 1 if findings["problems"] else 0


def _compile(options: argparse.Namespace) -> int:
    import symnum as sn
    from symnum import term as interface

    formulas = list(_formulas(options.formulas, "compile"))
    if not formulas:
        raise ValueError("compile got no formula; write symnum compile 'x^2 + y' --args x,y")
    terms = [_parsed(text, where) for where, text in formulas]
    free = interface.free_symbols(*terms)
    arguments = free if options.args is None else [_symbol(name, terms) for name in options.args]
    function = sn.compile(terms[0] if len(terms) == 1 else terms, arguments, target=options.target)
    names = [interface.name(a) for a in arguments]
    inputs = [text for _, text in formulas]
    try:
        _emit(function, names, inputs, options)
    except ImportError as missing:  # an optional library of the target
        _complain(missing)
        return 1
    if options.report:
        summary = (
            f"{function.operations} operation{'s'[: function.operations != 1]}, target {function.target}"
        )
        print(f"symnum: {summary}: {function.why}", file=sys.stderr)
    return 0


def _emit(function: Any, names: Sequence[str], inputs: Sequence[str], options: argparse.Namespace) -> None:
    """Write what was asked for: a file, the values at a point or at the rows that come in, or the code."""
    if options.output is not None:
        written = function.write(options.output)
        print(f"symnum: wrote {', '.join(map(str, written))}", file=sys.stderr)
    if options.at is not None:
        _check_point(options.at, names)
        values = function(*(options.at[name] for name in names))
        results = [values] if len(inputs) == 1 else list(values)
        if options.json:
            print(json.dumps({"input": inputs, "at": options.at, "result": [json_value(v) for v in results]}))
        else:
            print(*(shown(v) for v in results))
        return
    formulas_from_stdin = not options.formulas or "-" in options.formulas
    wants_rows = names and options.emit is None and options.output is None and not formulas_from_stdin
    if wants_rows and not _is_terminal(sys.stdin):
        lines = content_lines(sys.stdin)
        first = next(lines, None)
        if first is not None:
            evaluate_rows(function, names, chain([first], lines), sys.stdout, as_json=options.json)
            return
    if options.json:
        found = {"input": inputs, "args": names, "target": function.target, "why": function.why}
        print(json.dumps({**found, "operations": function.operations, "source": function.source}))
    elif options.output is None or options.emit:
        print(function.source.rstrip("\n"))


def _check_point(point: dict[str, float], names: Sequence[str]) -> None:
    missing = [name for name in names if name not in point]
    extra = [name for name in point if name not in names]
    if missing or extra:
        what = (
            f"gives no value for {', '.join(missing)}"
            if missing
            else f"gives {', '.join(extra)}, not an argument"
        )
        raise ValueError(
            f"--at {what}; the arguments are {', '.join(names) or 'none'}: write --at {','.join(f'{n}=1' for n in names)}"
        )


# --- formulas in, results out -----------------------------------------------------------------------------------------------


def _each(
    options: argparse.Namespace,
    function: Callable[[Any], tuple[Any, dict[str, Any]]],
    details: dict[str, Any],
) -> int:
    """Print the result for each formula; a bad one is reported and does not stop the others.

    ``function`` returns the result and more that JSON shall tell.
    """
    import symnum as sn

    bad = 0
    for where, text in _formulas(options.formulas, options.verb):
        try:
            result, more = function(_parsed(text))
            if options.json:
                found = {"input": text, **details, "result": str(result), "latex": sn.latex(result), **more}
                print(json.dumps(found, ensure_ascii=False))
            else:
                print(sn.latex(result) if options.latex else result)
            if more.get("stop") == "interrupted":
                raise KeyboardInterrupt
        except BrokenPipeError:
            raise
        except _BAD_INPUT as problem:
            _complain(problem, where)
            bad = 1
    return bad


def _formulas(given: Sequence[str], verb: str) -> Iterator[tuple[str, str]]:
    """Yield (where it stands, formula) from the arguments, or from the lines of stdin."""
    if not given and _is_terminal(sys.stdin):
        raise ValueError(
            f"{verb} got no formula; write symnum {verb} 'x^2 + y', or pipe one formula a line into it"
        )
    for text in given or ["-"]:
        if text != "-":
            yield "", text
            continue
        for number, line in content_lines(sys.stdin):
            yield f"stdin line {number}: ", line


def _parsed(text: str, where: str = "") -> Any:
    import symnum as sn

    try:
        return sn.parse(text)
    except ValueError as problem:
        if where:
            raise ValueError(f"{where}{problem}") from None
        raise


def _symbol(name: str, terms: Sequence[Any]) -> Any:
    """Return the symbol of this name in the terms, with the assumptions it has there, or a new plain one."""
    import symnum as sn
    from symnum import term as interface

    found = [s for s in interface.free_symbols(*terms) if interface.name(s) == name]
    if len(found) > 1:
        raise ValueError(
            f"the formulas have two different symbols {name!r}; declare both alike or rename one"
        )
    return found[0] if found else sn.symbols(name)


def _is_terminal(stream: Any) -> bool:
    return stream is None or stream.isatty()


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    wrong = [name for name in names if not name.isidentifier()]
    if wrong:
        raise argparse.ArgumentTypeError(
            f"{wrong[0]!r} is not a name; write names separated by commas, such as x,y"
        )
    return names


def _heads(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0; write --order 2")
    return int(text)


def _point(text: str) -> dict[str, float]:
    point: dict[str, float] = {}
    for part in text.split(","):
        name, equals, number = part.partition("=")
        try:
            point[name.strip()] = float(number)
        except ValueError:
            equals = ""
        if not equals or not name.strip().isidentifier():
            raise argparse.ArgumentTypeError(f"{part!r} gives no symbol a number; write x=1,y=2.5")
    return point
