"""Names of Prolog as heads of values: those that symnum's operators have, or that no head may have, are marked with a quote.

A term of Prolog such as ``1+2`` is a structure and no sum: it is the value of a head that is spelled ``'+``.
"""

from __future__ import annotations

from functools import lru_cache

from symnum.operators import OPERATORS


@lru_cache(maxsize=4096)
def symbol(name: str) -> str:
    """Return the head that stands for a name.

    >>> symbol("append"), symbol("+"), symbol("a.b")
    ('append', "'+", "'a\\\\db")
    """
    if name and name not in OPERATORS and "." not in name and name[0] != "'":
        return name
    return "'" + name.replace("\\", "\\\\").replace(".", "\\d")


@lru_cache(maxsize=4096)
def spelled(head: str) -> str:
    """Return the name that a head stands for.

    >>> spelled("'+"), spelled("append")
    ('+', 'append')
    """
    if not head.startswith("'"):
        return head
    parts = head[1:].split("\\\\")
    return "\\".join(part.replace("\\d", ".") for part in parts)
