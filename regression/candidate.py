"""An expression of the target that a stage of the search hands on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symnum.regression.grammar import Tokens


@dataclass(frozen=True)
class Candidate:
    """Hold an expression of y with constant slots (as bytes of its tokens) and where its constants start."""

    text: bytes
    constants: tuple[float, ...]

    @property
    def tokens(self) -> Tokens:
        """Return the token array."""
        return np.frombuffer(self.text, np.int16)
