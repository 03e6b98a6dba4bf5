"""What to write instead: advice for the common mistakes in formulas."""

from __future__ import annotations

import difflib
from typing import NoReturn

from symnum.operators import OPERATORS
from symnum.text.tokens import ParseError, Token

_OTHER_NAMES = {
    "ln": "log", "lg": "log10", "tg": "tan", "ctg": "cot", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "fabs": "abs", "sgn": "sign", "ceiling": "ceil", "where": "ifelse",
    "Piecewise": "ifelse", "if": "ifelse", "iff": "ifelse", "minimum": "min", "maximum": "max", "fmod": "mod", "loggamma": "lgamma",
}  # fmt: skip
_DOUBLED = {
    "&&": "'&&' is not an operator; write & or and",
    "||": "'||' is not an operator; write | or or",
    "//": "'//' is not an operator; write floor(a/b)",
}
_NO_OPERATORS = {
    "if": "a choice is written as a function; write ifelse(condition, a, b)",
    "else": "a choice is written as a function; write ifelse(condition, a, b)",
    ":=": "a definition stands at the beginning or after ';'; write name := value; formula",
    "::": "only a name can be declared; write x::positive",
    "not": "'not' stands before a condition; write a != b for different, or a and not b",
}
_OTHER_FORMS = {
    "pow": "a^b", "power": "a^b", "square": "a^2", "add": "a + b", "mul": "a*b", "sub": "a - b", "div": "a/b", "inv": "1/a",
    "factorial": "gamma(n + 1)", "lt": "a < b", "gt": "a > b", "eq": "a == b", "sum": "a + b + c",
    "degrees": "180/pi*a", "radians": "pi/180*a",
}  # fmt: skip


def brief(text: str, width: int = 40) -> str:
    """Return the beginning of a name or number for a message."""
    return text if len(text) <= width else text[:width] + "..."


def refuse_missing_operand(text: str, before: Token, token: Token) -> NoReturn:
    """Raise the error for ``token`` where a number, name or bracket should stand."""
    spelled = text[token.offset : token.offset + 1]
    if spelled == "|" and before.text != "or":
        raise ParseError("'|' means or; write abs(x) for an absolute value", text, token.offset)
    doubled = _DOUBLED.get(text[before.offset : token.offset + 1])
    if doubled is not None:
        raise ParseError(doubled, text, before.offset)
    if before.text == "(" and token.text == ")":
        what = "these brackets are empty"
    elif before.kind == "sign" and before.text not in (")", ";", ":="):
        what = f"there is no operand after {_written(text, before)}"
    else:
        what = "there is no formula here"
    found = "the text ends" if token.kind == "end" else f"{_written(text, token)} follows"
    raise ParseError(
        f"{what}, {found}; write a number, a name or an expression in brackets", text, token.offset
    )


def _written(text: str, token: Token) -> str:
    """Return a token in quotes as the user spelled it: the tokens of ** and ^ are the same."""
    if token.text in ("^", "and", "or", "not", "mod"):
        start = text[token.offset : token.offset + 3]
        return next(
            (f"'{word}'" for word in ("and", "or", "not", "**") if start.startswith(word)), f"'{start[:1]}'"
        )
    return f"'{brief(text[token.offset : token.offset + max(len(token.text), 1)])}'"


def refuse_missing_operator(text: str, before: Token, token: Token) -> NoReturn:
    """Raise the error for ``token`` where an operator should stand."""
    problem = _NO_OPERATORS.get(token.text) or _NO_OPERATORS.get(before.text)
    if problem is None:
        left = brief(before.text) if before.kind in ("number", "name") else "')'"
        right = "(...)" if token.text == "(" else brief(token.text)
        if before.kind == "number" and (token.kind == "number" or token.text.startswith("_")):
            advice = "write one number, without spaces, _ or a second point, or an operator between them"
        else:
            advice = f"write {left if left != repr(')') else '(...)'}*{right}"
        opened = "'('" if token.text == "(" else right
        problem = f"there is no operator between {left} and {opened}; {advice}"
    raise ParseError(problem, text, token.offset)


def refuse_unknown_function(text: str, token: Token) -> NoReturn:
    """Raise the error for a name before a bracket that is no operator of the table."""
    name = token.text[:40]
    if name in _OTHER_FORMS:
        advice = f"write {_OTHER_FORMS[name]}"
    else:
        functions = [known for known, row in OPERATORS.items() if known.isidentifier() and row.arity[1] != 0]
        near = (
            [_OTHER_NAMES[name]]
            if name in _OTHER_NAMES
            else difflib.get_close_matches(name.lower(), functions, n=1)
        )
        advice = f"did you mean {near[0]!r}? " if near else ""
        advice += f"for a product write {brief(name)}*(...)"
    raise ParseError(f"there is no function {brief(token.text)!r}; {advice}", text, token.offset)
