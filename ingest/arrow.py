"""Between Arrow and NumPy without pandas.

pyarrow's own `array`, `scalar` and `to_numpy` import pandas where it is installed, which costs every process
that loads a dataset more than a second and some 45 MB. These look at the buffers, and copy only if they must.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_NUMPY_TYPES: dict[pa.DataType, str] = {
    pa.int16(): "i2",
    pa.int32(): "i4",
    pa.int64(): "i8",
    pa.float64(): "f8",
    pa.date32(): "i4",
}


def _one(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, column.type)


def _bits(column: pa.Array, buffer: pa.Buffer) -> npt.NDArray[np.bool_]:
    end = column.offset + len(column)
    bits = np.frombuffer(buffer, np.uint8)[: (end + 7) // 8]
    return np.unpackbits(bits, count=end, bitorder="little")[column.offset :].astype(np.bool_)


def as_numpy(column: pa.Array | pa.ChunkedArray) -> npt.NDArray:
    """Return a column of numbers or days (since 1970-01-01) as they lie in memory; a null is any number."""
    array = _one(column)
    kind = np.dtype(_NUMPY_TYPES[array.type])
    content = array.buffers()[1]
    if not len(array) or content is None:
        return np.zeros(len(array), kind)
    return np.frombuffer(content, kind, count=len(array), offset=array.offset * kind.itemsize)


def are_null(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Return which values of a column are null."""
    array = _one(column)
    if not array.null_count:
        return np.zeros(len(array), np.bool_)
    valid = array.buffers()[0]
    return np.ones(len(array), np.bool_) if valid is None else ~_bits(array, valid)


def are_true(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Return a column of booleans; a null is any of the two."""
    array = _one(column)
    content = array.buffers()[1]
    return np.zeros(len(array), np.bool_) if not len(array) or content is None else _bits(array, content)


def array_of(values: npt.NDArray, kind: pa.DataType, null: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Return numbers, days (since 1970-01-01) or booleans as an Arrow array, null where `null` is true."""
    valid = None
    if null is not None and null.any():
        valid = pa.py_buffer(np.packbits(~null, bitorder="little"))
    if pa.types.is_boolean(kind):
        content = np.packbits(values, bitorder="little")
    else:
        content = np.ascontiguousarray(values, np.dtype(_NUMPY_TYPES[kind]))
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(content)])


def texts_of(values: Sequence[str | None]) -> pa.Array:
    """Return texts as an Arrow array."""
    encoded = [(value or "").encode() for value in values]
    offsets = np.zeros(len(encoded) + 1, np.int32)
    np.cumsum([len(text) for text in encoded], out=offsets[1:])
    null = np.array([value is None for value in values], np.bool_)
    valid = pa.py_buffer(np.packbits(~null, bitorder="little")) if null.any() else None
    return pa.Array.from_buffers(
        pa.string(), len(encoded), [valid, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    )
