"""Tables that grow: named columns of NumPy arrays, made from one list of specs. A new column is one line in that list.

One thread writes. Readers on other threads always see whole rows, and the arrays that they hold never change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from whetstone_lab.records import archive


@dataclass(frozen=True)
class Spec:
    """What a column holds.

    Attributes:
        name: The column's name, in the table and in files.
        dtype: NumPy's name of the type that is kept.
        axes: Names of the axes of a row, such as ``("layers",)``; none for a single number.
        optional: Whether a row may lack it, and then holds NaN. Default: False.
        later: Whether files of the first release lack it. Default: False.
    """

    name: str
    dtype: str
    axes: tuple[str, ...] = ()
    optional: bool = False
    later: bool = False

    @property
    def kinds(self) -> str:
        """The kinds of dtype that a file may hold in its place."""
        return "f" if np.dtype(self.dtype).kind == "f" else "iu"


class Table:
    """Columns that grow together, row by row.

    Args:
        specs: The columns.
        sizes: Length of each axis that is known; a column with an axis that is not known has no values until
            :meth:`open` tells its length.
    """

    def __init__(self, specs: Sequence[Spec], sizes: Mapping[str, int]) -> None:
        self.specs = {spec.name: spec for spec in specs}
        self.sizes = dict(sizes)
        self._shapes = {name: self.row_shape(name) for name in self.specs}
        self._rows = 0  # before the columns: a copy that another thread makes then has no more rows than they hold
        self._columns = {spec.name: self._column(spec) for spec in specs}

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, name: str) -> np.ndarray:
        """The values of a column, one for each row."""
        # The number of rows is read first: a buffer that is swapped in meanwhile holds at least as many.
        rows = self._rows
        return self._columns[name][:rows]

    def row_shape(self, name: str) -> tuple[int, ...]:
        """The shape of a row of a column; an axis of unknown length counts 0."""
        return tuple(self.sizes.get(axis, 0) for axis in self.specs[name].axes)

    def open(self, axis: str, length: int) -> None:
        """Tells the length of an axis; columns along it hold NaN in the rows that are there already."""
        self.sizes[axis] = length
        self._shapes = {name: self.row_shape(name) for name in self.specs}
        for name, spec in self.specs.items():
            if axis in spec.axes:
                column = self._column(spec, len(next(iter(self._columns.values()))))
                column[: self._rows] = np.nan
                self._columns[name] = column

    def check(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row as arrays of the right shapes.

        Raises:
            ValueError: A value has another shape, is missing, or is of no column.
        """
        if row.keys() != self.specs.keys():
            unknown = sorted(row.keys() - self.specs.keys())
            missing = sorted(name for name, spec in self.specs.items() if not spec.optional and name not in row)
            if unknown or missing:
                raise ValueError(f"Expected values of {sorted(self.specs)}; got unknown {unknown}, and lack {missing}.")
        return {name: self.check_value(name, value) if self._shapes[name] else value for name, value in row.items()}

    def check_value(self, name: str, values: Any) -> np.ndarray:
        """The values of one column in a row as an array; raises a ``ValueError`` if they have another shape."""
        array = np.asarray(values, float)
        if array.shape != self._shapes[name]:
            raise ValueError(f"Expected {name} of shape {self._shapes[name]}; got shape {array.shape}.")
        return array

    def append(self, **row: Any) -> None:
        """Adds a row; nothing is written if it is refused, as :meth:`check` does."""
        checked = self.check(row)
        place = self._rows
        for name, column in self._columns.items():
            if place == len(column):
                column = self._columns[name] = np.concatenate([column, np.zeros_like(column)])
            column[place] = checked.get(name, np.nan)
        self._rows += 1  # last: it is what readers go by

    def replace_last(self, name: str, values: Any) -> None:
        """Puts other values in the place of a column's last row."""
        if not np.array_equal(self[name][-1], values):
            column = self._columns[name].copy()  # readers may hold views of the old one
            column[self._rows - 1] = values
            self._columns[name] = column

    def cut(self, rows: int) -> None:
        """Forgets all rows from ``rows`` on."""
        self._rows = min(rows, self._rows)
        # Into new buffers: readers may still hold views of rows that would be written over.
        self._columns = {name: column.copy() for name, column in self._columns.items()}

    def read(self, arrays: dict[str, np.ndarray], rows: int, source: Any) -> None:
        """Takes the rows of an empty table from the arrays of a file; one that came later may be missing.

        Raises:
            ArchiveError: An array is missing, or has another number of rows, shape or type.
        """
        for name, spec in self.specs.items():
            column = self._column(spec, rows + 64)
            column[:rows] = np.nan if spec.later and name not in arrays else archive.take(
                arrays, name, (rows, *self.row_shape(name)), spec.kinds, source)
            self._columns[name] = column
        self._rows = rows

    def _column(self, spec: Spec, rows: int = 64) -> np.ndarray:
        return np.zeros((rows, *(self.sizes.get(axis, 0) for axis in spec.axes)), spec.dtype)
