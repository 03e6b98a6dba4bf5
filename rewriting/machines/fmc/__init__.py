"""The Functional Machine Calculus: programs of stacks."""
