"""Compilation: terms become a straight program once, and the program becomes code of one of several targets.

The stages, in order: ``lower`` (terms to a straight program), ``registers`` (which values may share a place), one module for
each target (``tape``, ``numba_source``, ``numpy_source``, ``native``, ``c_source``, ``torch_source``), and ``function``, what the
user calls.
"""
