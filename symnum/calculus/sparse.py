"""A sparse matrix of terms: the non-zero entries of a Jacobian or Hessian."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, repr=False)
class SparseMatrix:
    """Hold the entries of a matrix of terms in row-major order: ``entries[k]`` stands at (rows[k], columns[k])."""

    shape: tuple[int, int]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    entries: tuple[Any, ...]

    @classmethod
    def from_rows(cls, rows: Sequence[dict[int, Any]], width: int) -> SparseMatrix:
        """Build the matrix from one {column: term} per row."""
        places = [(i, j) for i, row in enumerate(rows) for j in row]
        entries = tuple([entry for row in rows for entry in row.values()])
        return cls((len(rows), width), tuple([i for i, _ in places]), tuple([j for _, j in places]), entries)

    def __repr__(self) -> str:
        return f"SparseMatrix({self.shape[0]} x {self.shape[1]}, {len(self.entries)} entries)"

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[tuple[tuple[int, int], Any]]:
        """Yield ((row, column), term) for each entry."""
        return zip(zip(self.rows, self.columns, strict=True), self.entries, strict=True)

    def __getitem__(self, place: tuple[int, int]) -> Any:
        """Return the entry at (row, column), 0 where there is none; raises IndexError outside the shape."""
        i, j = place
        if not (0 <= i < self.shape[0] and 0 <= j < self.shape[1]):
            raise IndexError(
                f"place {place!r} is outside the {self.shape[0]} x {self.shape[1]} matrix; indices start at 0"
            )
        return dict(self).get((i, j), 0)

    def todense(self) -> list[list[Any]]:
        """Return a list of rows, with the Python number 0 where there is no entry."""
        dense: list[list[Any]] = [[0] * self.shape[1] for _ in range(self.shape[0])]
        for (i, j), entry in self:
            dense[i][j] = entry
        return dense

    def to_scipy(self, values: Any) -> Any:
        """Return a scipy.sparse.csc_matrix with numbers in place of the terms.

        ``values``: (n_entries,), such as ``symnum.compile(list(m.entries), xs)(*point)``.  Raises ValueError for another length.
        """
        from scipy.sparse import coo_matrix

        if len(values) != len(self.entries):
            raise ValueError(
                f"{len(values)} values were given for {len(self.entries)} entries; compile list(matrix.entries) and call it"
            )
        return coo_matrix((values, (self.rows, self.columns)), shape=self.shape).tocsc()
