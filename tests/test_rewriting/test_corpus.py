"""The identities of the handbooks are simplified to their shortest known form, on both backends, and each of them is true."""

from __future__ import annotations

import pytest
from identities import CORPUS, HELD_OUT, Identity

import symnum as sn
from symnum import term as interface
from symnum.rewriting import Limits, equivalent, shared_cost, simplify_report

ALL = [*CORPUS, *HELD_OUT]


def _shortest(identity: Identity, backend: str = "interned") -> object:
    term = sn.parse(identity.text, backend=backend)
    symbols = {interface.name(s): s for s in interface.free_symbols(term)}
    return sn.parse(identity.shortest, symbols=symbols, backend=backend)


@pytest.mark.parametrize("identity", ALL, ids=lambda i: i.text)
def test_the_shortest_form_is_reached(identity: Identity) -> None:
    term = sn.parse(identity.text)
    report = simplify_report(term, generic=identity.generic, limits=Limits(seconds=60), trace=False)
    assert report.stop == "fixpoint"
    assert report.cost_after[0] <= shared_cost(_shortest(identity))[0], f"{term} became {report.result}"


@pytest.mark.parametrize("identity", CORPUS[::7], ids=lambda i: i.text)
def test_the_shortest_form_is_reached_on_trees(identity: Identity) -> None:
    term = sn.parse(identity.text, backend="tree")
    report = simplify_report(term, generic=identity.generic, limits=Limits(seconds=60), trace=False)
    assert report.cost_after[0] <= shared_cost(_shortest(identity, "tree"))[0]


@pytest.mark.parametrize("identity", [i for i in ALL if not i.generic][::5], ids=lambda i: i.text)
def test_the_identity_is_true(identity: Identity) -> None:
    # a form with a wider domain agrees wherever the written one is defined: then the answer is None, never False
    assert equivalent(sn.parse(identity.text), _shortest(identity)) is not False


def test_the_corpus_is_what_it_says() -> None:
    assert len(CORPUS) >= 200
    texts = [identity.text for identity in ALL]
    assert len(set(texts)) == len(texts)
