"""Ids of series, and rows in the shape that COPY takes."""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime

import pyarrow as pa

from ingest.load_rows import Encoder, Version, family_id, series_id
from ingest.rows import FIXED_COLUMNS, ParsedPage

# As `printf '["d","E06000016",[["age","0"],["gender","1"]],"value","people"]' | sha256sum` gives it, and the
# same without role and unit.
SERIES_SHA256 = "4cb0308cc9a22a55819dd512c788e22821a5a38362b81112be6963bdbe21bcb5"
FAMILY_SHA256 = "d5695ea5afcbbdc96d4842ed38be2d1c1cb6f1a4069c011db4dc8d1aee70c252"
DIMENSIONS = {"gender": "1", "age": "0"}


def test_ids_are_the_first_eight_bytes_of_the_hash_as_a_signed_number() -> None:
    ids = (
        series_id("d", "E06000016", DIMENSIONS, "value", "people"),
        family_id("d", "E06000016", DIMENSIONS),
    )
    assert ids == tuple(
        struct.unpack(">q", bytes.fromhex(digest)[:8])[0] for digest in (SERIES_SHA256, FAMILY_SHA256)
    )
    assert ids[0] > 0 > ids[1]


def test_ids_do_not_depend_on_the_order_of_dimensions_and_differ_where_they_must() -> None:
    turned = dict(reversed(DIMENSIONS.items()))
    assert series_id("d", "E06000016", turned, "value", "people") == series_id(
        "d", "E06000016", DIMENSIONS, "value", "people"
    )
    keys = [
        ("d", "E06000016", DIMENSIONS, "value", "people"),
        ("d", "E06000016", DIMENSIONS, "numerator", "people"),
        ("d", "E06000016", DIMENSIONS, "value", "percent"),
        ("d", "E06000017", DIMENSIONS, "value", "people"),
        ("e", "E06000016", DIMENSIONS, "value", "people"),
        ("d", "E06000016", {"gender": "0", "age": "1"}, "value", "people"),
        ("d", "E06000016", {}, "value", "people"),
    ]
    assert len({series_id(*key) for key in keys} | {family_id(*keys[0][:3])}) == len(keys) + 1


def test_a_row_is_written_as_the_manual_of_copy_says() -> None:
    """One row worked out by hand from postgresql.org/docs/current/sql-copy.html, "Binary Format"."""
    columns = {
        "area_code": "E06000016", "role": "value", "unit": "people", "period_start": date(2000, 1, 3),
        "period_months": 12, "value": 2.0, "lower_bound": None, "upper_bound": -1.0, "status": "Q!",
    }  # fmt: skip
    rows = pa.table({name: pa.array([value], FIXED_COLUMNS[name]) for name, value in columns.items()})
    version = Version(datetime(2000, 1, 1, 0, 0, 1, tzinfo=UTC), 7)
    (batch,) = Encoder("d", version).batches([ParsedPage(1, (), rows)])
    expected = [
        b"PGCOPY\n\xff\r\n\x00", b"\0\0\0\0", b"\0\0\0\0",
        b"\x00\x09",
        b"\0\0\0\x08", struct.pack(">q", series_id("d", "E06000016", {}, "value", "people")),
        b"\0\0\0\x04", b"\0\0\0\x02",  # two days after 2000-01-01
        b"\0\0\0\x02", b"\0\x0c",
        b"\0\0\0\x08", b"\x40\0\0\0\0\0\0\0",
        b"\xff\xff\xff\xff",  # null
        b"\0\0\0\x08", b"\xbf\xf0\0\0\0\0\0\0",
        b"\0\0\0\x02", b"Q!",
        b"\0\0\0\x08", b"\0\0\0\0\0\x0f\x42\x40",  # a million microseconds
        b"\0\0\0\x08", b"\0\0\0\0\0\0\0\x07",
        b"\xff\xff",
    ]  # fmt: skip
    assert b"".join(batch.stream) == b"".join(expected)
    assert (batch.rows, batch.rejected, len(batch.new_series)) == (1, 0, 1)
