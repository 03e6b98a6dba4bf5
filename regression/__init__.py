"""Regression: from a table of data to the equation behind it, as a scikit-learn estimator and a Gymnasium environment.

Import it as `symnum.regression`. The folder lies at the top of the repository, so a Python started there could also
find it under its bare name; the guard below turns that second, broken copy into one clear sentence.
"""

if __name__ != "symnum.regression":
    raise ImportError(
        f"this package was imported as {__name__!r}, but it is a part of symnum and works only as 'symnum.regression'; "
        "write 'import symnum.regression', or start Python with -P so that the current folder is not searched"
    )
