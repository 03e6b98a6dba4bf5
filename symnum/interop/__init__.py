"""Other libraries' expressions: what :func:`symnum.to_sympy` and :func:`symnum.from_sympy` are made of."""
