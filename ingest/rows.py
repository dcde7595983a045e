"""What every parser yields and the loader takes: the one shape of a row between providers and the history."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

#: Columns of `ParsedPage.rows` that are not dimensions, with their types. Dimensions are text columns named in
#: `ParsedPage.dimensions` and stand between `area_code` and `role`. Text may come dictionary-encoded.
FIXED_COLUMNS: dict[str, pa.DataType] = {
    "area_code": pa.string(),
    "role": pa.string(),  # value | numerator | denominator | confidence_half_width | coefficient_of_variation
    "unit": pa.string(),
    "period_start": pa.date32(),
    "period_months": pa.int16(),
    "value": pa.float64(),  # null when missing, never 0
    "lower_bound": pa.float64(),
    "upper_bound": pa.float64(),
    "status": pa.string(),  # the publisher's code, as it came
}

ROLES = ("value", "numerator", "denominator", "confidence_half_width", "coefficient_of_variation")


@dataclass(frozen=True)
class RejectedRow:
    """A row that cannot be an observation: where it stood, what was wrong, and its text as it came."""

    request_number: int
    row_number: int  # 1 is the first row below the header
    column_name: str
    found: str
    reason: str
    content: str


@dataclass(frozen=True)
class ParsedPage:
    """The rows of one stored answer. Every row of the answer is in `rows` or in `rejected`, and in one only."""

    request_number: int
    dimensions: tuple[str, ...]
    rows: pa.Table
    rejected: tuple[RejectedRow, ...] = ()

    @property
    def fetched(self) -> int:
        """Rows in the answer, header aside."""
        return self.rows.num_rows + len(self.rejected)
