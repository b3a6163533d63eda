"""From arrays to the rows of an analysis table, with the reasons for what is absent."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.random import Generator

from iago.synthetic.draws import Bools, Floats, Ints
from iago.synthetic.parameters.population import MISSING
from iago.tables.schema import ABSENCES, snapshot_schemas


class Sheet:
    """Rows of one table in the making.

    A value is absent where the caller says so, and in the planted share of rows drawn here; each
    planted absence, and each that the caller names, becomes a row of ``absences``.
    """

    def __init__(self, table: str, size: int, rng: Generator) -> None:
        self.name = table
        self.size = size
        self._rng = rng
        self._columns: dict[str, pa.Array] = {}
        self._absences: list[tuple[str, Ints, pa.Array]] = []

    def put(self, column: str, values: pa.Array) -> None:
        """Set a column that is never absent, such as an identifier."""
        self._columns[column] = values

    def put_codes(
        self, element: str, codes: Sequence[str], positions: Ints, absent: Bools | None = None
    ) -> None:
        """Set a column of codes given by their position."""
        mask = self._mask(element, absent)
        indices = pa.array(positions.astype(np.int32), mask=mask)
        self._columns[element] = pa.DictionaryArray.from_arrays(indices, pa.array(list(codes)))

    def put_values(
        self, element: str, values: Ints | Floats | Bools, absent: Bools | None = None
    ) -> None:
        """Set a column of numbers or of yes and no."""
        self._columns[element] = pa.array(values, mask=self._mask(element, absent))

    def put_days(
        self, element: str, days: Ints, absent: Bools | None = None, half_width: Ints | None = None
    ) -> None:
        """Set the three columns of a moment; ``half_width`` days are open on either side."""
        mask = self._mask(element, absent)
        for suffix, sign in (("", 0), ("_earliest", -1), ("_latest", 1)):
            shifted = days if half_width is None else days + sign * half_width
            self._columns[f"{element}_day{suffix}"] = pa.array(shifted.astype(np.int32), mask=mask)

    def say_why(self, element: str, rows: Bools, null_flavour: str) -> None:
        """Give the reason for the absent values of an element in these rows."""
        places = np.flatnonzero(rows).astype(np.int32)
        self._absences.append(
            (element, places, pa.array([null_flavour] * places.size, pa.string()))
        )

    def rows(self) -> pa.Table:
        """All rows, in the columns of the schema; a column never set is empty."""
        schema = snapshot_schemas()[self.name]
        columns = [
            self._columns.get(field.name, pa.nulls(self.size, field.type)) for field in schema
        ]
        return pa.table(columns, names=schema.names)

    def absences(self, first_row: int) -> pa.Table:
        """Reasons for absence; the table already holds ``first_row`` rows."""
        parts = [
            pa.table(
                [
                    pa.DictionaryArray.from_arrays(
                        pa.array(np.zeros(places.size, np.int32)), pa.array([self.name])
                    ).cast(pa.string()),
                    pa.array(places.astype(np.int64) + first_row),
                    pa.DictionaryArray.from_arrays(
                        pa.array(np.zeros(places.size, np.int32)), pa.array([element])
                    ).cast(pa.string()),
                    why,
                ],
                schema=ABSENCES,
            )
            for element, places, why in self._absences
        ]
        return pa.concat_tables(parts) if parts else ABSENCES.empty_table()

    def _mask(self, element: str, absent: Bools | None) -> Bools | None:
        missing = MISSING.value.get(f"{self.name}.{element}")
        if missing is None:
            return absent
        drawn = self._rng.random(self.size) < missing.share
        if absent is not None:
            drawn &= ~absent
        places = np.flatnonzero(drawn).astype(np.int32)
        chosen = self._rng.integers(0, len(missing.flavours), places.size)
        flavours = pa.array(list(missing.flavours)).take(pa.array(chosen))
        self._absences.append((element, places, flavours))
        return drawn if absent is None else np.asarray(drawn | absent)


def identifiers(prefix: str, first: int, size: int, digits: int = 8) -> pa.Array:
    """Identifiers such as E00000001, numbered upwards."""
    numbers = pc.cast(pa.array(np.arange(first, first + size)), pa.string())
    return pc.binary_join_element_wise(prefix, pc.utf8_lpad(numbers, digits, "0"), "")


def take(values: pa.Array, rows: Ints) -> pa.Array:
    """Values of the given rows, kept as a dictionary until they are written."""
    return pa.DictionaryArray.from_arrays(pa.array(rows.astype(np.int32)), values)
