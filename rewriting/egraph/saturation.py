"""Equality saturation in small rounds, each bounded, with limits checked between them.

One round: the laws of sums and products (``arithmetic``), what became certain (``analysis``), the operands of new n-ary e-nodes, one
step of each rule, and the equations that the hits stand for.  A rule with more hits than its allowance applies that many and then rests
for some rounds, with a larger allowance after that (the back-off of egg: Willsey et al., POPL 2021).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from symnum import term as interface
from symnum.exact import normal
from symnum.rewriting.egraph.adapter import EGraphError, Engine
from symnum.rewriting.egraph.analysis import Signs, contradicts
from symnum.rewriting.egraph.arithmetic import WIDTH, Arithmetic
from symnum.rewriting.egraph.compile import ROWS, Query, Site, compile_rule, rule_heads
from symnum.rewriting.egraph.encoding import Encoder, Language, Writer, class_text, named_text, term_text
from symnum.rewriting.egraph.graph import Graph, Node, build, is_bag, number_text, number_value
from symnum.rewriting.egraph.sizes import Sizes
from symnum.rewriting.limits import check_limits
from symnum.rewriting.rules import Rule

ALLOWANCE = 64
"""Hits that a rule may apply in one round before it rests; doubled after each rest."""

MOST_TEXT, MOST_WRITTEN = 3_000, 200_000
"""Characters of one equation and of those of one round: a sum over a common denominator has as many letters as the square of its width."""

LISTED = 20_000
"""Sum over the n-ary e-nodes that are listed in one round of the squares of their widths: what pairs of operands can cost."""


@dataclass(frozen=True, slots=True)
class EGraphLimits:
    """Bound what an e-graph may spend; a limit that was reached is the report's stop reason.

    ``nodes`` counts e-nodes, ``seconds`` the time of one run, ``iterations`` its rounds.
    """

    nodes: int = 4_000
    seconds: float = 5.0
    iterations: int = 12

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True, slots=True)
class SaturationReport:
    """What a run did: why it stopped, and the size of the e-graph then.

    ``stop`` is "saturated", "nodes", "seconds" or "iterations", or "undefined" where the terms turned out to be defined nowhere together.
    """

    stop: str
    iterations: int
    nodes: int
    classes: int
    seconds: float
    fired: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return (
            f"stopped: {self.stop} after {self.iterations} iterations, {self.nodes} e-nodes in {self.classes} e-classes, "
            f"{self.seconds:.3f} s"
        )


@dataclass(slots=True)
class _Loaded:
    """A query in the e-graph: its number, the hits applied so far, and its back-off."""

    query: Query
    index: int
    applied: set[tuple[Any, ...]] = field(default_factory=set)
    rests: int = 0
    sleeps_until: int = 0


class Session:
    """One egglog e-graph with the terms that were added, and its latest reading."""

    def __init__(self, limits: EGraphLimits) -> None:
        self.limits = limits
        self.engine = Engine()
        self.language = Language()
        self.encoder = Encoder(self.language)
        self.engine.run([*self.language.flush(), *ROWS])
        self.graph = Graph({}, {})
        self.undefined = False
        self.fired: dict[str, int] = {}
        self._loaded: list[_Loaded] = []
        self._rules_seen: set[int] = set()
        self._sites: dict[int, tuple[int, Node]] = {}
        self._site_of: dict[tuple[int, Node], int] = {}
        self._said: set[str] = set()
        self._visited: dict[tuple[int, Node], tuple[int, ...]] = {}
        self._rounds = 0

    # --- terms in, graph out ---

    def add(self, root: Any, opaque: frozenset[Any]) -> int:
        """Add an interned term and return its name."""
        name, fresh = self.encoder.add(root, opaque)
        commands = named_text(self.language, fresh)
        self.engine.run([*self.language.flush(), *commands])
        if fresh:
            self.refresh()
        return name

    def refresh(self) -> None:
        """Read the e-graph again."""
        hits = [f"hit{entry.index}" for entry in self._loaded if not entry.query.direct]
        tables = self.engine.read([*self.language.tables_declared(), "name", *hits])
        names: dict[int, list[int]] = {}
        for (name,), made in tables["name"]:
            names.setdefault(made, []).append(name)
        self.graph, fresh, name_of = build(self.language.rows(tables), names, self.encoder.next_name)
        self.encoder.new_names(len(fresh))
        self.undefined = contradicts(self.graph, self.encoder.leaves)
        self.engine.run(named_text(self.language, fresh))
        self.language.known = {node: name for name, nodes in self.graph.classes.items() for node in nodes}
        self._hits = {
            table: [
                tuple([
                    name_of[value] if sort == "T" else value
                    for sort, value in zip(self._columns(table), inputs)
                ])
                for inputs, _ in tables[table]
            ]
            for table in hits
        }  # fmt: skip

    def _columns(self, table: str) -> tuple[str, ...]:
        return self._loaded[int(table.removeprefix("hit"))].query.columns

    # --- saturation ---

    def run(self, rules: Sequence[Rule], strict: bool) -> SaturationReport:
        """Run rounds until nothing changes or a limit is reached."""
        start = time.monotonic()
        self.fired = {}
        iterations = 0
        while True:
            if self.undefined:
                stop = "undefined"
                break
            if self.graph.size > self.limits.nodes:
                stop = "nodes"
                break
            if time.monotonic() - start > self.limits.seconds:
                stop = "seconds"
                break
            if iterations >= self.limits.iterations:
                stop = "iterations"
                break
            before = (self.graph.size, len(self.graph.classes))
            complete = self._round(rules, strict, start + self.limits.seconds)
            iterations += 1
            if complete and (self.graph.size, len(self.graph.classes)) == before:
                stop = "saturated"
                break
        return SaturationReport(
            stop, iterations, self.graph.size, len(self.graph.classes), time.monotonic() - start, dict(self.fired)
        )  # fmt: skip

    def _round(self, rules: Sequence[Rule], strict: bool, deadline: float) -> bool:
        """Run one round; return False when something was put off."""
        self._rounds += 1
        new_rules = self._load(rules, strict)
        signs = Signs(self.graph, self.encoder.leaves)
        room = max(64, self.limits.nodes - self.graph.size)
        sizes = Sizes(self.graph)
        equations, complete = self._arithmetic(signs, sizes, room, deadline)
        commands = [*equations, *self._facts(signs)]
        rows, all_rows = self._rows(sizes)
        commands += rows
        given = {id(rule) for rule in rules}
        active = [entry for entry in self._loaded if id(entry.query.rule) in given]
        awake = [entry for entry in active if entry.sleeps_until < self._rounds]
        self.engine.run([*self.language.flush(), *commands])
        for entry in awake:
            if time.monotonic() > deadline:
                complete = False
                break
            self.engine.run([f"(run-schedule (run rule{entry.index}))"])
        self.refresh()
        said = len(self._said)
        equations, all_hits = self._apply(awake, room)
        if equations:
            self.engine.run([*self.language.flush(), *equations])
            self.refresh()
        quiet = not new_rules and not commands and len(self._said) == said and len(awake) == len(active)
        return complete and all_rows and all_hits and quiet

    def _say(self, name: int, text: str) -> str | None:
        """Return the command that makes a class equal to a text, or None where that is known or was said."""
        if text == class_text(name):
            return None
        command = f"(union {class_text(name)} {text})"
        if command in self._said:
            return None
        self._said.add(command)
        return command

    def _arithmetic(self, signs: Signs, sizes: Sizes, room: int, deadline: float) -> tuple[list[str], bool]:
        laws = Arithmetic(self.graph, self.language, signs, sizes)
        found: list[str] = []
        written = 0
        for name, nodes in self.graph.classes.items():
            for node in nodes:
                state = tuple([len(self.graph.classes[child]) for child in node.children])
                if self._visited.get((name, node)) == state or not sizes.breeds(name, node):
                    continue
                if len(found) >= room or written > MOST_WRITTEN or time.monotonic() > deadline:
                    return found, False
                self._visited[name, node] = state
                for text in laws.results(name, node):
                    if len(text) <= MOST_TEXT and (command := self._say(name, text)):
                        found.append(command)
                        written += len(command)
        return found, True

    def _facts(self, signs: Signs) -> list[str]:
        wanted = {
            fact.partition(" ")[0][1:]
            for entry in self._loaded
            for fact in entry.query.facts
            if "(=" not in fact
        }
        found = [f"({relation} {class_text(name)})" for relation, name in signs.facts() if relation in wanted]
        new = [fact for fact in found if fact not in self._said]
        self._said.update(new)
        return new

    # --- rules ---

    def _load(self, rules: Iterable[Rule], strict: bool) -> bool:
        """Bring in the rules all of whose heads have occurred; return True when there was one."""
        present = {node.op for nodes in self.graph.classes.values() for node in nodes}
        loaded = False
        for rule in rules:
            if id(rule) in self._rules_seen or not rule_heads(rule) <= present:
                continue
            self._rules_seen.add(id(rule))
            try:
                queries = compile_rule(rule)
            except EGraphError:
                if strict:
                    raise
                continue
            for query in queries:
                entry = _Loaded(query, len(self._loaded))
                self.engine.run(query.program(entry.index, self.language))
                self._loaded.append(entry)
                loaded = True
        return loaded

    def _rows(self, sizes: Sizes) -> tuple[list[str], bool]:
        """Return the commands that list the operands of n-ary e-nodes that take part, the narrow ones first."""
        if not any(entry.query.reads_rows for entry in self._loaded):
            return [], True
        new = [
            (len(node.children), name, node)
            for name, nodes in self.graph.classes.items()
            for node in nodes
            if (node.op in ("power", "^") or is_bag(node.op))
            and len(node.children) <= WIDTH
            and (name, node) not in self._site_of
            and sizes.breeds(name, node)
        ]
        found: list[str] = []
        budget = LISTED
        for width, name, node in sorted(new):
            budget -= width * width
            if budget < 0:
                return found, False
            site = self._site_of[name, node] = len(self._site_of)
            self._sites[site] = (name, node)
            found += self._listing(site, name, node)
        return found, True

    def _listing(self, site: int, name: int, node: Node) -> Iterator[str]:
        here = class_text(name)
        if node.op == "+":
            constant, addends = self._addends(node)
            yield f'(sum {here} {site} "{number_text(constant)}" {len(addends)})'
            for forms in addends:
                for coefficient, core in forms:
                    yield f'(addend {site} "{number_text(coefficient)}" {class_text(core)})'
        elif node.op in ("*", "power"):
            factors = self._factors(node)
            yield f"(product {here} {site} {len(factors)})"
            for powers in factors:
                for base, exponent in powers:
                    for part in _parts_of(exponent):
                        yield f'(factor {site} {class_text(base)} "{number_text(part)}")'
            if node.op == "power":
                exponent_text = self.language.text("number", node.data, [])
                yield f"(raised {here} {class_text(node.children[0])} {exponent_text})"
        elif node.op == "^":
            yield f"(raised {here} {class_text(node.children[0])} {class_text(node.children[1])})"
        else:
            yield f'(bag "{node.op}" {here} {site} {len(node.children)})'
            for child in dict.fromkeys(node.children):
                yield f"(item {site} {class_text(child)})"

    def _addends(self, node: Node) -> tuple[Any, list[list[tuple[Any, int]]]]:
        """Return a sum as its constant and the forms (coefficient, class) of each other addend."""
        constant: Any = 0
        addends = []
        for child in node.children:
            value = self.graph.number(child)
            if value is not None:
                constant = normal(constant + value)
                continue
            forms = [(1, child)]
            forms += [(number_value(n.data), n.children[0]) for n in self.graph.nodes(child, "scale")]
            addends.append(forms)
        return constant, addends

    def _factors(self, node: Node) -> list[list[tuple[int, Any]]]:
        """Return a product as the forms (base, exponent) of each factor."""
        if node.op == "power":
            return [[(node.children[0], number_value(node.data))]]
        return [
            [(child, 1), *((n.children[0], number_value(n.data)) for n in self.graph.nodes(child, "power"))]
            for child in node.children
        ]

    # --- hits ---

    def _apply(self, awake: Sequence[_Loaded], room: int) -> tuple[list[str], bool]:
        """Return the equations that the new hits stand for, and whether all were applied."""
        found: list[str] = []
        complete = True
        for entry in awake:
            if entry.query.direct:
                continue
            allowance = ALLOWANCE << entry.rests
            new = sorted(set(self._hits.get(f"hit{entry.index}", ())) - entry.applied)
            if len(new) > allowance:
                new = new[:allowance]
                entry.rests += 1
                entry.sleeps_until = self._rounds + (1 << entry.rests)
                complete = False
            for row in new:
                if len(found) >= room:
                    return found, False
                entry.applied.add(row)
                text = self._instance(entry.query, row)
                command = text and self._say(row[entry.query.top], text)
                if command:
                    found.append(command)
                    name = str(entry.query.rule)
                    self.fired[name] = self.fired.get(name, 0) + 1
        return found, complete

    def _instance(self, query: Query, row: tuple[Any, ...]) -> str | None:
        """Return what a hit says its class equals, or None where the e-nodes of the hit have changed since."""
        bound = {name: class_text(row[column]) for name, column in query.slots.items() if column >= 0}
        for place in query.inner:
            left = self._left(place, row)
            if left is None or (place.rest is None and not left.nothing) or (place.rest and left.nothing):
                return None
            if place.rest is not None:
                bound[place.rest] = left.text(self.language, None)
        left = None
        if query.site is not None:
            left = self._left(query.site, row)
            if left is None:
                return None
        by_key = {
            interface.key(slot): bound[interface.name(slot)] for slot in interface.free_symbols(query.right)
        }
        text = term_text(query.right, self.language, by_key)
        return text if left is None else left.text(self.language, text)

    def _left(self, place: Site, row: tuple[Any, ...]) -> _Left | None:
        """Return what an n-ary e-node holds beside the operands of a hit; None when they are not there (any more)."""
        name, node = self._sites[row[place.column]]
        if self.graph.find(name) != name or node not in self.graph.classes[name]:
            return None  # its classes were merged: the e-node is listed anew
        wanted = [(weight, row[column]) for weight, column in place.items]
        if place.kind == "+":
            constant, addends = self._addends(node)
            if place.constant != 0:
                constant = normal(constant - place.constant)
            left = _without([(f, f[0][1]) for f in addends], wanted)
            return None if left is None else _Left("+", constant, [(child, 1) for child in left])
        if place.kind == "*":
            return _divided(
                [dict(f) for f in self._factors(node)], [(f[0]) for f in self._factors(node)], wanted
            )
        left = _without([([(1, child)], child) for child in node.children], wanted)
        return None if left is None else _Left(place.kind, None, [(child, 1) for child in left])


@dataclass(frozen=True, slots=True)
class _Left:
    """The operands that a hit leaves over: (class, exponent) of a product, (class, 1) otherwise, and the constant of a sum."""

    kind: str
    constant: Any
    parts: list[tuple[int, Any]]

    @property
    def nothing(self) -> bool:
        """Tell whether nothing is left over."""
        return not self.parts and not self.constant

    def text(self, language: Language, new: str | None) -> str:
        """Return what is left over, together with the result ``new`` of the rule."""
        writer = Writer(language)
        texts = [writer.powered(class_text(name), exponent) for name, exponent in self.parts]
        texts += [new] if new is not None else []
        if self.kind == "+":
            return writer.sum(self.constant, texts)
        if self.kind == "*":
            return writer.product(1, texts)
        return texts[0] if len(texts) == 1 else language.text(self.kind, None, sorted(texts))


def _without(
    operands: list[tuple[list[tuple[Any, int]], int]], wanted: list[tuple[Any, int]]
) -> list[int] | None:
    """Return the classes of the operands that are not wanted, each wanted form taken from another operand."""
    left = list(operands)
    for form in wanted:
        place = next((i for i, (forms, _) in enumerate(left) if form in forms), None)
        if place is None:
            return None
        del left[place]
    return [child for _, child in left]


def _divided(
    powers: list[dict[int, Any]], plain: list[tuple[int, Any]], wanted: list[tuple[Any, int]]
) -> _Left | None:
    """Return a product divided by the wanted powers, each taken from one factor."""
    left: list[tuple[dict[int, Any], tuple[int, Any]]] = list(zip(powers, plain))
    for exponent, base in wanted:
        place = next(
            (i for i, (forms, _) in enumerate(left) if exponent in _parts_of(forms.get(base, 0))), None
        )
        if place is None:
            return None
        rest = normal(left[place][0][base] - exponent)
        left[place] = ({base: rest}, (base, rest))
        if rest == 0:
            del left[place]
    return _Left("*", 0, [form for _, form in left])


def _parts_of(exponent: Any) -> list[Any]:
    """Return the powers that are listed as parts of a power: a^3 holds a, a^2 and a^3."""
    if isinstance(exponent, int) and exponent:
        step = 1 if exponent > 0 else -1
        return [
            *range(step, (min(abs(exponent), 4) + 1) * step, step),
            *([exponent] if abs(exponent) > 4 else []),
        ]
    return [exponent]
