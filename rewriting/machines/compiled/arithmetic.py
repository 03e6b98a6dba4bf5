"""Numbers of the primitive relations that rmc/primitives.py defines, for the loop: operations, comparisons, tests."""

from __future__ import annotations

(
    ADD,
    SUBTRACT,
    MULTIPLY,
    DIVIDE_TO_ZERO,
    DIVIDE_DOWN,
    MODULO,
    REMAINDER,
    SMALLER,
    GREATER,
    NEGATE,
    ABSOLUTE,
    SIGN,
    ITSELF,
) = range(13)

OPERATIONS: dict[tuple[str, int], int] = {
    ("+", 2): ADD,
    ("-", 2): SUBTRACT,
    ("*", 2): MULTIPLY,
    ("//", 2): DIVIDE_TO_ZERO,
    ("div", 2): DIVIDE_DOWN,
    ("mod", 2): MODULO,
    ("rem", 2): REMAINDER,
    ("min", 2): SMALLER,
    ("max", 2): GREATER,
    ("-", 1): NEGATE,
    ("+", 1): ITSELF,
    ("abs", 1): ABSOLUTE,
    ("sign", 1): SIGN,
}
"""Operations of expressions, by name and number of arguments."""

(LESS, AT_MOST, MORE, AT_LEAST, EQUAL, UNEQUAL) = range(6)

COMPARISONS: dict[str, int] = {
    "<": LESS,
    "=<": AT_MOST,
    ">": MORE,
    ">=": AT_LEAST,
    "=:=": EQUAL,
    "=\\=": UNEQUAL,
}
"""Comparisons of two arithmetic expressions."""

(SAME, NOT_SAME, NOT_UNIFIABLE, IS_VARIABLE, IS_BOUND, IS_INTEGER, IS_ATOM) = range(7)

TESTS: dict[tuple[str, int], int] = {
    ("==", 2): SAME,
    ("\\==", 2): NOT_SAME,
    ("\\=", 2): NOT_UNIFIABLE,
    ("var", 1): IS_VARIABLE,
    ("nonvar", 1): IS_BOUND,
    ("integer", 1): IS_INTEGER,
    ("atom", 1): IS_ATOM,
}
"""Tests that look at terms and bind nothing."""
