"""EGraph: terms in, all that the rules prove equal, the cheapest terms out."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from symnum import term as interface
from symnum.rewriting.canonical import normal_form, readable
from symnum.rewriting.cost import cost_model
from symnum.rewriting.domains import Condition, closed_parts, domain, has_unusual_floats
from symnum.rewriting.egraph.compile import compile_rule
from symnum.rewriting.egraph.extraction import CostModel, Extractor
from symnum.rewriting.egraph.rules import default_rules
from symnum.rewriting.egraph.saturation import EGraphLimits, SaturationReport, Session
from symnum.rewriting.facts import Facts
from symnum.rewriting.rule_sets import RuleSet
from symnum.rewriting.rules import Rule
from symnum.symbols import convert

DEFAULT_LIMITS = EGraphLimits()


@dataclass(frozen=True, slots=True)
class EClass:
    """The e-class of a term that was added; ``name`` is None for a term that was too large for the graph."""

    term: Any
    name: int | None


class EGraph:
    """Hold terms and what the rules prove equal to them; see :meth:`run` and :meth:`extract`.

    What is equal in one graph is equal wherever all the terms that were added are defined, symbols being real.  As everywhere in
    symnum, x/x is 1.  Operators that symnum knows no laws of are functions, equal on equal arguments.  One graph belongs to one thread.
    Raises EGraphError when egglog is missing or fails.

    >>> import symnum as sn
    >>> a, b = sn.symbols("a b")
    >>> graph = EGraph()
    >>> start = graph.add(2*a + 2*b - a*(a + b))
    >>> graph.run().stop in ("saturated", "nodes", "iterations")
    True
    >>> graph.extract(start, cost="ops")
    [(-a + 2)*(a + b)]
    """

    def __init__(self, limits: EGraphLimits = DEFAULT_LIMITS) -> None:
        if not isinstance(limits, EGraphLimits):
            raise TypeError(
                f"limits must be EGraphLimits, but got {limits!r}; write EGraph(EGraphLimits(nodes=2000))"
            )
        self.limits = limits
        self._session = Session(limits)
        self._facts = Facts()
        self._kept: dict[Hashable, tuple[Any, Any, int | None]] = {}
        self._domains: dict[Hashable, tuple[frozenset[Condition], frozenset[Condition]]] = {}
        self._parts_of_domain: dict[frozenset[Condition], EGraph] = {}
        self._theory: RuleSet | None = None
        self._ran = False
        self._size = 0
        self._declined = False

    # --- terms in ---

    def add(self, term: Any) -> EClass:
        """Add a term and return its e-class.

        A term with more nodes than the limit is not taken in: its class has no name, the next report says "nodes", and extraction gives
        the term itself.  Raises TypeError for what is no term.
        """
        if isinstance(term, EClass):
            term = term.term
        if not interface.is_term(term):
            hint = "write symnum.parse(text) to read a formula" if isinstance(term, str) else "pass one term"
            raise TypeError(f"an e-graph takes terms, but got {term!r} of type {type(term).__name__}; {hint}")
        identity = (interface.backend_of(term), interface.key(term))
        known = self._kept.get(identity)
        if known is None:
            inner = _interned(term)
            size = interface.node_count(inner)
            name = None
            if self._size + size > self.limits.nodes:
                self._declined = True
            else:
                self._size += size
                closed = (
                    frozenset([interface.key(inner)])
                    if has_unusual_floats(inner)
                    else closed_parts(inner, self._facts)
                )
                name = self._session.add(inner, closed)
                self._domains[interface.key(inner)] = domain(inner, self._facts)
                self._parts_of_domain.clear()
            known = self._kept[identity] = (term, inner, name)
        return EClass(known[0], known[2])

    # --- saturation ---

    def run(self, theory: RuleSet | Iterable[Rule] | None = None) -> SaturationReport:
        """Apply the rules in small rounds until nothing is new or a limit is reached, and report which.

        ``theory`` replaces the rules in :attr:`rules`; the laws of sums, products and powers are always there.  Raises EGraphError for a
        rule in ``theory`` that the e-graph cannot run, such as one with a Python function in it.

        >>> import symnum as sn
        >>> graph = EGraph()
        >>> start = graph.add(sn.parse("f1*sin(x)^2 + f1*cos(x)^2"))
        >>> graph.run().stop, graph.equal(start, sn.symbols("f1"))
        ('saturated', True)
        """
        rules: Sequence[Rule]
        if theory is None:
            rules = default_rules()
        else:
            rules = list(theory)
            for entry in rules:
                if not isinstance(entry, Rule):
                    raise TypeError(
                        f"a theory holds rules, but got {entry!r}; write RuleSet([rule('a*b -> c'), ...])"
                    )
                compile_rule(entry)
        self._theory = None if theory is None else RuleSet(rules)
        self._ran = True
        self._parts_of_domain.clear()
        report = self._session.run(rules, strict=theory is not None)
        if self._declined:
            return SaturationReport(
                "nodes", report.iterations, report.nodes, report.classes, report.seconds, report.fired
            )
        return report

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return the rules that :meth:`run` applies unless it is given others, as data."""
        return default_rules()

    def equal(self, a: Any, b: Any) -> bool:
        """Tell whether two terms are in one e-class; terms that are new are added, and a graph that had run runs again.

        Terms that are not in the graph, and those of a graph that is defined nowhere, are equal when they are the same.
        """
        names = self._session.encoder.next_name
        first, second = self.add(a), self.add(b)
        if self._ran and self._session.encoder.next_name > names:
            self.run(self._theory)
        if first.name is None or second.name is None or self._session.undefined:
            return interface.key(_interned(first.term)) == interface.key(_interned(second.term))
        find = self._session.graph.find
        return find(first.name) == find(second.name)

    # --- terms out ---

    def extract(self, *terms: Any, cost: str | CostModel = "cycles", shared: bool = True) -> list[Any]:
        """Return the cheapest forms found of terms that were added, each in the backend of its term.

        ``cost`` is a cost model or the name of one; ``shared`` counts what the terms share, with themselves and with each other, once.
        The results together are never dearer than the terms.  A result equals its term wherever that is defined, also where other terms
        of the graph are not: terms whose domain differs from theirs in more than single points are optimised in a graph of their own.
        Raises LookupError for a term that was not added.
        """
        model = cost_model(cost) if isinstance(cost, str) else cost
        deadline = time.monotonic() + self.limits.seconds
        found: dict[int, Any] = {}
        groups: dict[frozenset[Condition], list[int]] = {}
        entries = [self._entry(term) for term in terms]
        for place, (term, inner, name) in enumerate(entries):
            if name is None:
                found[place] = term
            else:
                groups.setdefault(self._domains[interface.key(inner)][0], []).append(place)
        for narrow, places in groups.items():
            graph = self if self._is_everywhere(narrow) else self._part(narrow)
            if graph._session.undefined:
                for place in places:
                    found[place] = self._alone(entries[place], model, shared, deadline)
                continue
            roots = [entries[place][1] for place in places]
            extractor = Extractor(graph._session.graph, graph._session.encoder, model, shared, deadline)
            for place, result in zip(places, extractor.extract(roots)):
                found[place] = self._safe(entries[place], result, model, shared, deadline)
        results = [_like(entries[place][0], found[place]) for place in range(len(entries))]
        originals = [term for term, _, _ in entries]
        price = model.dag if shared else model.tree
        return results if not originals or price(*results) <= price(*originals) else originals

    def _entry(self, term: Any) -> tuple[Any, Any, int | None]:
        term = term.term if isinstance(term, EClass) else term
        known = self._kept.get((interface.backend_of(term), interface.key(term)))
        if known is None:
            raise LookupError(
                f"{_brief(term)} was not added to this e-graph; write graph.add(term) before graph.run()"
            )
        return known

    def _is_everywhere(self, narrow: frozenset[Condition]) -> bool:
        """Tell whether all terms of the graph have the same conditions, up to points."""
        return all(other == narrow for other, _ in self._domains.values())

    def _part(self, narrow: frozenset[Condition]) -> EGraph:
        """Return a graph of the terms that have the conditions ``narrow``, run as this one was."""
        known = self._parts_of_domain.get(narrow)
        if known is None:
            known = self._parts_of_domain[narrow] = EGraph(self.limits)
            for _, inner, name in list(self._kept.values()):
                if name is not None and self._domains[interface.key(inner)][0] == narrow:
                    known.add(inner)
            if self._ran:
                known.run(self._theory)
        return known

    def _safe(
        self, entry: tuple[Any, Any, int | None], result: Any, model: CostModel, shared: bool, deadline: float
    ) -> Any:
        """Return the result, or one from a graph of the term alone if the result needs something that the term does not."""
        own = self._domains[interface.key(entry[1])][1]
        if len(self._domains) == 1 or not domain(result, self._facts)[1] - own:
            return result
        return self._alone(entry, model, shared, deadline)

    def _alone(
        self, entry: tuple[Any, Any, int | None], model: CostModel, shared: bool, deadline: float
    ) -> Any:
        """Return the cheapest form found in a graph of the term alone, which is the term itself where that is defined nowhere."""
        _, inner, _ = entry
        if len(self._domains) == 1:
            return inner
        alone = EGraph(self.limits)
        alone.add(inner)
        if self._ran:
            alone.run(self._theory)
        if alone._session.undefined:
            return inner
        return Extractor(alone._session.graph, alone._session.encoder, model, shared, deadline).extract(
            [inner]
        )[0]

    # --- pictures ---

    def dot(self) -> str:
        """Return the e-graph as text for Graphviz: a box for each e-class, an edge from each e-node to the classes it is made of."""
        from symnum.rewriting.egraph.drawing import dot

        return dot(self._session.graph, self._session.encoder)

    def _repr_svg_(self) -> str | None:
        """Return a picture for notebooks, or None for a graph that is too large to be read."""
        from symnum.rewriting.egraph.drawing import svg

        return svg(self._session.graph, self._session.encoder)

    def __repr__(self) -> str:
        graph = self._session.graph
        return f"<EGraph of {graph.size} e-nodes in {len(graph.classes)} e-classes>"


def _interned(term: Any) -> Any:
    """Return a term in the interned backend, where sums and products are canonical."""
    return term if interface.backend_of(term) == "interned" else convert(term)


def _like(original: Any, result: Any) -> Any:
    """Return a result in the backend of the term that it was made of."""
    if interface.backend_of(result) == interface.backend_of(original):
        return result
    symbols = {interface.key(_interned(s)): s for s in interface.free_symbols(original)}
    known: dict[Hashable, Any] = {}
    for node in interface.postorder(result, ordered=True):
        identity = interface.key(node)
        if interface.is_number(node):
            known[identity] = interface.make_number(original, interface.value(node))
        elif interface.is_symbol(node):
            known[identity] = symbols[identity]
        else:
            parts = [known[interface.key(a)] for a in interface.sorted_args(node)]
            known[identity] = interface.make(original, interface.head(node), parts)
    return readable(normal_form(known[interface.key(result)]))


def _brief(term: Any) -> str:
    from symnum.text.printer import to_text

    return to_text(term, limit=80) if interface.is_term(term) else repr(term)
