"""Example problems, written in plain NumPy as a user would write them: each module has ``make(...) -> (f, u0)``."""
