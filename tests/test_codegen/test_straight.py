"""Straight programs as arrays: how they are checked, numbered and told apart."""

import pickle
from typing import Any

import numpy as np
import pytest

import symnum as sn
from symnum.codegen.lower import lower
from symnum.codegen.straight import StraightCode, slots

x, y = sn.symbols("x y")


def given(**changes):
    """Return x*y + 3 and x < y with some fields replaced."""
    fields: dict[str, Any] = dict(
        arguments=2, split=2, constants=[3.0], heads=("*", "+", "<"), ops=[0, 1, 2],
        operands=[(0, 1, 0), (2, -1, 0), (0, 1, 0)], outputs=[3, 4],
    )  # fmt: skip
    return StraightCode(**{**fields, **changes})


def test_a_program_becomes_arrays():
    program = lower([x * y + 3, sn.ifelse(x < y, x, 2.5)], [x, y])
    code = StraightCode.of_program(program)
    assert code.heads == ("*", "+", "<", "ifelse") and code.ops.tolist() == [0, 1, 2, 3]
    assert code.operands.tolist() == [[0, 1, 0], [2, -1, 0], [0, 1, 0], [4, 0, -2]]
    assert code.outputs.tolist() == [3, 5] and code.constants.tolist() == [3.0, 2.5]
    assert (code.arguments, code.split, code.steps) == (2, 2, 4)
    assert StraightCode.of_program(program, 1).split == 1
    assert [row.name for row in code.rows] == list(code.heads)


def test_truth_values_follow_from_the_operators():
    b = sn.symbols("b", sort="boolean")
    terms = [
        sn.ifelse(b, x < y, y < x),
        sn.ifelse(b, x, y),
        sn.all_of(b, x < y),
        True,
        sn.ifelse(b, sn.ifelse(x < y, b, y < 1), b),
    ]
    program = lower(terms, [x, y, b])
    code = StraightCode.of_program(program)
    assert code.truths.tolist() == list(program.boolean_steps)
    found = StraightCode(
        code.arguments, code.split, code.constants, code.heads, code.ops, code.operands, code.outputs,
        truth_constants=code.truth_constants,
    )  # fmt: skip
    assert found.truths.tolist() == code.truths.tolist()
    assert found.output_truths.tolist() == [True, False, True, True, True] and not found.boolean
    assert given().output_truths.tolist() == [False, True] and given(outputs=[4]).boolean
    assert not given(outputs=[]).boolean and not given(outputs=[0]).boolean


def test_arrays_are_copied_and_cannot_be_written():
    ops = np.array([0, 1, 2], np.int32)
    code = given(ops=ops)
    ops[:] = 2
    assert code.ops.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="read-only"):
        code.ops[0] = 1


def test_digests_tell_programs_apart():
    changes: list[dict[str, Any]] = [
        {}, dict(constants=[-3.0]), dict(split=1), dict(heads=("*", "-", "<")), dict(outputs=[4, 3]), dict(ops=[1, 0, 2]),
        dict(operands=[(1, 0, 0), (2, -1, 0), (0, 1, 0)]), dict(arguments=2, outputs=[3]), dict(constants=[3.0, 3.0]),
    ]  # fmt: skip
    assert len({given(**c).digest for c in changes}) == len(changes)
    assert given(constants=[0.0]).digest != given(constants=[-0.0]).digest
    assert given(constants=[1.0], truth_constants=[True]).digest != given(constants=[1.0]).digest
    again = pickle.loads(pickle.dumps(given()))
    assert again.digest == given().digest and again.truths.tolist() == [False, False, True]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "split": (dict(split=3), "split is 3, but must lie between 0 and the number of arguments, 2"),
    "rows": (dict(operands=[(0, 1, 0)]), "3 ops but 1 rows of operands"),
    "head": (dict(ops=[0, 1, 3]), "ops must be places in heads, from 0 to 2"),
    "later step": (dict(operands=[(0, 3, 0), (2, -1, 0), (0, 1, 0)]), r"step 0 reads \[0, 3, 0\]"),
    "itself": (dict(operands=[(0, 1, 0), (3, -1, 0), (0, 1, 0)]), r"step 1 reads .* to 2 only"),
    "constant": (dict(operands=[(0, 1, 0), (2, -2, 0), (0, 1, 0)]), "operands from -1"),
    "output": (dict(outputs=[5]), "outputs must be operands from -1 to 4"),
    "truths": (dict(truths=[False]), "truths and truth_constants have 1 and 1 entries"),
    "truth constants": (dict(truth_constants=[False, True]), "have 3 and 2 entries"),
    "no step before": (
        dict(arguments=0, split=0, ops=[0], operands=[(0, -1, 0)], outputs=[]),
        "step 0 reads",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_fit_is_named(case):
    changes, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        given(**changes)
    with pytest.raises(LookupError, match="no operator 'nope'"):
        given(heads=("*", "+", "nope"))


def test_unused_operands_are_not_read():
    code = StraightCode(0, 0, [2.0], ("sqrt", "neg"), [0, 1], [(-1, 0, 0), (0, 0, 0)], [1])
    assert code.last_reads().tolist() == [1, -1]
    assert given().last_reads().tolist() == [2, 2, 1, -1, -1]


def test_slots_are_used_again_after_the_last_reader():
    # steps 0 and 1 are read in the second chunk, step 2 in the third, step 5 in the fourth
    last = [2, 3, 4, -1, -1, 6, -1]
    found, total = slots(last, 0, 2)
    assert [found[i] >= 0 for i in range(7)] == [True, True, True, False, False, True, False]
    assert total == 3 and found[5] in found[:3]
    assert len({found[0], found[1], found[2]}) == 3  # all three are alive at once
    assert slots([], 0, 2) == ([], 0)
