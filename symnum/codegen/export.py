"""Code as files of a user's own project, for targets whose code needs no symnum."""

from __future__ import annotations

import os
from pathlib import Path

from symnum.codegen.target import Code

NAME = "formula"
"""What code calls itself until a file is written under a name."""


def write_files(code: Code, target: str, path: str | os.PathLike[str], name: str | None) -> list[Path]:
    """Write what ``code.files`` gives beside each other and return the paths; ``name`` is by default the file's.

    Raises ValueError for a target whose code runs in symnum only and for a path with another suffix than the target's.
    """
    main = Path(path)
    texts = code.files(main.stem if name is None else name)
    if not texts:
        raise ValueError(
            f"code of the target {target!r} runs inside symnum only; compile with target='c' or target='torch' to write a file"
        )
    if main.suffix not in texts:
        raise ValueError(
            f"{str(path)!r} does not end in {next(iter(texts))!r}, as the target {target!r} wants"
        )
    paths = [main.with_suffix(suffix) for suffix in texts]
    for where, text in zip(paths, texts.values(), strict=True):
        where.write_text(text, encoding="utf-8")
    return paths


def file_of(code: Code, target: str, suffix: str) -> str:
    """Return one of the files; raises AttributeError where the target has none of this suffix."""
    texts = code.files(NAME)
    if suffix not in texts:
        raise AttributeError(f"the target {target!r} has no file {suffix!r}; compile with target='c'")
    return texts[suffix]
