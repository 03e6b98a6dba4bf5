"""Read BioNetGen's .net files; every complaint names the file and the line.

The reactions of a file, tens of thousands, are read column by column into integer arrays; only if something is wrong there, the lines
are read one by one to find where.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from symnum.backends import interned
from symnum.pde.net_formula import FormulaError, FormulaReader, Function
from symnum.pde.rate_laws import RATE_LAWS, RateLaw
from symnum.pde.reactions import Reactions, law_key

Lines = Sequence[tuple[int, str]]

_READ = ("parameters", "functions", "species", "reactions", "groups")
_SKIPPED = (
    "compartments",
    "molecule types",
    "observables",
    "reaction rules",
    "energy patterns",
    "population maps",
    "actions",
    "population types",
)
"""Blocks of the model that the network was made from; they say nothing that the network does not."""

_NAME = re.compile(r"[A-Za-z_]\w*\Z")
_SPECIES = re.compile(r"(@\w+::?)?(\$?)(.+)\Z", re.S)

MAX_PLACE = 2**31 - 1
"""The largest number of a species or of a row."""


def read_text(path: str | os.PathLike[str]) -> str:
    """Return the text of a file; raises OSError, and ValueError for a file that is no text."""
    data = Path(path).read_bytes()
    place = data.find(0)
    try:
        if place < 0:
            return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        place = problem.start
    raise ValueError(
        f"{os.path.basename(path)} is no text file: byte {place} is 0x{data[place]:02x}; a .net file is plain text (UTF-8)"
    )


class NetReader:
    """Reads the text of one file; ``origin`` is named in errors."""

    def __init__(self, text: str, origin: str) -> None:
        self.origin = os.path.basename(origin)
        self.lines = text.splitlines()
        self.blocks = self._blocks()

    def fail(self, number: int, problem: str) -> NoReturn:
        """Raise the ValueError for a line."""
        raise ValueError(f"{self.origin}, line {number}: {problem}") from None

    def fields(self) -> dict[str, Any]:
        """Return the parts of a network by the names of the arguments of ReactionNetwork."""
        for needed in ("species", "reactions"):
            if needed not in self.blocks:
                raise ValueError(
                    f"{self.origin} has no block 'begin {needed}'; a BioNetGen .net file has the blocks parameters, "
                    f"species and reactions"
                )
        parameters = self._parameters()
        species, fixed, written = self._species()
        groups = self._groups(len(species))
        self._check_names(parameters, groups)
        known = {name: interned.symbol(name) for name in chain(parameters, groups)}
        clock = "t" if "t" not in known else "time" if "time" not in known else "time_"
        functions = self._functions(known, interned.symbol(clock))
        reader = FormulaReader(known, functions, interned.symbol(clock))
        constants = FormulaReader({name: known[name] for name in parameters}, {})
        return {
            "species": species,
            "initial": [self._formula(constants, text, line) for line, text in written],
            "parameters": {
                name: self._formula(constants, text, line) for name, (line, text) in parameters.items()
            },
            "reactions": self._reactions(len(species), reader),
            "groups": groups,
            "functions": functions,
            "fixed": fixed,
            "time": clock,
        }

    # --- lines and blocks ---------------------------------------------------------------------------------------------------

    def _blocks(self) -> dict[str, list[tuple[int, str]]]:
        """Return {block: [(line number, line without its comment), ...]}."""
        found: dict[str, list[tuple[int, str]]] = {}
        name, began = "", 0
        rows: list[tuple[int, str]] = []
        for number, line in enumerate(self.lines, 1):
            if "#" in line:
                line = line[: line.index("#")]
            line = line.strip()
            if not line:
                continue
            if line.startswith(("begin ", "end ")) or line in ("begin", "end"):
                word, _, block = " ".join(line.split()).partition(" ")
                if block == "model":  # holds the other blocks
                    continue
                if word == "end":
                    if block != name:
                        self.fail(
                            number,
                            f"'{line}' ends no block; open is {f'{name!r}, from line {began}' if name else 'none'}",
                        )
                    name = ""
                elif name:
                    self.fail(
                        number,
                        f"the block {block!r} begins within the block {name!r}, which began in line {began}; write 'end {name}' before",
                    )
                elif block not in _READ and block not in _SKIPPED:
                    self.fail(number, f"there is no block {block!r}; the blocks are {', '.join(_READ)}")
                elif block in found:
                    self.fail(number, f"the block {block!r} comes twice")
                else:
                    name, began = block, number
                    rows = found[name] = []
            elif name:
                rows.append((number, line))
            elif not re.match(r"\w+\s*\(", line):  # outside stand settings such as substanceUnits("Number")
                self.fail(
                    number,
                    f"{_brief(line)} stands outside of all blocks; this is no .net file, or a 'begin' is missing",
                )
        if name:
            raise ValueError(
                f"{self.origin} ends within the block {name!r}; the file was cut off after line {len(self.lines)}"
            )
        return found

    def _rows(self, block: str, least: int) -> Iterator[tuple[int, list[str]]]:
        """Yield the fields after the row number, which counts from 1."""
        for place, (number, line) in enumerate(self.blocks.get(block, ()), 1):
            fields = line.split()
            if fields[0] != str(place) or len(fields) <= least:
                self._bad_row(block, number, line, place, least)
            yield number, fields[1:]

    def _bad_row(self, block: str, number: int, line: str, place: int, least: int) -> NoReturn:
        self.fail(
            number,
            f"{_brief(line)} is no row {place} of the block {block}, which has {least} fields after its number",
        )

    def _formula(self, reader: FormulaReader, text: str, number: int) -> Any:
        try:
            return reader.read(text)
        except FormulaError as problem:
            self.fail(number, f"{_brief(text)} is no formula: {problem}")

    def _new_name(self, name: str, known: Mapping[str, Any], number: int, what: str) -> None:
        if not _NAME.match(name):
            self.fail(number, f"{name!r} is no name for a {what}; use letters, digits and _")
        if name in known:
            self.fail(number, f"the {what} {name!r} is defined twice")

    # --- the blocks ---------------------------------------------------------------------------------------------------------

    def _parameters(self) -> dict[str, tuple[int, str]]:
        found: dict[str, tuple[int, str]] = {}
        for number, fields in self._rows("parameters", 2):
            self._new_name(fields[0], found, number, "parameter")
            found[fields[0]] = (number, " ".join(fields[1:]))
        return found

    def _species(self) -> tuple[list[str], list[int], list[tuple[int, str]]]:
        names: dict[str, int] = {}
        fixed, written = [], []
        for number, fields in self._rows("species", 2):
            match = _SPECIES.match(fields[0])
            compartment, dollar, name = match.groups() if match else ("", "", "")
            name = (compartment or "") + name
            if name in names:
                self.fail(number, f"the species {name!r} comes twice, first as number {names[name]}")
            names[name] = len(names) + 1
            if dollar:
                fixed.append(len(names) - 1)
            written.append((number, " ".join(fields[1:])))
        return list(names), fixed, written

    def _groups(self, count: int) -> dict[str, tuple[tuple[int, Any], ...]]:
        found: dict[str, tuple[tuple[int, Any], ...]] = {}
        for number, fields in self._rows("groups", 1):
            self._new_name(fields[0], found, number, "group")
            parts = "".join(fields[1:]).split(",") if len(fields) > 1 else []
            members = []
            for part in parts:
                weight, star, place = part.rpartition("*")
                if not _is_place(place, count) or (star and not _is_weight(weight)):
                    self.fail(
                        number,
                        f"{part!r} in the group {fields[0]!r} is no member; write a species from 1 to {count}, or 2*5 to count it twice",
                    )
                members.append((int(place) - 1, _weight(weight) if star else 1))
            found[fields[0]] = tuple(members)
        return found

    def _check_names(self, parameters: Mapping[str, tuple[int, str]], groups: Mapping[str, Any]) -> None:
        for name in groups:
            if name in parameters:
                self.fail(parameters[name][0], f"{name!r} is a parameter and a group; rename one")

    def _functions(self, known: dict[str, Any], clock: Any) -> dict[str, Function]:
        """Return the functions, and add their names to ``known``."""
        heads: list[tuple[int, str, tuple[str, ...], str]] = []
        for place, (number, line) in enumerate(self.blocks.get("functions", ()), 1):
            match = re.match(r"(\d+)\s+([^\s(]+)\s*\(([^()]*)\)\s*=?\s*(\S.*)\Z", line)
            if match is None or match[1] != str(place):
                self._bad_row("functions", number, line, place, 2)
            name, arguments = (
                match[2],
                tuple(a.strip() for a in match[3].split(",")) if match[3].strip() else (),
            )
            self._new_name(name, known, number, "function")
            for argument in arguments:
                self._new_name(argument, {}, number, "argument")
            known[name] = interned.symbol(name)
            heads.append((number, name, arguments, match[4]))
        found: dict[str, Function] = {}
        for number, name, arguments, text in heads:
            local = {**known, **{a: interned.symbol(a) for a in arguments}}
            found[name] = Function(arguments, self._formula(FormulaReader(local, found, clock), text, number))
        return found

    # --- reactions ----------------------------------------------------------------------------------------------------------

    def _reactions(self, count: int, reader: FormulaReader) -> Reactions:
        lines = self.blocks["reactions"]
        rows = [line.split(None, 3) for _, line in lines]
        if any(len(row) < 4 for row in rows) or [row[0] for row in rows] != list(
            map(str, range(1, len(rows) + 1))
        ):
            for place, ((number, line), row) in enumerate(zip(lines, rows), 1):
                if len(row) < 4 or row[0] != str(place):
                    self._bad_row("reactions", number, line, place, 3)
        left_starts, left = self._places([row[1] for row in rows], count, lines)
        right_starts, right = self._places([row[2] for row in rows], count, lines)
        numbers: dict[str, int] = {}
        first: list[int] = []
        law = []
        for r, row in enumerate(rows):
            number = numbers.setdefault(row[3], len(numbers))
            if number == len(first):
                first.append(r)
            law.append(number)
        laws = [self._law(text, reader, lines[r][0]) for text, r in zip(numbers, first)]
        # two texts may be one law, such as 2*k and k*2
        merged: dict[Any, int] = {}
        new = np.array([merged.setdefault(law_key(found), len(merged)) for found in laws], np.int64)
        distinct = {law_key(found): found for found in reversed(laws)}
        reactions = Reactions(
            left_starts, left, right_starts, right, new[law] if law else [], [distinct[k] for k in merged]
        )
        for n, found in enumerate(reactions.laws):
            if isinstance(found, RateLaw):
                for r in np.flatnonzero(reactions.law == n).tolist():
                    try:
                        found.check(reactions[r].reactants)
                    except ValueError as problem:
                        self.fail(lines[r][0], str(problem))
        return reactions

    def _places(self, texts: list[str], count: int, lines: Lines) -> tuple[Any, Any]:
        """Return the species of texts such as "1,2" as (starts, places); "0" is nothing."""
        sizes = np.array([text.count(",") + 1 for text in texts], np.int64)
        joined = ",".join(texts)
        try:
            if not joined.isascii() or joined.strip("0123456789,") or any(sign in joined for sign in "+-_ ."):
                raise ValueError
            places = np.array(joined.split(","), dtype=np.int64) if texts else np.zeros(0, np.int64)
            nothing = places == 0
            if (places > count).any() or (nothing & (np.repeat(sizes, sizes) > 1)).any():
                raise ValueError
        except (ValueError, OverflowError):
            self._bad_places(texts, count, lines)
        sizes[np.repeat(np.arange(len(texts)), sizes)[nothing]] = 0
        return np.concatenate([[0], np.cumsum(sizes)]), places[~nothing] - 1

    def _bad_places(self, texts: list[str], count: int, lines: Lines) -> NoReturn:
        for (number, _), text in zip(lines, texts):
            if text == "0":
                continue
            for part in text.split(","):
                if _is_place(part, count):
                    continue
                if part.isascii() and part.isdigit() and len(part.lstrip("0")) > len(str(MAX_PLACE)):
                    self.fail(
                        number,
                        f"the integer {_brief(part)} is too large; species are numbered from 1 to {count}",
                    )
                if re.fullmatch(r"-\d+|[+-]?\d*\.\d+|\d+\*.*", part):
                    self.fail(
                        number,
                        f"{part!r} is no species: stoichiometries are whole and not negative, written by repeating a species, as in 1,1",
                    )
                self.fail(
                    number,
                    f"{_brief(text)} must be numbers of species from 1 to {count}, separated by commas, or 0 for nothing",
                )
        raise AssertionError("no bad place found")

    def _law(self, text: str, reader: FormulaReader, number: int) -> Any:
        words = text.split()
        if len(words) > 1:
            factor, _, kind = words[0].rpartition("*")
            if kind in RATE_LAWS:
                try:
                    constants = tuple(self._formula(reader, word, number) for word in words[1:])
                    return RateLaw(kind, constants, self._formula(reader, factor, number) if factor else 1)
                except ValueError as problem:
                    if str(problem).startswith(self.origin):
                        raise
                    self.fail(number, str(problem))
            if _NAME.match(kind) and all(re.fullmatch(r"[\w.]+", word) for word in words[1:]):
                self.fail(
                    number,
                    f"there is no rate law {kind!r}; the rate laws by name are {', '.join(RATE_LAWS)}, others are functions or formulas",
                )
        unknown = _NAME.match(text) and text not in reader.names
        if unknown:
            self.fail(number, f"the rate {text!r} is no parameter and no function")
        return self._formula(reader, text, number)


def _is_place(text: str, count: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10 and 1 <= int(text) <= count


def _is_weight(text: str) -> bool:
    return re.fullmatch(r"-?(\d{1,300}|\d*\.\d+|\d+\.)([eE][+-]?\d{1,3})?", text) is not None


def _weight(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _brief(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
