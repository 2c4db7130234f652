"""Parquet and NumPy files as tables; nothing that a file says of itself is believed before memory is taken for it."""

from __future__ import annotations

import io
import zipfile
import zlib
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from nonideal.files import read_bytes
from nonideal.pnn.errors import DataError
from nonideal.pnn.table import Table

MOST_ARRAY_BYTES: Final = 1024**3
"""Of a file, and of what is in it when unpacked."""
SPLIT: Final = ("x_train", "y_train", "x_test", "y_test")
WHOLE: Final = ("x", "y")
_DAMAGED: Final = (
    zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError, RuntimeError, NotImplementedError, MemoryError, SyntaxError,
    TypeError, KeyError, OverflowError, AttributeError, IndexError,
)  # fmt: skip
"""What unpacking a damaged file raises."""


def read_npz(path: Path) -> tuple[Table, Table | None]:
    """The samples of an ``.npz`` file: ``x`` and ``y``, or ``x_train``, ``y_train``, ``x_test`` and ``y_test``.

    ``x`` [samples, ...] are numbers, whose columns are called x1, x2, ...; ``y`` [samples] whole numbers or text. Pickled objects are never
    loaded. Gives the training samples and the test samples (None: not told apart). Raises ``DataError``.
    """
    content = read_bytes(path, most_bytes=MOST_ARRAY_BYTES)
    digest = sha256(content).hexdigest()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            held = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            wanted = SPLIT if set(SPLIT) & set(held) else WHOLE
            missing = [name for name in wanted if name not in held]
            if missing:
                raise DataError(
                    f"{path}: has no {' and no '.join(missing)}; it holds {', '.join(list(held)[:10]) or 'nothing'}. "
                    f"Give {', '.join(WHOLE)}, or {', '.join(SPLIT)}"
                )
            unpacked = sum(held[name].file_size for name in wanted)
            if unpacked > MOST_ARRAY_BYTES:
                raise DataError(
                    f"{path}: its arrays have {unpacked} bytes, more than the {MOST_ARRAY_BYTES} that are read"
                )
            arrays = {name: _member(path, name, archive, held[name]) for name in wanted}
    except DataError:
        raise
    except _DAMAGED as error:
        raise DataError(
            f"{path}: is no .npz file, or a damaged one ({_why(error)}): save it again"
        ) from error
    parts = [
        _samples(path, digest, x, y, arrays[x], arrays[y])
        for x, y in zip(wanted[::2], wanted[1::2], strict=True)
    ]
    return parts[0], parts[1] if len(parts) > 1 else None


def _member(path: Path, name: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(info) as member:
        return array_of(path, name, member.read(MOST_ARRAY_BYTES + 1))


def array_of(path: Path, name: str, data: bytes) -> NDArray[Any]:
    """One array in NumPy's format, of the size that its header says. Raises ``DataError`` for objects, and what ``_DAMAGED`` lists."""
    stream = io.BytesIO(data)
    version = npy.read_magic(stream)
    if version == (1, 0):
        shape, fortran, dtype = npy.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, fortran, dtype = npy.read_array_header_2_0(stream)
    else:
        raise DataError(f"{path}: array {name} has format {version}; save plain arrays with numpy.savez")
    if dtype.hasobject:
        raise DataError(
            f"{path}: array {name} holds Python objects, which are not loaded (they can run programs); save numbers, and text as {name}.astype(str)"
        )
    count = 1
    for size in shape:
        count *= size
    if count * dtype.itemsize != len(data) - stream.tell():
        raise DataError(
            f"{path}: array {name} of shape {shape} takes {count * dtype.itemsize} bytes, the file has {len(data) - stream.tell()}: save it again"
        )
    flat = (
        np.frombuffer(data, dtype=dtype, offset=stream.tell(), count=count) if count else np.empty(0, dtype)
    )
    return flat.reshape(shape, order="F" if fortran else "C")


def _samples(path: Path, digest: str, x_name: str, y_name: str, x: NDArray[Any], y: NDArray[Any]) -> Table:
    place = f"{path}, {x_name}"
    if x.ndim < 2 or x.size == 0:
        raise DataError(f"{place}: has shape {x.shape}; give [samples, features]")
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise DataError(
            f"{place}: {y_name} has shape {y.shape}; give one label a sample, [samples] (one-hot: y.argmax(axis=1))"
        )
    if len(x) != len(y):
        raise DataError(f"{place}: {len(x)} samples, but {y_name} has {len(y)} labels")
    flat = x.reshape(len(x), -1)
    names = (*(f"x{k}" for k in range(1, flat.shape[1] + 1)), "y")
    return Table(path, place, digest, names, (*flat.T, y))


def read_parquet(path: Path) -> Table:
    """The columns of a Parquet file. Raises ``DataError`` for what is none, and where there is no sample."""
    import pyarrow as pa
    from pyarrow import parquet

    content = read_bytes(path, most_bytes=MOST_ARRAY_BYTES)
    digest = sha256(content).hexdigest()
    try:
        file = parquet.ParquetFile(pa.BufferReader(content))
        told = file.metadata
        groups = [told.row_group(k) for k in range(told.num_row_groups)]
        unpacked = max(sum(g.total_byte_size for g in groups), 8 * told.num_rows * told.num_columns)
        if unpacked > MOST_ARRAY_BYTES:
            raise DataError(
                f"{path}: {unpacked} bytes unpacked, more than the {MOST_ARRAY_BYTES} that are read"
            )
        table = file.read(use_threads=False)
        table.validate(full=True)
        columns = tuple(_column(column) for column in table.columns)
    except DataError:
        raise
    except (pa.ArrowException, *_DAMAGED) as error:
        raise DataError(
            f"{path}: is no Parquet file, or a damaged one ({_why(error)}): save it again"
        ) from error
    if not columns or len(table) == 0:
        raise DataError(f"{path}: has {len(columns)} columns and {len(table)} rows; there is no sample")
    return Table(path, str(path), digest, tuple(name.strip() for name in table.column_names), columns)


def _column(column: Any) -> NDArray[Any]:
    """A column as an array; text as objects, what is neither numbers nor text as records. Empty cells of numbers become NaN, of
    text None: whoever uses them refuses them.
    """
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if types.is_decimal(kind):
        column, kind = column.cast("float64"), None
    if kind is None or types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind):
        if column.null_count and kind is not None and types.is_boolean(kind):
            column = column.cast("int8")
        array: NDArray[Any] = column.to_numpy()
        return array
    if types.is_string(kind) or types.is_large_string(kind):
        return np.array(column.to_pylist(), dtype=object)
    if types.is_date(kind) or types.is_timestamp(kind):
        return np.array(column.cast("timestamp[us]").to_numpy(), dtype="M8[us]")
    return np.zeros(len(column), dtype="V1")


def _why(error: BaseException) -> str:
    text = str(error).strip().split("\n")[0]
    return (text or type(error).__name__)[:120]
