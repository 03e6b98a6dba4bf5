"""Rewriting: patterns, rules, strategies, the simplifier, the e-graph optimiser and the machine calculi.

Import it as `symnum.rewriting`. The folder lies at the top of the repository, so a Python started there could also
find it under its bare name; the guard below turns that second, broken copy into one clear sentence.
"""

if __name__ != "symnum.rewriting":
    raise ImportError(
        f"this package was imported as {__name__!r}, but it is a part of symnum and works only as 'symnum.rewriting'; "
        "write 'import symnum.rewriting', or start Python with -P so that the current folder is not searched"
    )
