"""Data sets from files: what is right comes out as from scikit-learn, what is wrong is told with its row and column."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris

from nonideal.files import UnreadableFile, sha256_of
from nonideal.pnn import (
    DataError,
    Encoding,
    TrainingOptions,
    load_as_trained,
    load_header,
    load_small,
    load_table,
    preset,
    train,
    variant_options,
)

SPECIES = ("setosa", "versicolor", "virginica")
NAMES = ("sepal length", "sepal width", "petal length", "petal width")
SMALL = "a,b,kind\n1,2,no\n3,5,yes\n2,4,no\n5,1,yes\n4,3,no\n6,6,yes\n"


def iris() -> pd.DataFrame:
    x, y = load_iris(return_X_y=True)
    return pd.DataFrame(x, columns=NAMES).assign(species=[SPECIES[k] for k in y])


def same(found: Any, expected: Any) -> None:
    for name in ("train_x", "train_y", "test_x", "test_y"):
        assert torch.equal(getattr(found, name), getattr(expected, name)), name
    assert (found.features, found.classes) == (expected.features, expected.classes)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file of text or bytes, and give its path."""

    def put(content: str | bytes, name: str = "mine.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return put


Write = Callable[..., Path]


@pytest.mark.parametrize(
    "form", ["plain", "mark", "crlf", "semicolon", "tab", "comma marks", "spaces", "quoted"]
)
def test_iris_from_csv_is_iris(write: Write, form: str) -> None:
    table = iris()
    options = {"semicolon": {"sep": ";"}, "tab": {"sep": "\t"}, "comma marks": {"sep": ";", "decimal": ","}}
    text = table.to_csv(index=False, **options.get(form, {}))  # type: ignore[call-overload]
    if form == "mark":
        text = "\ufeff" + text
    elif form == "crlf":
        text = text.replace("\n", "\r\n") + "\r\n\r\n"
    elif form == "spaces":
        text = text.replace(",", " , ")
    elif form == "quoted":
        text = "\n".join(",".join(f'"{c}"' for c in row.split(",")) for row in text.split())
        text = text.replace('"sepal"', "")
        text = table.to_csv(index=False, quoting=1)
    found = load_table(write(text), seed=3, decimal="," if form == "comma marks" else ".")
    same(found, load_small("iris", seed=3))
    assert found.name == "mine"
    assert found.origin is not None
    assert found.origin.classes == SPECIES
    assert found.origin.label == "species"
    assert found.origin.scaling.columns == NAMES
    assert sum(found.origin.train_counts) == 100


def test_parquet_and_npz_are_the_same(tmp_path: Path) -> None:
    table, expected = iris(), load_small("iris", test_samples=30)
    parquet = tmp_path / "i.parquet"
    table.astype({"species": "category"}).to_parquet(parquet)
    same(load_table(parquet, test_samples=30), expected)
    x, y = load_iris(return_X_y=True)
    whole, split = tmp_path / "i.npz", tmp_path / "s.npz"
    np.savez_compressed(whole, x=x, y=y.astype(np.uint8))
    found = load_table(whole, test_samples=30)
    same(found, expected)
    assert found.origin is not None
    assert (found.origin.classes, found.origin.scaling.columns) == (("0", "1", "2"), ("x1", "x2", "x3", "x4"))
    np.savez(split, x_train=x[::2], y_train=y[::2], x_test=x[1::2].reshape(75, 2, 2), y_test=y[1::2, None])
    found = load_table(split)
    assert found.origin is not None
    assert (len(found.train_x), len(found.test_x), found.origin.split) == (75, 75, None)
    assert found.test_y.tolist() == y[1::2].tolist()


def test_a_second_file_of_test_samples(write: Write) -> None:
    train_file = write(SMALL)
    test_file = write("kind,b,a,remark\nno,2,9,x\nyes,4,3,\n", "test.csv")
    found = load_table(train_file, test_path=test_file, columns=["a", "b"], label="kind")
    assert found.train_x.tolist()[0] == [0.0, 0.2, 0.0]
    assert found.test_x.tolist() == [[1.0, 0.2, 0.0], [pytest.approx(0.4), pytest.approx(0.6), 0.0]]
    assert found.origin is not None
    assert found.origin.clipped_test_values == 1
    assert found.origin.files == {"mine.csv": sha256_of(train_file), "test.csv": sha256_of(test_file)}


def test_columns_labels_and_scaling_are_chosen(write: Write) -> None:
    path = write("id,label,a,b\nx,2,0.5,4\ny,10,1,2\nz,2,0.25,8\nu,10,0,1\n")
    found = load_table(path, columns=["b", 3], scaling={"a": (0, 1), "b": (0, 10)}, test_samples=2)
    assert found.origin is not None
    assert found.origin.classes == ("2", "10")
    assert found.origin.scaling.columns == ("b", "a")
    assert sorted(torch.cat((found.train_x, found.test_x))[:, 0].tolist()) == [0.1, 0.2, 0.4, 0.8]
    by_one = load_table(path, columns=["a"], scaling=(0, 2), test_samples=2, encoding=Encoding(bias=False))
    assert by_one.train_x.max() <= 0.5
    none = load_table(path, columns=["a"], scaling="none", test_samples=2)
    assert none.origin is not None
    assert none.origin.scaling.method == "none"


BAD_CELLS = [
    ("3,5,yes", "3,,yes", "row 3, column 'b' (2): is empty"),
    ("3,5,yes", "3,x,yes", "row 3, column 'b' (2): 'x' is no number"),
    ("3,5,yes", "3,NaN,yes", "row 3, column 'b' (2): 'NaN' is no number"),
    ("3,5,yes", "3,-inf,yes", "row 3, column 'b' (2): '-inf' is no number"),
    ("3,5,yes", "3,1e999,yes", "row 3, column 'b' (2): '1e999' is too large"),
    ("3,5,yes", "3,1_0,yes", "row 3, column 'b' (2): '1_0' is no number"),
    ("3,5,yes", "3,٣,yes", "row 3, column 'b' (2): '٣' is no number"),
    ("3,5,yes", '3,"5,5",yes', 'decimal = ","'),
    ("3,5,yes", "3,5,", "row 3, column 'kind' (3): has no label"),
    ("3,5,yes", "3,5,nan", "row 3, column 'kind' (3): 'nan' is no class"),
    ("3,5,yes", "3,5," + "y" * 101, "101 characters"),
    ("3,5,yes", "3,5", "row 3 has 2 cells, row 1 names 3 columns"),
    ("3,5,yes", "3,5,1,yes", "row 3 has 4 cells, row 1 names 3 columns; if commas stand in numbers"),
    ("3,5,yes", "\n3,5,yes", "row 3 is empty"),
    ("3,5,yes", '3,5,"yes', "row 3 cannot be read"),
    ("3,5,yes", "3,5,maybe", "class 'maybe' has one sample only (row 3)"),
    ("a,b,kind", "a,a,kind", "columns 1 and 2 are both called 'a'"),
    ("a,b,kind", "a,,kind", "column 2 has no name"),
    ("a,b,kind", "1,2,3", "row 1 holds numbers"),
    ("a,b,kind", "a,b;c,kind", "say which is between cells: delimiter"),
]


@pytest.mark.parametrize(("old", "new", "told"), BAD_CELLS)
def test_what_is_wrong_in_a_csv_file_is_told_with_its_place(
    write: Write, old: str, new: str, told: str
) -> None:
    path = write(SMALL.replace(old, new))
    with pytest.raises(DataError) as caught:
        load_table(path, test_samples=2)
    assert str(path) in str(caught.value)
    assert told in str(caught.value)


def test_many_bad_cells_are_counted(write: Write) -> None:
    rows = "".join(f"{k},?,{k % 2}\n" for k in range(10))
    with pytest.raises(DataError, match=r"row 2, .*row 3, .*row 4, .*and 7 more cells$"):
        load_table(write("a,b,c\n" + rows))


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        ("", {}, "is empty"),
        ("  \n", {}, "is empty"),
        ("a,b\n", {}, "no sample"),
        ("a\n1\n2\n", {}, "one cell only"),
        (SMALL, {"label": "kin"}, "no column 'kin'; did you mean 'kind'? There are: 'a', 'b', 'kind'"),
        (SMALL, {"label": 4}, "no column 4; there are 1 .. 3"),
        (SMALL, {"label": 0}, "no column 0; there are 1 .. 3"),
        (SMALL, {"columns": ["a", "kind"]}, "is the label, and among the features too"),
        (SMALL, {"columns": ["a", 1]}, "named twice"),
        (SMALL, {"label": "a"}, "column 'a' has 6 different labels in 6 samples"),
        (SMALL.replace("yes", "no"), {}, "all 6 samples have the label 'no'"),
        (SMALL, {"test_samples": 50}, "has 6 samples of 2 classes, choose 2 .. 4"),
        (SMALL, {"delimiter": ":"}, "delimiter = ':'"),
        (SMALL, {"decimal": "'"}, "choose '.' or ','"),
        (SMALL, {"delimiter": ";"}, "one column only"),
        (SMALL, {"scaling": "standard"}, "'standard' is no scaling"),
        (SMALL, {"scaling": (1, 1)}, "is no range"),
        (SMALL, {"scaling": {"a": (0, 10)}}, "no range for b"),
        (SMALL, {"scaling": {"a": (0, 10), "b": (0, 9), "c": (0, 1)}}, "no column c"),
        (SMALL, {"scaling": (0, 4)}, "row 3, column 'b': 5 is outside of 0 .. 4, and 3 more"),
        (SMALL, {"scaling": "none"}, "row 2, column 'b': 2 is outside of 0 .. 1, and 9 more; give its range"),
        (SMALL.replace("kind", "kind,grade").replace("no", "no,1.5").replace("yes", "yes,2"), {"columns": ["a"]}, "'1.5' is no class"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_data_set_is_told(
    write: Write, text: str, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(DataError) as caught:
        load_table(write(text), **({"test_samples": 2} | options))
    assert told in str(caught.value)


def test_a_constant_column_is_refused_with_the_line_that_leaves_it_out(write: Write) -> None:
    path = write(SMALL.replace("a,b", "a,c,b").replace("\n1,", "\n1,0,").replace("\n3,", "\n3,0,").replace("\n2,", "\n2,0,")
                 .replace("\n5,", "\n5,0,").replace("\n4,", "\n4,0,").replace("\n6,", "\n6,0,"))  # fmt: skip
    with pytest.raises(DataError, match=r"constant .* column 'c' \(0\).*columns = \[\"a\", \"b\"\]"):
        load_table(path, test_samples=2)
    assert load_table(path, test_samples=2, columns=["a", "b"]).features == 3
    assert load_table(path, test_samples=2, scaling=(0, 10)).features == 4


def test_what_is_no_regular_file_of_its_kind_is_refused(write: Write, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for name, told in (("pipe.csv", "is a pipe"), ("none.csv", "no such file")):
        with pytest.raises(UnreadableFile, match=told):
            load_table(tmp_path / name)
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(UnreadableFile, match="is a folder"):
        load_table(tmp_path / "folder.npz")
    with pytest.raises(UnreadableFile, match=r"line 2, byte 5 of it: byte 0xe9 is not UTF-8"):
        load_table(write("a,b,kind\n1,2,\xe9t\xe9\n".encode("latin-1")))
    with pytest.raises(UnreadableFile, match="NUL"):
        load_table(write("a,b\n1,\0\n"))
    with pytest.raises(DataError, match="ends in"):
        load_table(write(SMALL, "mine.xlsx"))
    for name in ("x.npz", "x.parquet"):
        for content in (b"", b"garbage", b"PK\x03\x04", b"PAR1xxxxPAR1", os.urandom(1000)):
            with pytest.raises(DataError, match=r"is no \.npz|is no Parquet"):
                load_table(write(content, name))


def npz(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


X, Y = np.arange(24.0).reshape(12, 2), np.arange(12) % 2


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x": X}, "has no y"),
        ({"x_train": X, "y_train": Y}, "has no x_test and no y_test"),
        ({"x": X.astype(object), "y": Y}, "array x holds Python objects"),
        ({"x": X, "y": Y.astype(object)}, "array y holds Python objects"),
        ({"x": X * 1j, "y": Y}, "complex numbers"),
        ({"x": X.astype(str), "y": Y}, "holds text"),
        ({"x": X[:, 0], "y": Y}, r"has shape \(12,\)"),
        ({"x": X[:0], "y": Y[:0]}, r"has shape \(0, 2\)"),
        ({"x": X, "y": np.eye(2)[Y]}, "one-hot"),
        ({"x": X, "y": Y[:11]}, "12 samples, but y has 11 labels"),
        ({"x": np.where(X == 7, np.nan, X), "y": Y}, r"row 4, column 'x2' \(2\): is empty, or NaN"),
        ({"x": np.where(X == 7, np.inf, X), "y": Y}, r"row 4, column 'x2' \(2\): inf is no finite number"),
        ({"x": X, "y": Y + 0.5}, "is no class"),
        ({"x": X, "y": np.full(12, np.datetime64("2020-01-01"))}, "holds dates"),
        ({"x_train": X, "y_train": Y, "x_test": X[:2], "y_test": Y[:2] + 5}, "row 1.*none of the classes"),
        ({"x_train": X, "y_train": Y, "x_test": X[:2, :1], "y_test": Y[:2]}, "no column 'x2'"),
    ],
)
def test_what_is_wrong_in_an_npz_file_is_told(write: Write, arrays: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        load_table(write(npz(**arrays), "a.npz"), test_samples=4)


def test_an_npz_file_takes_no_more_memory_than_it_may(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A header that promises more than is there, and a small file that unpacks to a large one."""
    monkeypatch.setattr("nonideal.pnn.array_file.MOST_ARRAY_BYTES", 4_000_000)
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", b"\0" * 5_000_000)
        archive.writestr("y.npy", b"")
    with pytest.raises(DataError, match="its arrays have 5000000 bytes"):
        load_table(tmp_path / "bomb.npz")
    huge = npz(x=X, y=Y).replace(b"(12, 2)", b"(9**9,)")
    with pytest.raises(DataError, match=r"is no \.npz|damaged"):
        load_table(write(huge, "huge.npz"))
    large = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        large, {"descr": "<f8", "fortran_order": False, "shape": (10**12, 4)}
    )
    with zipfile.ZipFile(tmp_path / "header.npz", "w") as archive:
        archive.writestr("x.npy", large.getvalue())
        archive.writestr("y.npy", large.getvalue())
    with pytest.raises(DataError, match=r"takes 32000000000000 bytes, the file has 0"):
        load_table(tmp_path / "header.npz")


def test_what_is_wrong_in_a_parquet_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    good = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "kind": ["u", "v"] * 6})
    for column, values, told in (
        ("b", [None, *X[1:, 1]], r"row 1, column 'b' \(2\): is empty, or NaN"),
        ("b", ["1"] * 12, "column 'b' .* holds text"),
        ("b", [[1.0]] * 12, "column 'b' .* holds records"),
        ("b", pd.date_range("2020", periods=12), "column 'b' .* holds dates"),
        ("kind", ["u", None] * 6, r"row 2, column 'kind' \(3\): has no label"),
    ):
        good.assign(**{column: values}).to_parquet(path)
        with pytest.raises(DataError, match=told):
            load_table(path, test_samples=4)
        if column == "b":
            assert load_table(path, columns=["a"], label="kind", test_samples=4).features == 2


def test_other_samples_are_scaled_as_the_training_was(write: Write, tmp_path: Path) -> None:
    """Trained, written, and read back with nothing but the weights file."""
    path = write(iris().to_csv(index=False))
    data = load_table(path, test_samples=30, seed=2)
    options = variant_options("pnn", preset("sky130_tt"), (5, 3))
    result = train(data, options, TrainingOptions(seed=1, epochs=2, tensorboard=False), tmp_path / "t", show_progress=False)  # fmt: skip
    provenance = load_header(result.weights_path).provenance
    assert provenance.origin == data.origin
    same(load_as_trained(path, provenance.origin, encoding=provenance.encoding), data)

    other = write("species,petal width,petal length,sepal width,sepal length\n" + "setosa,9,1,2,3\nvirginica,2,6,3,6\n" * 3, "new.csv")  # fmt: skip
    found = load_as_trained(other, provenance.origin, encoding=provenance.encoding)
    assert data.origin is not None
    assert found.origin is not None
    assert (found.classes, found.origin.scaling) == (3, data.origin.scaling)
    assert (found.origin.test_counts, len(found.train_x)) in {((2, 0, 1), 3), ((1, 0, 2), 3)}
    expected = data.origin.scaling.scaled(np.array([[6.0, 3.0, 6.0, 2.0]]))
    virginica = torch.cat((found.train_x, found.test_x))[torch.cat((found.train_y, found.test_y)) == 2]
    assert virginica[0, :4].tolist() == expected[0].tolist()
    assert torch.cat((found.train_x, found.test_x))[:, 3].max() == 1.0
    with pytest.raises(DataError, match="'daisy' is none of the classes"):
        load_as_trained(
            write("species,petal width,petal length,sepal width,sepal length\ndaisy,1,2,3,4\n"),
            data.origin,
        )
    unit = write("a,b,kind\n0,1,no\n0.5,0,yes\n1,0,no\n0,0.25,yes\n", "unit.csv")
    assert load_as_trained(unit, None, test_samples=2).features == 3


def test_weights_from_before_origins_are_read(tmp_path: Path) -> None:
    data = replace(load_small("iris"), origin=None)
    options = variant_options("pnn", preset("sky130_tt"), (5, 3))
    result = train(data, options, TrainingOptions(seed=1, epochs=1, tensorboard=False), tmp_path, show_progress=False)  # fmt: skip
    assert load_header(result.weights_path).provenance.origin is None


def test_layers_that_do_not_fit_are_told_as_the_line_to_write(write: Write) -> None:
    data = load_table(write(SMALL), test_samples=2)
    with pytest.raises(DataError, match=r"layers = \[3, 8, 2\]"):
        data.check_fits((5, 8, 1))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.sampled_from('ab12.5,;"\n\t -e\r|é'), max_size=60))
def test_any_text_is_a_data_set_or_a_message(write: Write, text: str) -> None:
    told, data = "", None
    try:
        data = load_table(write(text), test_samples=2)
    except (DataError, UnreadableFile) as error:
        told = str(error)
    assert "mine.csv" in told or (data is not None and bool(torch.isfinite(data.train_x).all()))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    at=st.integers(0, 2000),
    bit=st.integers(0, 7),
    cut=st.booleans(),
    name=st.sampled_from(["m.npz", "m.parquet"]),
)
def test_damaged_files_end_in_a_message(write: Write, at: int, bit: int, cut: bool, name: str) -> None:
    if name == "m.npz":
        content = npz(x=X, y=Y)
    else:
        stream = io.BytesIO()
        pd.DataFrame({"a": X[:, 0], "kind": Y}).to_parquet(stream)
        content = stream.getvalue()
    at %= len(content)
    damaged = content[:at] if cut else content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :]
    told, data = "", None
    try:
        data = load_table(write(damaged, name), test_samples=4)
    except (DataError, UnreadableFile) as error:
        told = str(error)
    assert name in told or data is not None
