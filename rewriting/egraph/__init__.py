"""Equality saturation on egglog: n-ary canonical sums and products, total rules, and extraction by cost models."""

from symnum.rewriting.egraph.adapter import EGraphError
from symnum.rewriting.egraph.egraph import EClass, EGraph
from symnum.rewriting.egraph.saturation import EGraphLimits, SaturationReport

__all__ = ["EClass", "EGraph", "EGraphError", "EGraphLimits", "SaturationReport"]
