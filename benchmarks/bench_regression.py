"""Symbolic regression: laws recovered, beside pyoperon and gplearn at the same time limit.

``make bench`` runs a short selection; it is made longer by SYMNUM_BENCH_FAMILIES, SYMNUM_BENCH_SEEDS, SYMNUM_BENCH_SECONDS, for noise
SYMNUM_BENCH_NOISY_SECONDS, and SYMNUM_BENCH_PEER_SECONDS for the comparisons with peers, in which every engine has that limit and one seed.
The figures of the documentation come from

    export SYMNUM_BENCH_FAMILIES=nguyen,nguyen-c,rational,livermore,jin,feynman SYMNUM_BENCH_SEEDS=20 SYMNUM_BENCH_SECONDS=60
    SYMNUM_BENCH_NOISY_SECONDS=15 SYMNUM_BENCH_PEER_SECONDS=10 python -P benchmarks/run.py regression

with one seed for the 60 laws of feynman.  This file by itself prints every run with its formula.

Finished runs are kept in .symnum_cache/regression.jsonl and are not repeated while settings and code are the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import ball_drops
import recovery
import regression_problems
from harness import Row, count_row, limit_row, rate_row, row
from worker import Worker

ROOT = Path(__file__).resolve().parent.parent
RUNS = ROOT / ".symnum_cache" / "regression.jsonl"

Record = dict[str, Any]

SHORT = ("nguyen", "nguyen-c", "rational", "livermore", "jin")
PEERS = ("pyoperon", "gplearn")

LEAST = {"nguyen": 100, "nguyen-c": 100, "jin": 100, "rational": 100, "livermore": 98, "feynman": 90}
LEAST_NOISY = {0.001: 75, 0.01: 65, 0.1: 50}
WORST = {"livermore": 80}
"""The rates in percent to be reached: of a family, of Feynman's laws under noise, and of each law of a family over seeds."""

MEDIAN_SECONDS = 2.0
PER_SECOND = 200_000
"""The median time to the law, and expressions a second, to be reached."""

_ALL = ("reduction", "forms", "slots", "subtrees", "tree search", "evolution")

ABLATIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    *((f"without {part}", {"methods": tuple(m for m in _ALL if m != part)}) for part in _ALL),
    ("tree without Q", {"methods": (*_ALL[:4], "tree search, no q", "evolution")}),
    ("Q without tree", {"methods": (*_ALL[:4], "q alone", "evolution")}),
    ("neural Q", {"methods": (*_ALL[:4], "tree search, neural q", "evolution")}),
    ("enumeration and evolution only", {"methods": ("evolution",)}),
    ("enumeration and tree search only", {"methods": ("tree search",)}),
)
"""Variant of the search -> its keywords; the neural Q function is left out where torch is not installed."""


@dataclass(frozen=True)
class Run:
    """Hold what decides the outcome of one run, but for the speed of the machine and the version of the engine."""

    family: str
    problem: str
    engine: str
    seed: int
    seconds: float
    noise: float = 0.0
    rows: int | None = None
    settings: tuple[tuple[str, Any], ...] = ()

    @property
    def key(self) -> str:
        """Return the text by which a finished run is found again."""
        return json.dumps([asdict(self), engine_version(self.engine)], sort_keys=True)


@cache
def engine_version(engine: str) -> str:
    """Return a text that changes with the engine: a digest of the code that runs for symnum, the version for a peer."""
    if engine != "symnum":
        return version(engine)
    spec = find_spec("symnum")
    assert spec is not None and spec.origin is not None
    package = Path(spec.origin).parent
    digest = hashlib.sha256()
    for folder in (package, package / "rewriting", package / "regression"):  # the two may be links
        for path in sorted(folder.resolve().rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def finished(path: Path = RUNS) -> dict[str, Record]:
    """Return the finished runs by key; a line cut short by a crash is left out."""
    found = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.endswith("}"):
            record = json.loads(line)
            found[record["key"]] = record
    return found


def carried_out(runs: Sequence[Run], path: Path = RUNS) -> Iterator[Record]:
    """Yield the record of each run, from the file or carried out and added to it; progress goes to stderr."""
    known = finished(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    workers: dict[str, Worker] = {}
    solved = 0
    with Worker("recovery") as judge:
        try:
            for count, run in enumerate(runs, 1):
                record = known.get(run.key)
                if record is None:
                    record = _carried_out(run, workers, judge) | {"key": run.key}
                    if not record["failed"]:  # a failure is tried again the next time
                        _append(path, record)
                solved += record["symbolic"]
                print(
                    f"\r{count}/{len(runs)}, solved {solved}: {run.engine} {run.problem:30.30}",
                    end="",
                    file=sys.stderr,
                    flush=True,
                )
                yield record
        finally:
            print(file=sys.stderr)
            for worker in workers.values():
                worker.close()


def _append(path: Path, record: Record) -> None:
    """Add a line in one write, so that benchmarks side by side may share the file."""
    with path.open("ab", buffering=0) as file:
        file.write(json.dumps(record).encode() + b"\n")


def _carried_out(run: Run, workers: dict[str, Worker], judge: Worker) -> Record:
    """Fit and judge; an engine that fails or runs for ever has not solved the problem, and the record says why."""
    if run.engine not in workers:
        workers[run.engine] = Worker("regression_engines")
        if run.engine == "symnum":
            workers[run.engine].call("warm_up", seconds=600)
    worker = workers[run.engine]
    problem = regression_problems.problem(run.family, run.problem, run.rows)
    about = asdict(run) | {"settings": dict(run.settings), "law": problem.law, "failed": False}
    begin = time.perf_counter()
    try:
        answer = worker.call(
            run.engine, run.family, run.problem, run.seed, run.seconds, run.noise, run.rows, dict(run.settings),
            seconds=3 * run.seconds + 60,
        )  # fmt: skip
    except (TimeoutError, RuntimeError) as failure:
        nothing = recovery.Verdict(False, False, False, False, -float("inf"), float("inf"), str(failure))
        spent = time.perf_counter() - begin
        return about | recovery.record(nothing) | {"model": "", "spent": spent, "failed": True}
    _, _, X_test, y_test = problem.data(run.seed, run.noise)
    columns = dict(zip(problem.variables, X_test.T.tolist(), strict=True))
    verdict = recovery.judge(judge, answer["model"], problem.law, columns, y_test, answer.pop("predicted"))
    answer["spent"] = answer.pop("seconds")
    return about | recovery.record(verdict) | answer


def runs(
    families: Iterable[str], engines: Iterable[str], seeds: int, seconds: float, noises: Iterable[float] = (0.0,),
    rows: int | None = None, settings: dict[str, Any] | None = None, only: str = "", operators: str = "default",
) -> list[Run]:  # fmt: skip
    """Return the runs of all problems of the families by the engines.

    A family whose list is not there and an engine that is not installed are left out, and named on stderr.
    """
    found = []
    engines = [engine for engine in engines if _installed(engine)]
    for family in families:
        try:
            problems = regression_problems.family(family)
        except FileNotFoundError as problem:
            print(f"left out {family}: {problem}", file=sys.stderr)
            continue
        for noise in noises:
            for seed in range(seeds):
                for each in problems:
                    if only not in each.name:
                        continue
                    for engine in engines:
                        given = dict(settings or {}) if engine == "symnum" else {}
                        if operators == "family" and engine == "symnum":
                            given["operators"] = list(each.operators)
                        found.append(
                            Run(
                                family,
                                each.name,
                                engine,
                                seed,
                                seconds,
                                noise,
                                rows,
                                tuple(sorted(given.items())),
                            )
                        )
    return found


def _installed(engine: str) -> bool:
    try:
        engine_version(engine)
    except PackageNotFoundError:
        print(
            f"left out {engine}: it is not installed; pip install 'symnum[bench]' brings it", file=sys.stderr
        )
        return False
    return True


def report(records: Sequence[Record]) -> list[str]:
    """Return a table of runs as Markdown, with a line of totals before it."""
    symbolic = sum(r["symbolic"] for r in records)
    numeric = sum(r["numeric"] for r in records)
    identical = sum(r["identical"] for r in records)
    times = [r["spent"] for r in records if r["symbolic"]]
    median = f", median {statistics.median(times):.2f} s to a solution" if times else ""
    lines = [f"symbolic {symbolic}/{len(records)}, identical {identical}, numeric {numeric}{median}", ""]
    if len({r["seed"] for r in records}) > 1:
        return lines + _by_problem(records)
    lines += [
        "| problem | symbolic | numeric | error | seconds | stopped | found | law | remark |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for r in records:
        marks = ["yes" if r[key] else "**no**" for key in ("symbolic", "numeric")]
        error = f"{float(r['error']):.1e}"
        found = str(r.get("printed", r["model"])).replace("|", "\\|")
        lines.append(
            f"| {r['problem']} | {marks[0]} | {marks[1]} | {error} | {r['spent']:.2f} | {r.get('stopped', '')} "
            f"| `{found[:200]}` | `{r['law']}` | {'' if r['symbolic'] else r['how'][:200]} |"
        )
    return lines


def _by_problem(records: Sequence[Record]) -> list[str]:
    """Return a table of rates over seeds, with the model of a run that failed beside the law."""
    lines = [
        "| problem | symbolic | numeric | median seconds | law | a run that failed |",
        "|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(r["problem"] for r in records):
        of_problem = [r for r in records if r["problem"] == name]
        failed = next((r for r in of_problem if not r["symbolic"]), None)
        example = (
            f"seed {failed['seed']}: `{str(failed.get('printed', failed['model']))[:150]}`" if failed else ""
        )
        lines.append(
            f"| {name} | {_rate(of_problem):.0f} % | {_rate(of_problem, 'numeric'):.0f} % "
            f"| {statistics.median(r['spent'] for r in of_problem):.2f} | `{of_problem[0]['law']}` "
            f"| {example.replace('|', chr(92) + '|')} |"
        )
    return lines


def rows() -> list[Row]:
    """Measure families, the ball drops and the ablation, each as far as the environment says; see the top of this file."""

    def given(name: str, otherwise: float) -> float:
        return float(os.environ.get(f"SYMNUM_BENCH_{name}", otherwise))

    families = os.environ.get("SYMNUM_BENCH_FAMILIES", ",".join(SHORT)).split(",")
    seeds, seconds = int(given("SEEDS", 1)), given("SECONDS", 2)
    peer_seconds = given("PEER_SECONDS", seconds)
    found: list[Row] = []
    for family in families:
        found += limit_rows(family, seeds if family in SHORT else 1, seconds)
        for noise in LEAST_NOISY if family == "feynman" else ():
            found += limit_rows(family, 1, given("NOISY_SECONDS", seconds), noise)
        if family in SHORT:
            found += peer_rows(family, peer_seconds)
    return found + ball_rows(peer_seconds) + throughput_rows() + ablation_rows(families[:1], 1, peer_seconds)


def limit_rows(family: str, seeds: int, seconds: float, noise: float = 0.0) -> list[Row]:
    """Return our rate of recovery, the worst law's, and the median seconds to a solution, beside what is to be reached."""
    ours = list(carried_out(runs([family], ["symnum"], seeds, seconds, [noise])))
    if not ours:
        return []
    where = f"{family}{f', noise {noise:g}' if noise else ''}, {len(ours)} runs of at most {seconds:g} s"
    found = []
    least = LEAST_NOISY.get(noise) if noise else LEAST.get(family)
    if least is not None:
        found.append(
            rate_row(f"{where}: laws recovered", "limit", _rate(ours), least, f">= {least} %", least)
        )
    if family in WORST and seeds > 1:
        worst = min(_rate([r for r in ours if r["problem"] == name]) for name in {r["problem"] for r in ours})
        found.append(
            rate_row(
                f"{where}: worst law", "limit", worst, WORST[family], f">= {WORST[family]} %", WORST[family]
            )
        )
    times = [r["spent"] for r in ours if r["symbolic"]]
    if times and not noise:
        median = statistics.median(times)
        found.append(
            limit_row(f"{where}: median time to the law", median, MEDIAN_SECONDS, f"<= {MEDIAN_SECONDS:g} s")
        )
    return found


def peer_rows(family: str, seconds: float) -> list[Row]:
    """Return rates of recovery and median seconds to a solution beside the peers', all with this limit and one seed."""
    records = {
        engine: list(carried_out(runs([family], [engine], 1, seconds))) for engine in ("symnum", *PEERS)
    }
    ours = records["symnum"]
    if not ours:
        return []
    where = f"{family}, {len(ours)} laws, {seconds:g} s each"
    found = [
        rate_row(f"{where}: laws recovered", peer, _rate(ours), _rate(theirs, key))
        for peer, key, theirs in (
            *((engine, "symbolic", records[engine]) for engine in PEERS),
            ("pyoperon, multiplied out", "expanded", records["pyoperon"]),
        )
        if theirs
    ]
    medians = {engine: [r["spent"] for r in each if r["symbolic"]] for engine, each in records.items()}
    return found + [
        row(
            f"{where}: median time to the law, where found",
            engine,
            statistics.median(medians["symnum"]),
            statistics.median(medians[engine]),
        )
        for engine in PEERS
        if medians["symnum"] and medians[engine]
    ]


def ball_rows(seconds: float) -> list[Row]:
    """Return the test error of each ball beside the best physics model's, and on how many it is not above it."""
    found = []
    with Worker("regression_engines") as worker:
        for ball in ball_drops.balls():
            physics = ball_drops.physics_errors(ball_drops.drop(ball))
            best = min(physics, key=lambda name: physics[name])
            answer = worker.call("ball_drop", ball, seconds, 0, {}, seconds=3 * seconds + 600)
            found.append(
                count_row(
                    f"{ball}: error after two seconds, `{answer['printed']}`",
                    best,
                    answer["error"],
                    physics[best],
                    "m^2",
                )
            )
    if found:
        good = sum(r["ours_seconds"] <= r["peer_seconds"] for r in found)
        found.append(
            dict(
                count_row("balls not worse than the best physics model", "limit", good, 9, "balls", ">= 9"),
                reached=good >= 9,
            )
        )
    return found


def throughput_rows() -> list[Row]:
    """Return how many expressions a second the search evaluates on one core: with all methods, and those that fit no constants."""
    found = []
    with Worker("regression_engines") as worker:
        for name, methods, evaluations in (
            ("whole search, 100 rows, an expression with fitted constants counted once", None, 100_000),
            ("tree search with double Q and evolution, 100 rows", ["tree search", "evolution"], 1_000_000),
            ("tree search without Q and evolution, 100 rows", ["tree search, no q", "evolution"], 1_000_000),
        ):
            rate = worker.call("throughput", 100, evaluations, methods, seconds=600)["per_second"]
            found.append(
                count_row(name, "limit", rate, PER_SECOND, "expressions/s", f">= {PER_SECOND:,}")
                | dict(ratio=rate / PER_SECOND, reached=rate >= PER_SECOND)
            )
    return found


def ablation_rows(families: Sequence[str], seeds: int, seconds: float) -> list[Row]:
    """Return the rate of recovery without each part of the search, and with other kinds of it."""
    whole = _rate(list(carried_out(runs(families, ["symnum"], seeds, seconds))))
    found = []
    for variant, settings in ABLATIONS:
        if "neural" in variant and find_spec("torch") is None:
            continue
        records = list(carried_out(runs(families, ["symnum"], seeds, seconds, settings=settings)))
        found.append(rate_row(f"{', '.join(families)}: laws recovered", variant, whole, _rate(records)))
    return found


def _rate(records: Sequence[Record], key: str = "symbolic") -> float:
    """Return how many percent of the runs found the law."""
    return 100 * sum(r[key] for r in records) / len(records) if records else 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out the runs that the command line asks for and print their tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--families", default="nguyen", help=f"comma-separated, of {', '.join(regression_problems.FAMILIES)}"
    )
    parser.add_argument("--engines", default="symnum", help="comma-separated, of symnum, pyoperon, gplearn")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10.0, help="time limit of one fit")
    parser.add_argument(
        "--noise", default="0", help="comma-separated, as parts of the target's root mean square"
    )
    parser.add_argument(
        "--rows", type=int, default=None, help="training rows of uniform samples, else the list's"
    )
    parser.add_argument("--only", default="", help="problems whose names contain this")
    parser.add_argument(
        "--operators", choices=("default", "family"), default="default", help="the estimator's or the list's"
    )
    parser.add_argument(
        "--settings", type=json.loads, default={}, help="keywords of SymbolicRegressor, as JSON"
    )
    parser.add_argument("--report", type=Path, help="file to add each finished family's table to")
    given = parser.parse_args(arguments)
    for family in given.families.split(","):
        for noise in map(float, given.noise.split(",")):
            for engine in given.engines.split(","):
                todo = runs(
                    [family],
                    [engine],
                    given.seeds,
                    given.seconds,
                    [noise],
                    given.rows,
                    given.settings,
                    given.only,
                    given.operators,
                )
                if not todo:
                    continue
                title = f"## {family}, {engine}, {given.seconds:g} s, {given.seeds} seeds, noise {noise:g}"
                lines = [title, "", *report(list(carried_out(todo))), ""]
                print("\n".join(lines), flush=True)
                if given.report:
                    with given.report.open("a") as file:
                        file.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
