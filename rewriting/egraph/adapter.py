"""The one border to egglog: program text goes in, rows of the function tables come out.

Only ``egglog.bindings`` is used, the part that egglog 13 and 14 have in common.  Its Python layer recurses over terms and refuses deep
ones; text of flat commands and tables of rows know no depth.  A Rust panic, which reaches Python as an exception that is no
``Exception``, becomes an :class:`EGraphError` here, and so does every other failure of egglog.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

BATCH = 32
"""Commands per program: egglog 13 takes more than quadratic time in the length of one program."""


class EGraphError(RuntimeError):
    """Says that the e-graph cannot do what was asked, or that egglog failed; the message names the cure."""


class Engine:
    """One egglog e-graph over the sorts ``T`` (terms), ``Bag`` (multisets of terms), ``i64`` and ``String``.

    After a failure of egglog the engine is closed: each later use raises EGraphError.
    """

    def __init__(self) -> None:
        self._failure = ""
        self._bindings = _bindings()
        self._egraph = self._bindings.EGraph()

    def run(self, commands: Iterable[str]) -> None:
        """Run commands, each one complete s-expression."""
        waiting = list(commands)
        for start in range(0, len(waiting), BATCH):
            self._run("\n".join(waiting[start : start + BATCH]))

    def _run(self, program: str) -> None:
        self._guarded(lambda: self._egraph.run_program(*self._egraph.parse_program(program)), program)

    def read(self, tables: Sequence[str]) -> dict[str, list[tuple[tuple[Any, ...], Any]]]:
        """Return the rows (inputs, output) of each table.

        A term is read as an int, the same for the same e-class within one call; a bag as a tuple of such ints, each as often as it is in
        the bag; i64 and String as int and str.  The output of a relation is None.
        """
        return self._guarded(lambda: self._read(tables), "the tables")

    def _read(self, tables: Sequence[str]) -> dict[str, list[tuple[tuple[Any, ...], Any]]]:
        egraph = self._egraph
        functions = egraph.freeze().functions
        classes: dict[Any, int] = {}
        bags: dict[Any, tuple[int, ...]] = {}

        def term(value: Any) -> int:
            return classes.setdefault(value, len(classes))

        def bag(value: Any) -> tuple[int, ...]:
            if value not in bags:
                bags[value] = tuple([term(part) for part in egraph.value_to_multiset(value)])
            return bags[value]

        decoders: dict[str, Callable[[Any], Any]] = {
            "T": term,
            "Bag": bag,
            "i64": egraph.value_to_i64,
            "String": egraph.value_to_string,
        }
        found = {}
        for name in tables:
            table = functions[name]
            takes = [decoders[sort] for sort in table.input_sorts]
            gives = decoders.get(table.output_sort, lambda value: None)
            found[name] = [
                (tuple([take(value) for take, value in zip(takes, row.inputs)]), gives(row.output))
                for row in table.rows
            ]
        return found

    def _guarded(self, action: Callable[[], Any], what: str) -> Any:
        if self._failure:
            raise EGraphError(
                f"this e-graph is closed after a failure: {self._failure}; start again with EGraph()"
            )
        try:
            return action()
        except (
            BaseException
        ) as problem:  # a panic derives from BaseException and its class cannot be imported
            if not _is_failure(problem, self._bindings):
                raise
            self._failure = f"{type(problem).__name__}: {problem}".strip()
            raise EGraphError(
                f"egglog failed on {_brief(what)} with {self._failure}; "
                f"start again with EGraph(), on smaller terms or with smaller EGraphLimits"
            ) from problem


_first_process: list[int] = []
"""The process that used egglog first: its threads do not survive a fork, and what waits for them would wait forever."""


def _bindings() -> Any:
    if (_first_process or [os.getpid()])[0] != os.getpid():
        raise EGraphError(
            "the e-graph cannot be used in a process that was forked after its first use; start workers with "
            "multiprocessing.get_context('spawn'), or with joblib's default backend"
        )
    try:
        from egglog import bindings
    except ImportError as missing:
        raise EGraphError(
            f"the e-graph needs egglog 13 or 14, but it cannot be imported ({missing}); write pip install 'egglog>=13.2,<15'"
        ) from missing
    _first_process[:] = [os.getpid()]
    return bindings


def _is_failure(problem: BaseException, bindings: Any) -> bool:
    return isinstance(problem, bindings.EggSmolError | RecursionError | MemoryError) or (
        type(problem).__name__ == "PanicException"
    )


def _brief(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 160 else line[:157] + "...")
