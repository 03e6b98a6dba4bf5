"""How a search runs: restarts side by side, checkpoints, warm starts, progress, limits and interruptions."""

from __future__ import annotations

import functools
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable, Mapping
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor, reusable_executor

import symnum as sn
from symnum.interrupt import deferred
from symnum.regression import SymbolicRegressor, finish, preparation, restart, search
from symnum.regression.archive import Archive, Entry
from symnum.regression.budget import Budget
from symnum.regression.candidate import Candidate
from symnum.regression.checkpoint import Checkpoint, Snapshot, content
from symnum.regression.crew import ATTEMPTS, Crew
from symnum.regression.evaluator import Evaluator
from symnum.regression.evolution import Evolution
from symnum.regression.grammar import Grammar
from symnum.regression.problem import Problem
from symnum.regression.progress import Progress, Reporter
from symnum.regression.search import Search, Settings
from symnum.regression.sums import Sum
from symnum.regression.target import TargetedArchive, best_formula

RNG = np.random.default_rng(0)
X = RNG.uniform(0.5, 3, (30, 2))
Y = np.tanh(X[:, 0] * X[:, 1]) ** X[:, 1] - RNG.normal(1, 0.05, 30)
"""Data that no formula describes exactly, so that a search of them runs until its budget is spent."""


def small(**options: Any) -> SymbolicRegressor:
    return SymbolicRegressor(
        **{
            "time_limit": None,
            "max_evaluations": 3000,
            "operators": ("+", "*", "sin"),
            "methods": ["evolution"],
            **options,
        }
    )


def small_search(checkpoint: Checkpoint | None = None, **settings: Any) -> Search:
    problem = Problem.of(X, Y, np.ones(len(Y)))
    return Search(
        problem,
        Grammar(("x", "y"), ("+", "*", "sin")),
        Settings(**{"seed": 1, "max_evaluations": 3000, "methods": (), "stages": ("evolution",), **settings}),
        checkpoint,
    )


class Scripted:
    """A stage that notes what it is given, spends its budget and ends as it is told."""

    notes: list[Any]

    def __init__(self, ends: Callable[[int], str] = lambda turn: "budget", name: str = "") -> None:
        self.ends, self.name, self.turn = ends, name, 0
        self.notes = []

    def __call__(self, bank: Any, archive: Archive, evaluator: Evaluator, rng: Any) -> Scripted:
        made = Scripted(self.ends, self.name)
        made.notes, made.archive, made.rng = self.notes, archive, rng  # type: ignore[attr-defined]
        return made

    def run(self, budget: Budget) -> str:
        self.turn += 1
        self.notes.append((self.name, self.turn, budget.evaluations))
        budget.spend(budget.evaluations or 0)
        return self.ends(self.turn)

    def state(self) -> dict[str, Any]:
        return {"turn": np.array(self.turn)}

    def resume(self, state: Mapping[str, Any]) -> None:
        self.turn = int(state["turn"])


def told(end: str, turn: int) -> str:
    return end


# --- budgets ------------------------------------------------------------------------------------------------------------------


def test_a_share_is_charged_to_the_whole_and_ends_with_it() -> None:
    seen: list[int] = []
    whole = Budget(100, 50.0, watch=lambda: seen.append(whole.used))
    part = whole.share(0.5)
    assert part.evaluations == 50 and part.seconds == 25.0
    inner = part.share(0.5)
    inner.spend(25)
    assert (inner.used, part.used, whole.used) == (25, 25, 25) and inner.spent and not part.spent
    whole.spend(75)
    assert part.spent and part.used == 25  # the whole is spent
    assert seen == [25, 100]
    assert Budget().share(0.5).evaluations is None and not Budget().spent and Budget().seconds_left is None
    assert Budget(seconds=0).spent and Budget(seconds=0).seconds_left == 0


# --- restarts -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("methods", [["evolution"], ["tree search", "evolution"]])
def test_the_result_is_the_same_for_any_number_of_processes(
    methods: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SLICE", 300)
    one = small(restarts=3, methods=methods).fit(X, Y)
    two = small(restarts=3, methods=methods, n_jobs=2).fit(X, Y)
    with joblib.parallel_config("threading", n_jobs=3):
        threads = small(restarts=3, methods=methods).fit(X, Y)
    for other in (two, threads):
        assert other.equations_ == one.equations_
        assert other.n_evaluations_ == one.n_evaluations_
    assert one.stopped_ == "budget"


def test_restarts_are_independent_and_share_the_budget() -> None:
    found = small_search(restarts=3)
    assert found.prepare() == ""
    prepared = found.used
    assert 0 < prepared < 2000
    start = found.restarts[0].entries
    assert all(each.entries == start for each in found.restarts)
    assert found.restart() == "budget"
    own = [set(each.entries[0]) - set(start[0]) for each in found.restarts]
    assert own[0] and own[1] and own[2] and own[0] != own[1] != own[2]
    part = (3000 - prepared) // 3
    assert all(part <= each.used < part + 600 for each in found.restarts)
    assert found.budget.used == prepared + sum(each.used for each in found.restarts)
    merged = found.finish("budget").essence.entries
    best = min(each.entries[0] for each in found.restarts)
    assert min(merged[0]) <= min(best)


def test_the_seed_decides_what_restarts_find() -> None:
    def entries(seed: int) -> Any:
        found = small_search(seed=seed, restarts=1)
        found.prepare()
        found.restart()
        return found.restarts[0].entries

    assert entries(1) == entries(1) != entries(2)


def test_evolution_goes_on_from_its_state() -> None:
    made = small_search()
    made.prepare()
    assert made.prepared is not None
    bank = restart.Stored(made.grammar, made.prepared.bank)

    def evolution(seed: int) -> Evolution:
        archive = restart.archive_of(made.restarts[0].entries, made.evaluator, made.problem, made.views, None)
        return Evolution(bank, archive, made.evaluator, np.random.default_rng(seed))

    first = evolution(1)
    first.run(Budget(2000))
    second = evolution(9)
    second.resume(first.state())
    assert [f for f, _ in second.population] == [f for f, _ in first.population]
    for (_, ours), (_, theirs) in zip(second.population, first.population, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert (second.quiet, second.barren, second.best) == (first.quiet, first.barren, first.best)
    before = second.population[0][0]
    second.run(Budget(600))
    assert second.population[0][0] <= before  # it did not begin again


def test_an_empty_evolution_has_a_state_too() -> None:
    made = small_search()
    made.prepare()
    assert made.prepared is not None
    bank = restart.Stored(made.grammar, made.prepared.bank)
    empty = Evolution(bank, made.archive, made.evaluator, np.random.default_rng(0))
    other = Evolution(bank, made.archive, made.evaluator, np.random.default_rng(0))
    other.resume(empty.state())
    assert other.population == []


def test_a_stored_bank_has_the_expressions_of_the_bank() -> None:
    from symnum.regression.enumeration import Bank, enumerate_expressions

    made = small_search()
    bank = Bank(made.grammar, made.problem, 500)
    enumerate_expressions(bank, made.archive, Budget(2000))
    stored = restart.Stored(made.grammar, restart.structure_of(bank))
    assert stored.size == bank.size and stored.ends == bank.ends
    np.testing.assert_array_equal(stored.lengths, bank.lengths[: bank.size])
    for k in (0, 3, bank.size // 2, bank.size - 1):
        np.testing.assert_array_equal(stored.tokens(k), bank.tokens(k))


def test_stages_take_turns_and_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Scripted(name="one")
    two = Scripted(name="two")
    two.notes = one.notes
    monkeypatch.setitem(restart.STAGES, "one", one)
    monkeypatch.setitem(restart.STAGES, "two", two)
    monkeypatch.setattr(search, "SLICE", 400)
    found = small_search(stages=("one", "two"))
    found.prepare()
    assert found.restart() == "budget"
    part = 3000 - found.used
    slices = found.restarts[0].slices
    assert slices - 1 <= -(-part // 400) <= slices  # an odd evaluation may be left
    assert [note[:2] for note in one.notes] == [
        (name, turn) for turn in range(1, slices + 1) for name in ("one", "two")
    ]
    assert all(note[2] == 200 for note in one.notes[:2])


@pytest.mark.parametrize(
    ("ends", "reason"),
    [
        (("no progress", "no progress"), "no progress"),
        (("no progress", "budget"), "budget"),
        (("budget", "exact"), "exact"),
        (("exact", "budget"), "exact"),
    ],
)
def test_how_stages_end_a_restart(
    ends: tuple[str, str], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, end in zip(("one", "two"), ends, strict=True):
        monkeypatch.setitem(restart.STAGES, name, Scripted(functools.partial(told, end)))
    monkeypatch.setattr(TargetedArchive, "reached", "exact")
    found = small_search(stages=("one", "two"))
    found.prepare()
    assert found.restart() == reason


@pytest.mark.parametrize("jobs", [1, 3])
def test_what_comes_after_the_restart_that_is_exact_does_not_count(
    jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slice_of(prepared: Any, each: restart.Restart, *rest: Any) -> restart.Restart:
        ended = "exact" if each.number >= 1 else ""
        return restart.Restart(each.number, each.entries, (), 10 + each.number, 1, ended)

    monkeypatch.setattr("symnum.regression.crew.run_slice", slice_of)
    found = small_search(restarts=3, n_jobs=jobs)
    found.prepare()
    with joblib.parallel_config("threading"):
        assert found.restart() == "exact"
    assert [each.slices for each in found.restarts] == [1, 1, 0]
    assert found.budget.used == found.used + 10 + 11


def test_time_is_shared_by_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds: list[float] = []

    def slice_of(prepared: Any, each: restart.Restart, allowance: restart.Allowance, *rest: Any) -> Any:
        seconds.append(allowance.seconds or 0)
        time.sleep(0.05)
        return restart.Restart(each.number, each.entries, (), each.used, each.slices + 1, "")

    monkeypatch.setattr("symnum.regression.crew.run_slice", slice_of)
    monkeypatch.setattr(search, "SLICE_SECONDS", 0.2)
    found = small_search(restarts=2, time_limit=2.0, max_evaluations=None)
    found.prepare()
    assert found.restart() == "budget"
    assert max(seconds) <= 0.2 and min(seconds) < 0.2
    assert abs(found.restarts[0].slices - found.restarts[1].slices) <= 1


def test_a_slice_that_begins_late_ends_in_time() -> None:
    nothing = lambda: None
    late = restart.Allowance(100, 3.0, time.time() - 5).budget(nothing)
    assert late.spent and late.evaluations == 100
    early = restart.Allowance(None, 3.0, time.time() + 100).budget(nothing)
    assert early.seconds == 3.0 and not early.spent
    assert restart.Allowance(5).budget(nothing).deadline is None


def test_the_users_operators_are_known_in_other_processes() -> None:
    sn.register_operator(
        "softplus_running", 1, "1/(1 + exp(-a))", numpy="numpy.logaddexp(0.0, {0})", numba="log1p(exp({0}))"
    )
    options: dict[str, Any] = dict(operators=("+", "*", "softplus_running"), restarts=2)
    one, two = (small(**options, n_jobs=jobs).fit(X, Y) for jobs in (1, 2))
    assert one.equations_ == two.equations_


def test_operators_are_registered_only_where_they_are_unknown() -> None:
    row = sn.register_operator("unknown_running", 1, "1", numpy="numpy.positive({0})")
    rows = restart.users_operators(Grammar(("x",), ("+", "unknown_running", "^2")))
    assert [each["name"] for each in rows] == ["unknown_running"]
    restart._learn(rows)
    assert sn.OPERATORS["unknown_running"] is row
    renamed = ({**rows[0], "name": "unknown_running_too"},)
    restart._learn(pickle.loads(pickle.dumps(renamed)))
    assert sn.OPERATORS["unknown_running_too"].numpy == row.numpy


# --- processes that die -------------------------------------------------------------------------------------------------------


def test_a_round_is_run_again_when_processes_die(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    class Dying(joblib.Parallel):
        def __call__(self, work: Any) -> Any:
            calls.append(1)
            if len(calls) == 1:
                raise BrokenProcessPool("killed")
            return super().__call__(work)

    monkeypatch.setattr(joblib, "Parallel", Dying)
    expected = small(restarts=2).fit(X, Y).equations_
    with joblib.parallel_config("threading"), pytest.warns(UserWarning, match="a process of the search died"):
        assert small(restarts=2, n_jobs=2).fit(X, Y).equations_ == expected
    assert len(calls) == 2


def test_processes_that_die_again_and_again_end_the_search_but_not_the_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Dying(joblib.Parallel):
        def __call__(self, work: Any) -> Any:
            raise BrokenProcessPool("killed")

    monkeypatch.setattr(joblib, "Parallel", Dying)
    with pytest.warns(UserWarning) as caught:
        model = small(restarts=2, n_jobs=2).fit(X, Y)
    messages = [str(w.message) for w in caught]
    assert sum("died (killed)" in m for m in messages) == ATTEMPTS
    assert any(
        "in 3 attempts in a row: the result is the best formula found so far; use fewer n_jobs" in m
        for m in messages
    )
    assert model.stopped_ == "processes died" and len(model.equations_) > 1


def test_a_killed_process_loses_nothing() -> None:
    expected = small(restarts=2).fit(X, Y).equations_
    get_reusable_executor().shutdown(wait=True, kill_workers=True)

    def kill() -> None:
        for _ in range(2000):
            executor = reusable_executor._executor
            processes = list(getattr(executor, "_processes", None) or {})
            if processes:
                os.kill(processes[0], signal.SIGKILL)
                return
            time.sleep(0.005)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.warns(UserWarning, match="its last slice is run again, nothing else is lost"):
        model = small(restarts=2, n_jobs=2).fit(X, Y)
    killer.join()
    assert model.equations_ == expected


def test_a_cluster_gives_the_same_result_also_when_it_loses_a_worker() -> None:
    distributed = pytest.importorskip("distributed")
    expected = small(restarts=3).fit(X, Y)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        with joblib.parallel_config("dask"):
            assert Crew(None).size == 2
            model = small(restarts=3).fit(X, Y)
        assert model.equations_ == expected.equations_
        processes = client.run(os.getpid)
        killed: list[int] = []

        def kill() -> None:
            """Kill the first worker that works."""
            for _ in range(4000):
                busy = [address for address, tasks in client.processing().items() if tasks]
                if busy:
                    os.kill(processes[busy[0]], signal.SIGKILL)
                    killed.append(processes[busy[0]])
                    return
                time.sleep(0.002)

        killer = threading.Thread(target=kill)
        killer.start()
        with joblib.parallel_config("dask"):
            again = small(restarts=3).fit(X, Y)
        killer.join()
        assert len(killed) == 1 and set(client.run(os.getpid).values()) != set(processes.values())
        assert again.equations_ == expected.equations_


# --- checkpoints --------------------------------------------------------------------------------------------------------------


class Death(Exception):
    """Stands for the end of the process."""


def test_a_search_goes_on_from_its_checkpoint_to_the_same_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SLICE", 400)
    monkeypatch.setattr(search, "SAVE_SECONDS", 0.0)
    whole = small(restarts=2).fit(X, Y)
    path = tmp_path / "search.npz"
    slices = 0
    true_slice = restart.run_slice

    def dying(*arguments: Any) -> Any:
        nonlocal slices
        slices += 1
        if slices == 3:
            raise Death
        return true_slice(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr("symnum.regression.crew.run_slice", dying)
        with pytest.raises(Death):
            small(restarts=2, checkpoint=path).fit(X, Y)
    kept = Checkpoint(path).read()
    assert kept is not None and [each.slices for each in kept.restarts] == [1, 1] and kept.seconds > 0
    assert list(tmp_path.iterdir()) == [path]
    with monkeypatch.context() as patched:
        patched.setattr(search, "Preparation", None)  # what is done is not done again
        resumed = small(restarts=2, checkpoint=str(path)).fit(X, Y)
    assert resumed.equations_ == whole.equations_
    assert resumed.n_evaluations_ == whole.n_evaluations_


def test_what_was_found_before_the_restarts_is_kept_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr("symnum.regression.enumeration.CHUNK", 50)
    path = tmp_path / "search.npz"

    def dying(progress: Progress) -> None:
        if progress.evaluations > 500:
            raise Death

    monkeypatch.setattr("symnum.regression.progress.EVERY", 0.0)
    with pytest.raises(Death):
        small(checkpoint=path, progress=dying).fit(X, Y)
    kept = Checkpoint(path).read()
    assert kept is not None and not kept.prepared and len(kept.entries[0]) > 5
    assert small(checkpoint=path).fit(X, Y).equations_ == small().fit(X, Y).equations_


def test_a_finished_checkpoint_gives_its_result_and_goes_on_with_a_larger_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "search.npz"
    first = small(checkpoint=path).fit(X, Y)
    with monkeypatch.context() as patched:
        patched.setattr("symnum.regression.crew.run_slice", None)
        again = small(checkpoint=path).fit(X, Y)
    assert again.equations_ == first.equations_ and again.n_evaluations_ == first.n_evaluations_
    longer = small(checkpoint=path, max_evaluations=6000).fit(X, Y)
    assert longer.n_evaluations_ >= 6000 - 300 > first.n_evaluations_
    kept = Checkpoint(path).read()
    assert kept is not None and kept.restarts[0].slices == 2


def test_time_counts_over_all_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "search.npz"
    small(checkpoint=path).fit(X, Y)
    monkeypatch.setattr("symnum.regression.crew.run_slice", None)
    model = small(checkpoint=path, max_evaluations=10**9, time_limit=1e-9).fit(X, Y)
    assert model.stopped_ == "budget"


def test_a_drawn_seed_comes_from_the_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "search.npz"
    first = small(checkpoint=path, random_state=None).fit(X, Y)
    again = small(checkpoint=path, random_state=None).fit(X, Y)
    assert again.n_evaluations_ == first.n_evaluations_ and again.equations_ == first.equations_


@pytest.mark.parametrize(
    ("options", "data", "message"),
    [
        ({}, (X, Y + 1), "belongs to another search: the data are others; name another file, or delete this"),
        ({}, (X[:, ::-1], Y), "the data are others"),
        ({"operators": ("+", "*")}, (X, Y), "grammar was .*'sin'.* and is"),
        ({"restarts": 2}, (X, Y), "restarts was 1 and is 2"),
        ({"random_state": 7}, (X, Y), r"the seed was \d+ and is \d+"),
    ],
)
def test_a_checkpoint_of_another_search_is_refused_and_kept(
    options: dict[str, Any], data: Any, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "search.npz"
    small(checkpoint=path, max_evaluations=500).fit(X, Y)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=message):
        small(checkpoint=path, **options).fit(*data)
    assert path.read_bytes() == before


def bad_files() -> list[Any]:
    return [
        pytest.param(lambda path: path.write_text("x,y\n1,2\n"), id="text"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: np.savez(path, x=np.ones(3)), id="other arrays"),
        pytest.param(lambda path: np.savez(path, about=np.array('{"format": 99}')), id="newer format"),
        pytest.param(lambda path: np.savez(path, about=np.array("[")), id="broken text"),
        pytest.param(lambda path: np.savez(path, about=np.array(["x", None])), id="pickled"),
        pytest.param(lambda path: np.save(path.open("wb"), np.ones(3)), id="one array"),
    ]


@pytest.mark.parametrize("make", bad_files())
def test_a_file_that_is_no_checkpoint_is_refused_and_kept(
    make: Callable[[Path], Any], tmp_path: Path
) -> None:
    path = tmp_path / "search.npz"
    make(path)
    before = path.read_bytes()
    with pytest.raises(
        ValueError, match=r"search.npz' is not a checkpoint of a search \(.*\); name another file"
    ):
        small(checkpoint=path).fit(X, Y)
    assert path.read_bytes() == before


def test_a_cut_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "search.npz"
    small(checkpoint=path, max_evaluations=500).fit(X, Y)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match="is not a checkpoint of a search"):
        small(checkpoint=path).fit(X, Y)


def damages() -> list[Any]:
    def changed_bank(name: str, value: Any) -> Callable[[Snapshot], Snapshot]:
        def change(kept: Snapshot) -> Snapshot:
            array = kept.bank[name].copy()
            array[-1] = value
            return replace(kept, bank={**kept.bank, name: array})

        return change

    wrong = (Entry(0.5, np.array([99], np.int16).tobytes()),)
    odd = (Entry(0.5, b"abc"),)
    unfinished = (Entry(0.5, np.array([5], np.int16).tobytes()),)
    return [
        pytest.param(lambda k: replace(k, entries=k.entries[:0]), "for 0 views of the target", id="views"),
        pytest.param(lambda k: replace(k, entries=(wrong, *k.entries[1:])), "no expression", id="token"),
        pytest.param(lambda k: replace(k, entries=(odd, *k.entries[1:])), "no expression", id="bytes"),
        pytest.param(lambda k: replace(k, entries=(unfinished, *k.entries[1:])), "no expression", id="prefix"),
        pytest.param(lambda k: replace(k, sums=(Sum(9, (k.entries[0][0].text,), 0.5, 1),)), "a sum that is none", id="sum"),
        pytest.param(lambda k: replace(k, written=(Candidate(b"abc", ()),)), "a formula that is none", id="formula"),
        pytest.param(
            lambda k: replace(k, written=(Candidate(np.zeros(1, np.int16).tobytes(), (1.0,)),)), "a formula that is none", id="constants"
        ),
        pytest.param(
            lambda k: replace(k, restarts=(replace(k.restarts[0], written=(Candidate(b"", ()),)),)), "a formula that is none", id="restart"
        ),
        pytest.param(lambda k: replace(k, restarts=(replace(k.restarts[0], number=3),)), "not numbered", id="number"),
        pytest.param(changed_bank("roots", 99), "refers to what is not there", id="root"),
        pytest.param(changed_bank("left", 10**6), "refers to what is not there", id="argument"),
        pytest.param(changed_bank("ends", 10**6), "refers to what is not there", id="ends"),
        pytest.param(lambda k: replace(k, bank={"roots": k.bank["roots"]}), "what is not there", id="no bank"),
        pytest.param(
            lambda k: replace(k, bank={**k.bank, "left": k.bank["left"][:-1]}), "what is not there", id="short bank"
        ),
        pytest.param(
            lambda k: replace(k, restarts=(replace(k.restarts[0], states=({**k.restarts[0].states[0], "tokens": np.full(5, 77)},)),)),
            "state of the evolution holds tokens that are no expression", id="population",
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), damages())
def test_a_checkpoint_that_holds_nonsense_is_refused(
    change: Callable[[Snapshot], Snapshot], message: str, tmp_path: Path
) -> None:
    made = small_search(max_evaluations=1500)
    made.checkpoint = Checkpoint(tmp_path / "search.npz")
    made.run()
    kept = made.checkpoint.read()
    assert kept is not None and kept.restarts
    made.checkpoint.write(change(kept))
    with pytest.raises(ValueError, match=message):
        small_search(max_evaluations=9000, checkpoint=made.checkpoint).run()


def test_a_checkpoint_that_cannot_be_written_is_an_error_before_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("symnum.regression.estimator.Search", None)
    with pytest.raises(
        FileNotFoundError, match=r"checkpoint '.*absent/a.npz' cannot be written \(No such file"
    ):
        small(checkpoint=tmp_path / "absent" / "a.npz").fit(X, Y)
    with pytest.raises(IsADirectoryError, match=r"is a folder; name a file in it, such as '.*search.npz'"):
        small(checkpoint=tmp_path).fit(X, Y)
    with pytest.raises(IsADirectoryError):  # also where no search is needed
        small(checkpoint=tmp_path).fit(X, np.ones(len(Y)))


def test_a_disk_that_gets_full_does_not_end_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Checkpoint, snapshot: Snapshot) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Checkpoint, "write", full)
    with pytest.warns(UserWarning, match="could not be written .*No space left.*; the search goes on"):
        model = small(checkpoint=tmp_path / "search.npz").fit(X, Y)
    assert model.equations_ == small().fit(X, Y).equations_


def test_each_output_has_its_checkpoint(tmp_path: Path) -> None:
    options: dict[str, Any] = dict(checkpoint=tmp_path / "search.npz", max_evaluations=1000)
    model = small(**options).fit(X, np.column_stack([Y, X[:, 0]]))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["search.0.npz", "search.1.npz"]
    assert small(**options).fit(X, np.column_stack([Y, X[:, 0]])).equations_ == model.equations_


def test_content_sees_every_number() -> None:
    problem = Problem.of(X, Y, np.ones(len(Y)))
    weights = np.ones(len(Y))
    weights[3] = 2
    assert content(problem) == content(Problem.of(X[::-1], Y[::-1], np.ones(len(Y))))
    assert content(problem) != content(Problem.of(X, Y, weights))


KILLED = """
import sys
import numpy as np
from symnum.regression import SymbolicRegressor, search
search.SLICE, search.SAVE_SECONDS = 600, 0.0
X = np.random.default_rng(0).uniform(0.5, 3, (30, 2))
y = np.abs(np.sin(9 * X[:, 0] * X[:, 1])) + np.random.default_rng(1).normal(size=30)
path = sys.argv[1]
limit = int(sys.argv[2])
model = SymbolicRegressor(
    time_limit=None, max_evaluations=limit, operators=("+", "*", "sin"), checkpoint=path, random_state=3, methods=["evolution"]
)
print(model.fit(X, y).n_evaluations_)
"""


def test_a_search_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "search.npz"
    command = [sys.executable, "-P", "-c", KILLED, str(path)]
    process = subprocess.Popen([*command, str(10**9)])
    try:
        slices = 0
        while slices < 3:
            assert process.poll() is None
            time.sleep(0.02)
            kept = Checkpoint(path).read()  # at every moment there is a whole file, or none
            slices = kept.restarts[0].slices if kept is not None and kept.restarts else 0
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL
    kept = Checkpoint(path).read()
    assert kept is not None
    used = kept.used + kept.restarts[0].used
    done = subprocess.run([*command, str(used + 500)], capture_output=True, text=True, check=True)
    assert used < int(done.stdout) < used + 2000
    after = Checkpoint(path).read()
    assert after is not None and after.restarts[0].slices > kept.restarts[0].slices
    assert after.settings == kept.settings and after.bank["roots"].tolist() == kept.bank["roots"].tolist()


# --- warm starts --------------------------------------------------------------------------------------------------------------


def test_a_warm_start_with_the_same_data_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small(warm_start=True, random_state=5).fit(X, Y)
    first, loss = model.n_evaluations_, min(e.loss for e in model.equations_)
    monkeypatch.setattr(search, "Preparation", None)
    model.fit(X, Y)
    assert min(e.loss for e in model.equations_) <= loss * (1 + 1e-9)
    assert 2700 < model.n_evaluations_ and abs(model.n_evaluations_ - first) < 700  # each fit has its budget
    assert model._memory.snapshot.restarts[0].slices == 2


def test_a_warm_start_with_other_data_begins_with_what_was_found() -> None:
    x = np.linspace(0.5, 3, 40)[:, None]
    law = 2 * np.sin(x[:, 0] * np.exp(x[:, 0])) * x[:, 0] ** 3
    operators = ("+", "*", "/", "sin", "exp", "^3")
    model = small(warm_start=True, operators=operators, max_evaluations=60_000)
    assert model.fit(x, law).stopped_ == "exact"
    spent = model.n_evaluations_
    other = x[::2] + 0.01
    changed = 5 * np.sin(other[:, 0] * np.exp(other[:, 0])) * other[:, 0] ** 3
    model.set_params(max_evaluations=400).fit(other, changed)
    assert model.stopped_ == "exact" and model.n_evaluations_ < spent
    cold = small(operators=operators, max_evaluations=400).fit(x, law)
    assert cold.stopped_ == "budget"
    # other operators: what can be written with them is taken over, and the rest is left
    model.set_params(operators=("sin", "+")).fit(x, law)
    assert all(str(e.expression).count("exp") == 0 for e in model.equations_)


def test_a_warm_start_needs_the_same_columns_and_an_earlier_fit() -> None:
    model = small(warm_start=True, max_evaluations=500).fit(X, Y)
    with pytest.warns(
        UserWarning, match="the columns are x0, x1, x2 and were x0, x1: the search begins afresh"
    ):
        model.fit(np.column_stack([X, X[:, 0] ** 2]), Y)
    cold = small(max_evaluations=500).fit(X, Y)
    assert cold.fit(X, Y)._memory.snapshot.restarts == ()  # a cold fit keeps only the expressions
    warmed = pickle.loads(pickle.dumps(cold)).set_params(warm_start=True).fit(X, Y)
    assert min(e.loss for e in warmed.equations_) <= min(e.loss for e in cold.equations_) * (1 + 1e-9)


def test_a_warm_start_of_several_outputs() -> None:
    both = np.column_stack([Y, Y**2])
    model = small(warm_start=True, max_evaluations=6000).fit(X, both)
    first = model.estimators_
    model.fit(X, both)
    assert model.estimators_[0] is first[0]
    assert [each._memory.snapshot.restarts[0].slices for each in model.estimators_] == [2, 2]


# --- limits -------------------------------------------------------------------------------------------------------------------


def test_the_search_ends_at_the_wanted_loss() -> None:
    loose = small(target_loss=0.01, max_evaluations=20_000).fit(X, Y)
    assert loose.stopped_ == "target loss"
    assert min(e.loss for e in loose.equations_) <= 0.01
    assert loose.n_evaluations_ < 20_000
    strict = small(target_loss=1e-20).fit(X, Y)
    assert strict.stopped_ == "budget"


def test_the_wanted_loss_is_that_of_the_target_in_every_view() -> None:
    x = np.linspace(0.5, 3, 60)[:, None]
    y = 1 / (2 + np.sin(3 * x[:, 0])) + RNG.normal(0, 1e-3, 60)
    options: dict[str, Any] = dict(operators=("+", "*", "/", "sin"), max_evaluations=30_000)
    model = small(**options, target_loss=2e-6).fit(x, y)
    assert model.stopped_ == "target loss"
    assert np.mean((model.predict(x) - y) ** 2) <= 2e-6


def test_a_sum_can_reach_the_wanted_loss() -> None:
    x = np.linspace(0.1, 2, 60)[:, None]
    y = (
        0.7 * np.sin(x[:, 0] ** 2)
        + 1.3 * np.log(x[:, 0] + 1)
        - 2 * np.sqrt(x[:, 0])
        + RNG.normal(0, 1e-4, 60)
    )
    model = small(
        operators=("+", "*", "sin", "log", "sqrt"),
        target_loss=3e-8,
        max_evaluations=30_000,
        methods=["forms", "evolution"],
    ).fit(x, y)
    assert model.stopped_ == "target loss"
    assert np.mean((model.predict(x) - y) ** 2) <= 3e-8


# --- progress -----------------------------------------------------------------------------------------------------------------


def test_progress_is_told_to_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symnum.regression.progress.EVERY", 0.0)
    seen: list[Progress] = []
    model = small(progress=seen.append).fit(X, Y)
    assert [each.stage for each in seen][:: len(seen) - 1] == ["enumeration", "finished"]
    assert {each.stage for each in seen} == {"enumeration", "evolution", "finished"}
    evaluations = [each.evaluations for each in seen]
    assert evaluations == sorted(evaluations) and evaluations[-1] == model.n_evaluations_
    assert [each.seconds for each in seen] == sorted(each.seconds for each in seen)
    assert seen[-1].expression == str(model.expression_) and seen[-1].complexity == model.complexity_
    known = [each for each in seen[:-1] if each.expression]
    assert known[-1].loss < known[0].loss
    last = sn.parse(known[-1].expression)
    values = sn.compile(last, list(model.symbols_))(*X.T)
    assert np.mean((values - Y) ** 2) == pytest.approx(known[-1].loss, rel=0.02)
    with pytest.raises(AttributeError):
        seen[0].loss = 1.0  # type: ignore[misc]


def test_progress_names_what_comes_after_the_enumeration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("symnum.regression.progress.EVERY", 0.02)

    def look(progress: Progress) -> None:
        seen.add(progress.stage)
        if progress.stage == "combination":
            raise KeyboardInterrupt

    seen: set[str] = set()
    with pytest.warns(UserWarning, match="interrupted"):
        small(max_evaluations=20_000, progress=look, methods=None).fit(X, Y)
    assert "combination" in seen


def test_progress_of_processes_is_told_after_each_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symnum.regression.progress.EVERY", 0.0)
    monkeypatch.setattr(search, "SLICE", 300)
    seen: list[Progress] = []
    with joblib.parallel_config("threading"):
        small(restarts=2, n_jobs=2, progress=seen.append).fit(X, Y)
    assert sum(each.stage == "evolution" for each in seen) >= 3  # one after each round


def test_a_function_may_end_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symnum.regression.progress.EVERY", 0.0)

    def enough(progress: Progress) -> None:
        if progress.stage == "evolution":
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        model = small(progress=enough, max_evaluations=10**8).fit(X, Y)
    assert model.stopped_ == "interrupted" and len(model.equations_) > 1


def test_a_terminal_gets_one_line_and_a_file_gets_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("symnum.regression.progress.EVERY", 0.0)
    monkeypatch.setattr("symnum.regression.progress.EVERY_LINE", 0.0)
    small(max_evaluations=500).fit(X, Y)
    small(max_evaluations=500, progress=False).fit(X, Y)
    assert capsys.readouterr() == ("", "")  # nobody looks
    small(max_evaluations=500, progress=True).fit(X, Y)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 2 and "finished" in lines[-1] and all("evaluations" in line for line in lines)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    small(max_evaluations=500).fit(X, Y)
    text = capsys.readouterr().err
    assert text.count("\n") == 1 and text.endswith("\n") and text.count("\r\x1b[2K") > 2
    assert all(len(part) <= 60 for part in text.split("\r\x1b[2K")) and "…" in text


def test_a_notebook_gets_one_line_that_is_updated(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []

    class Handle:
        def update(self, data: Any, raw: bool) -> None:
            shown.append(data)

    def display(data: Any, raw: bool, display_id: bool) -> Handle:
        assert raw and display_id and not shown
        shown.append(data)
        return Handle()

    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=display))
    monkeypatch.setattr("symnum.regression.progress.EVERY", 0.0)
    small(max_evaluations=500).fit(X, Y)
    assert len(shown) > 2 and "finished" in shown[-1]["text/plain"]


def test_the_best_formula_may_be_an_entry_a_sum_or_a_formula() -> None:
    made = small_search()
    made.prepare()
    text, loss, complexity = best_formula(made.archive, [], [], made.evaluator, made.problem)
    values = sn.compile(sn.parse(text), list(sn.symbols("x y")))(*made.problem.X)
    assert complexity > 1 and loss == pytest.approx(np.mean((values - made.problem.y) ** 2), rel=1e-3)
    exact = Candidate(made.grammar.parse("+ C sin x").tobytes(), (2.0,))
    problem = Problem(made.problem.X, 2 + np.sin(made.problem.X[0]), made.problem.weights)
    text, loss, complexity = best_formula(made.archive, [], [exact], made.evaluator, problem)
    assert (text, complexity) == ("sin(x) + 2.0", 4) and loss < 1e-30
    empty = Archive(made.views)
    assert best_formula(empty, [], [], made.evaluator, made.problem) == ("", np.inf, 0)
    terms = tuple(made.grammar.parse(t).tobytes() for t in ("sin x", "y"))
    summed, _, _ = best_formula(empty, [Sum(0, terms, 0.5, 6)], [], made.evaluator, made.problem)
    assert "sin(x)" in summed and "y" in summed


def test_a_report_comes_when_it_is_time() -> None:
    reporter = Reporter(lambda progress: None)
    assert reporter.wanted and not reporter.due
    assert not Reporter(False).due and not Reporter(False).wanted


# --- Ctrl-C -------------------------------------------------------------------------------------------------------------------

INTERRUPTED = """
import json, sys, warnings
import numpy as np
from symnum.regression import SymbolicRegressor, search
warnings.simplefilter("always")
search.SLICE = 900
X = np.random.default_rng(0).uniform(0.5, 3, (30, 2))
y = 2 * X[:, 0] + np.random.default_rng(1).normal(0, 0.1, 30)
def tell(progress):
    if progress.stage == "evolution":
        print("running", flush=True)
jobs = int(sys.argv[1])
model = SymbolicRegressor(time_limit=None, max_evaluations=10**9, operators=("+", "*", "sin"), restarts=jobs, n_jobs=jobs, progress=tell,
    methods=["evolution"])
model.fit(X, y)
print(json.dumps([model.stopped_, str(model.expression_), model.n_evaluations_]), flush=True)
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_real_ctrl_c_keeps_the_best_so_far(jobs: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", INTERRUPTED, str(jobs)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes of the group
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    stopped, expression, evaluations = json.loads(out.splitlines()[-1])
    assert stopped == "interrupted" and evaluations > 1000
    assert "x0" in expression
    assert "the search was interrupted: the result is the best formula found so far" in err
    # a process that is just reading its task may still say that it was interrupted
    assert jobs > 1 or "Traceback" not in err


def test_a_second_ctrl_c_is_not_deferred() -> None:
    with deferred() as pressed:
        assert not pressed()
        signal.raise_signal(signal.SIGINT)
        assert pressed()
        with deferred() as inner:  # the outer one has it
            assert not inner()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_program_that_handles_ctrl_c_itself_goes_on_doing_so(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    try:
        with deferred() as pressed:
            signal.raise_signal(signal.SIGINT)
            assert seen == [signal.SIGINT] and not pressed()
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_search_in_a_thread_leaves_signals_alone() -> None:
    found: list[SymbolicRegressor] = []
    thread = threading.Thread(target=lambda: found.append(small(max_evaluations=500).fit(X, Y)))
    thread.start()
    thread.join()
    assert found[0].stopped_ == "budget"


def test_processes_that_die_of_ctrl_c_end_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    class Dying(joblib.Parallel):
        def __call__(self, work: Any) -> Any:
            signal.raise_signal(signal.SIGINT)
            raise BrokenProcessPool("interrupted")

    monkeypatch.setattr(joblib, "Parallel", Dying)
    with pytest.warns(UserWarning, match="the search was interrupted") as caught:
        assert small(restarts=2, n_jobs=2).fit(X, Y).stopped_ == "interrupted"
    assert len(caught) == 1


def test_what_all_restarts_have_found_until_ctrl_c_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def slice_of(prepared: Any, each: restart.Restart, *rest: Any) -> restart.Restart:
        return restart.Restart(each.number, each.entries, (), 10, 1, "interrupted")

    monkeypatch.setattr("symnum.regression.crew.run_slice", slice_of)
    for jobs, slices in ((1, [1, 0]), (2, [1, 1])):
        found = small_search(restarts=2, n_jobs=jobs)
        with joblib.parallel_config("threading"), pytest.warns(UserWarning, match="interrupted"):
            assert found.run().stopped == "interrupted"
        assert [each.slices for each in found.restarts] == slices


def test_ctrl_c_in_the_last_fit_gives_the_fit_of_the_sampled_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    true_select = finish.select

    def select(whole: Problem, *rest: Any) -> Any:
        rows.append(whole.rows)
        if len(rows) == 1:
            raise KeyboardInterrupt
        return true_select(whole, *rest)

    monkeypatch.setattr(finish, "select", select)
    many = RNG.uniform(1, 3, (1000, 2))
    with pytest.warns(UserWarning, match="the last fit was interrupted: constants are fitted to the rows"):
        model = small().fit(many, 2 * many[:, 0] + RNG.normal(0, 0.1, 1000))
    assert rows == [1000, preparation.ROWS] and model.stopped_ == "interrupted"
    assert "x0" in str(model.expression_)


def test_ctrl_c_ends_the_other_outputs_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Evolution, budget: Budget) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(Evolution, "run", interrupted)
    with pytest.warns(UserWarning, match="interrupted"):
        model = small(max_evaluations=10**9).fit(X, np.column_stack([Y, Y**2, Y**3]))
    assert [each.stopped_ for each in model.estimators_] == ["interrupted", "budget", "budget"]


def test_a_snapshot_without_restarts_is_whole() -> None:
    snapshot = Snapshot("data", {"restarts": 1}, 5, ((), ()))
    assert not snapshot.prepared
