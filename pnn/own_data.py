"""Data sets from files of one's own: CSV, Parquet and ``.npz``, as spike times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nonideal.pnn.array_file import read_npz, read_parquet
from nonideal.pnn.csv_file import DELIMITERS, read_csv
from nonideal.pnn.data import Dataset, Encoding
from nonideal.pnn.errors import DataError
from nonideal.pnn.known_data import SUFFIXES
from nonideal.pnn.scaling import Array, Origin, Scaling, ScalingChoice, scaling_choice
from nonideal.pnn.table import Table, class_order, shown_cell

"""Endings of the files that are read."""
MOST_HELD_OUT: Final = 50
Labels = NDArray[np.int64]


def load_table(
    path: str | Path,
    *,
    test_path: str | Path | None = None,
    columns: Sequence[str | int] | None = None,
    label: str | int | None = None,
    scaling: ScalingChoice = "minmax",
    seed: int = 0,
    test_samples: int = 50,
    encoding: Encoding | None = None,
    delimiter: str | None = None,
    decimal: str = ".",
) -> Dataset:
    """A data set from a CSV (.csv, .tsv), Parquet or ``.npz`` file: columns of features, and one of labels.

    ``columns``: names, or numbers from 1; all but the label where they are left out. ``label``: a name or number; else the column called
    ``label``, else the last. Labels are text or whole numbers. ``scaling``: see ``ScalingChoice``; by ``minmax`` test features outside of
    the training samples' range are moved to its end, and counted; outside of a range that was given they are refused. The split: ``test_path``
    names a file of test samples with the same columns; an ``.npz`` may have its own (see ``read_npz``); else ``test_samples`` are held
    out, stratified by ``seed``. ``delimiter`` (found where it is clear) and ``decimal`` ("." or ",") are of CSV files.

    Where all came from, and the scaling, is in ``Dataset.origin``. Raises ``DataError`` that names row and column of what is wrong, rows counted
    from 1 with the line of names, and ``UnreadableFile``.

        data = nonideal.pnn.load_table("mine.csv", label="species", test_samples=20)
    """
    encoding = encoding if encoding is not None else Encoding()
    try:
        choice = scaling_choice(scaling)
    except ValueError as error:
        raise DataError(f"scaling: {error}") from error
    train, test = _tables(path, test_path, delimiter, decimal)
    at = train.label_position(label)
    chosen = train.feature_positions(columns, at)
    names = tuple(train.names[k] for k in chosen)
    labels = train.labels(at)
    classes = class_order(labels)
    _check_classes(train, at, labels, classes)
    x, y = train.numbers(chosen, decimal), _numbered(train, at, labels, classes)
    given = _given(choice, names)
    if given is not None:
        _check_inside(given, train, x)
    split = None if test is not None else (seed, test_samples)
    if test is None:
        part, held_out = _split(train, y, classes, seed, test_samples)
        x, test_x, y, test_y = x[part], x[held_out], y[part], y[held_out]
    else:
        test_x, test_y = _alike(test, names, train.names[at], classes, decimal)
        if given is not None:
            _check_inside(given, test, test_x)
    scaled = given if given is not None else _by_minmax(names, x, train)
    origin = Origin(
        files=_files(train, test),
        label=train.names[at],
        classes=tuple(classes),
        scaling=scaled,
        train_counts=_counts(y, classes),
        test_counts=_counts(test_y, classes),
        clipped_test_values=int(scaled.outside(test_x).sum()),
        split=split,
        delimiter=delimiter,
        decimal=decimal,
    )
    return _dataset(x, y, test_x, test_y, Path(path).stem, origin, encoding)


def load_as_trained(
    path: str | Path,
    origin: Origin | None,
    *,
    test_path: str | Path | None = None,
    encoding: Encoding | None = None,
    seed: int | None = None,
    test_samples: int | None = None,
) -> Dataset:
    """Samples for a network that is trained already: columns, label, classes and scaling are those of its data set's ``origin``.

    ``seed`` and ``test_samples``: as at training where they are left out and the file is the one that was trained on, whose held-out
    samples are then held out again; of another file half is held out. Features outside of the scaling's ranges are moved to their ends, and counted.
    ``origin`` None, of a network whose data set does not tell its origin: features have to lie in [0, 1], and half of the samples, at most 50, are
    held out. Raises as ``load_table`` does.

        header = nonideal.pnn.load_header("trained/mine/weights.safetensors")
        data = nonideal.pnn.load_as_trained("mine.csv", header.provenance.origin)
    """
    encoding = encoding if encoding is not None else Encoding()
    if origin is None:
        count = _held_out(Path(path)) if test_samples is None and test_path is None else test_samples
        return load_table(
            path,
            test_path=test_path,
            scaling="none",
            seed=seed or 0,
            test_samples=MOST_HELD_OUT if count is None else count,
            encoding=encoding,
        )
    train, test = _tables(path, test_path, origin.delimiter, origin.decimal)
    names, classes = origin.scaling.columns, origin.classes
    x, y = _alike(train, names, origin.label, classes, origin.decimal)
    split = None
    if test is None:
        same = train.sha256 in origin.files.values() and origin.split is not None
        trained = origin.split if same and origin.split is not None else (0, max(1, len(x) // 2))
        split = (
            trained[0] if seed is None else seed,
            trained[1] if test_samples is None else test_samples,
        )
        part, held_out = _split(train, y, classes, *split)
        x, test_x, y, test_y = x[part], x[held_out], y[part], y[held_out]
    else:
        test_x, test_y = _alike(test, names, origin.label, classes, origin.decimal)
    found = origin.model_copy(
        update={
            "files": _files(train, test),
            "train_counts": _counts(y, classes),
            "test_counts": _counts(test_y, classes),
            "clipped_test_values": int(origin.scaling.outside(test_x).sum()),
            "split": split,
        }
    )
    return _dataset(x, y, test_x, test_y, Path(path).stem, found, encoding)


def _held_out(path: Path) -> int:
    """How many samples of a file are held out where nobody says it: half of a small one."""
    return min(MOST_HELD_OUT, max(1, len(_read(path, None)[0]) // 2))


def _tables(
    path: str | Path, test_path: str | Path | None, delimiter: str | None, decimal: str
) -> tuple[Table, Table | None]:
    """The training samples, and the test samples where the files tell them apart."""
    if decimal not in (".", ","):
        raise DataError(f"decimal = {decimal!r}: choose '.' or ','")
    if delimiter is not None and delimiter not in DELIMITERS:
        raise DataError(f"delimiter = {delimiter!r}: choose one of {', '.join(map(repr, DELIMITERS))}")
    train, test = _read(Path(path), delimiter)
    if test_path is None:
        return train, test
    if test is not None:
        raise DataError(f"{path} has test samples of its own: leave the second file, {test_path}, out")
    other, more = _read(Path(test_path), delimiter)
    if more is not None:
        raise DataError(f"{test_path}: holds x_train and x_test; as a file of test samples give x and y")
    return train, other


def _read(path: Path, delimiter: str | None) -> tuple[Table, Table | None]:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(
            f"{path}: a data file ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}; save a spreadsheet as CSV"
        )
    if suffix == ".npz":
        return read_npz(path)
    return (read_parquet(path) if suffix == ".parquet" else read_csv(path, delimiter=delimiter)), None


def _check_classes(table: Table, at: int, labels: list[str], classes: list[str]) -> None:
    name = table.names[at]
    if len(classes) < 2:
        raise DataError(
            f"{table.place}: all {len(labels)} samples have the label {classes[0]!r} (column {name!r}); "
            "two classes at least are needed: is another column the label?"
        )
    if len(classes) > max(2, len(labels) // 2):
        raise DataError(
            f"{table.place}: column {name!r} has {len(classes)} different labels in {len(labels)} samples; is another column the label?"
        )


def _numbered(table: Table, at: int, labels: Sequence[str], classes: Sequence[str]) -> Labels:
    """Labels as numbers of classes. Raises ``DataError`` with the row of the first that is none of them."""
    number = {name: k for k, name in enumerate(classes)}
    for i, label in enumerate(labels):
        if label not in number:
            raise DataError(
                f"{table.place}: {table.row(i)}, column {table.names[at]!r}: {shown_cell(label)} is none of the classes of the training samples "
                f"({', '.join(classes[:20])})"
            )
    return np.array([number[label] for label in labels], dtype=np.int64)


def _alike(
    table: Table, names: Sequence[str], label: str, classes: Sequence[str], decimal: str
) -> tuple[Array, Labels]:
    """Features and labels of a file with the columns and classes of another."""
    at = table.position(label)
    x = table.numbers(table.feature_positions(names, at), decimal)
    return x, _numbered(table, at, table.labels(at), classes)


def _split(
    table: Table, y: Labels, classes: Sequence[str], seed: int, test_samples: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the training and of the held-out samples, every class in both."""
    present = np.unique(y)
    least, most = len(present), len(y) - len(present)
    for k in present:
        rows = np.flatnonzero(y == k)
        if len(rows) < 2:
            raise DataError(
                f"{table.place}: class {classes[k]!r} has one sample only ({table.row(int(rows[0]))}); a class needs two, to train and to test"
            )
    if not least <= test_samples <= most:
        raise DataError(
            f"test_samples = {test_samples}: {table.place} has {len(y)} samples of {len(present)} classes, choose {least} .. {most}"
        )
    from sklearn.model_selection import train_test_split

    train, test = train_test_split(np.arange(len(y)), test_size=test_samples, random_state=seed, stratify=y)
    return train, test


def _given(choice: ScalingChoice, names: tuple[str, ...]) -> Scaling | None:
    """The scaling that needs no samples; None for the one by the training samples."""
    if choice == "none":
        return Scaling(method="none", columns=names, low=(0.0,) * len(names), high=(1.0,) * len(names))
    if choice == "minmax":
        return None
    if isinstance(choice, Mapping):
        missing = [name for name in names if name not in choice]
        unknown = [name for name in choice if name not in names]
        if missing or unknown:
            wrong = f"no range for {', '.join(missing)}" if missing else f"no column {', '.join(unknown)}"
            raise DataError(
                f"scaling: {wrong}; give [low, high] for each of the features: {', '.join(names)}"
            )
        ranges = [choice[name] for name in names]
    else:
        assert not isinstance(choice, str)
        ranges = [choice] * len(names)
    low, high = zip(*ranges, strict=True)
    return Scaling(method="ranges", columns=names, low=low, high=high)


def _by_minmax(names: tuple[str, ...], x: Array, table: Table) -> Scaling:
    low, high = x.min(axis=0), x.max(axis=0)
    with np.errstate(over="ignore"):
        span = high - low
    constant = [k for k in range(len(names)) if span[k] == 0.0]
    if constant:
        told = ", ".join(f"{names[k]!r} ({low[k]:g})" for k in constant[:5])
        more = f" and {len(constant) - 5} more" if len(constant) > 5 else ""
        rest = [names[k] for k in range(len(names)) if k not in constant]
        out = f"columns = {_toml(rest)}" if 0 < len(rest) <= 20 else "name the others in columns"
        raise DataError(
            f"{table.place}: constant on the training samples: column {told}{more}, so there is no range to scale it by; leave it out: {out}, "
            "or give ranges: scaling = [low, high]"
        )
    if not np.isfinite(span).all():
        k = int(np.flatnonzero(~np.isfinite(span))[0])
        raise DataError(
            f"{table.place}: column {names[k]!r} goes from {low[k]:g} to {high[k]:g}: too far to scale"
        )
    return Scaling(method="minmax", columns=names, low=tuple(low.tolist()), high=tuple(high.tolist()))


def _check_inside(scaling: Scaling, table: Table, x: Array) -> None:
    """Refuse features outside of ranges that were given."""
    out = scaling.outside(x)
    if not out.any():
        return
    i, k = (int(at) for at in np.argwhere(out)[0])
    more = f", and {int(out.sum()) - 1} more" if out.sum() > 1 else ""
    none = scaling.method == "none"
    way_out = 'give its range, or scaling = "minmax"' if none else "give a range that holds it"
    raise DataError(
        f"{table.place}: {table.row(i)}, column {scaling.columns[k]!r}: {x[i, k]:g} is outside of "
        f"{scaling.low[k]:g} .. {scaling.high[k]:g}{more}; {way_out}"
    )


def _files(train: Table, test: Table | None) -> dict[str, str]:
    """SHA-256 by name of the files; by their folders' names as well where two files are called alike."""
    tables = [train] if test is None or test.sha256 == train.sha256 else [train, test]
    names = [table.path.name for table in tables]
    alike = len(set(names)) < len(names)
    return {(str(table.path) if alike else table.path.name): table.sha256 for table in tables}


def _toml(names: Sequence[str]) -> str:
    quoted = [name.replace("\\", "\\\\").replace('"', '\\"') for name in names]
    return "[" + ", ".join(f'"{name}"' for name in quoted) + "]"


def _counts(y: Labels, classes: Sequence[str]) -> tuple[int, ...]:
    return tuple(np.bincount(y, minlength=len(classes)).tolist())


def _dataset(
    x: Array, y: Labels, test_x: Array, test_y: Labels, name: str, origin: Origin, encoding: Encoding
) -> Dataset:
    def spikes(part: Array) -> Tensor:
        return encoding.encode(torch.from_numpy(origin.scaling.scaled(part)))

    return Dataset(
        spikes(x),
        torch.from_numpy(y),
        spikes(test_x),
        torch.from_numpy(test_y),
        x.shape[1] + int(encoding.bias),
        len(origin.classes),
        name,
        encoding,
        origin,
    )
