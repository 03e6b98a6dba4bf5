"""Traced array programs as fused loop nests in machine code.

A graph of array operations is lowered to loops in five steps, one file each: ``storage`` decides which arrays are kept in memory,
``lowering`` turns the entries of an array into values over loop indices, ``nests`` cuts the index ranges into boxes in which one
formula holds, ``emit`` writes LLVM IR with explicit vectors, and ``kernel`` links it and calls it.  Grid sizes, offsets, strides and
coefficients are data that the code reads: another grid runs the same machine code.
"""

from symnum.pde.loops.function import LoopFunction as LoopFunction
from symnum.pde.loops.kernel import LoopKernel as LoopKernel
from symnum.pde.loops.lowering import NotLowered as NotLowered
