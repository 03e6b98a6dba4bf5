"""Machines compiled to native code: programs as flat arrays."""
