"""The Relational Machine Calculus: programs of stacks and unknowns that run both ways."""
