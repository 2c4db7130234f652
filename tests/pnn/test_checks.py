"""The door for what comes from Python: accepted with the same numbers, or refused with name, place and way out."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.datasets import load_iris

from nonideal.characterize.estimate import estimate
from nonideal.characterize.model import PhysicalModel
from nonideal.pnn import (
    BadParameter,
    DataError,
    Dataset,
    Discharger,
    Encoding,
    PnnError,
    RCSpikeConv2d,
    RCSpikeLinear,
    Reversal,
    TrainingOptions,
    TTFSConv2d,
    TTFSLinear,
    chip_accuracy,
    first_to_fire,
    load_small,
    preset,
    train,
    training_loss,
    variant_options,
)
from nonideal.pnn.accuracies import exact_accuracy
from nonideal.pnn.metrics import EpochMeter
from nonideal.pnn.rc_spike import Firing

RAW, KIND = load_iris(return_X_y=True)
ORDER = np.random.default_rng(0).permutation(150)
RAW, KIND = RAW[ORDER], KIND[ORDER]
X = (RAW - RAW.min(0)) / (RAW.max(0) - RAW.min(0))
ROW = np.arange(150)
PAPER = Reversal.constant(2.80, -1.53)


def accuracy(
    folder: Path, x: Any = X, y: Any = KIND, *, classes: int = 3, split: int = 100, axons: int | None = None
) -> tuple[float, float]:
    encoding = Encoding()
    n = axons if axons is not None else np.shape(x)[1] + 1
    data = Dataset(
        encoding.encode(x[:split]),
        y[:split],
        encoding.encode(x[split:]),
        y[split:],
        n,
        classes,
        "mine",
        encoding,
    )
    options = TrainingOptions(seed=1, epochs=60, tensorboard=False)
    network = variant_options("pnn", preset("sky130_tt"), (n, 8, classes))
    result = train(data, network, options, folder, show_progress=False)
    return result.train_accuracy, result.test_accuracy


BASELINE = (0.80, 0.74)
SAME: dict[str, dict[str, Any]] = {
    "baseline": {},
    "numpy": {"x": torch.from_numpy(X), "y": torch.from_numpy(KIND)},
    "float32": {"x": torch.from_numpy(X).float()},
    "float16": {"x": torch.from_numpy(X).half()},
    "lists": {"x": X.tolist(), "y": KIND.tolist()},
    "requires_grad": {"x": torch.from_numpy(X).requires_grad_()},
    "big endian": {"x": X.astype(">f8"), "y": KIND.astype(">i4")},
    "labels int32": {"y": torch.from_numpy(KIND.astype(np.int32))},
    "labels uint8": {"y": KIND.astype(np.uint8)},
    "labels uint64": {"y": KIND.astype(np.uint64)},
    "labels float": {"y": KIND.astype(float)},
}


@pytest.mark.parametrize("case", SAME)
def test_what_is_harmless_gives_the_same_accuracy(tmp_path: Path, case: str) -> None:
    assert accuracy(tmp_path, **SAME[case]) == pytest.approx(BASELINE)


def test_labels_of_two_classes_may_be_truth_values(tmp_path: Path) -> None:
    assert accuracy(tmp_path, y=KIND == 0, classes=2) == (1.0, 1.0)
    assert accuracy(tmp_path / "again", y=(KIND == 0).astype(int), classes=2) == (1.0, 1.0)


def naive(table: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return (table - table.min(0)) / (table.max(0) - table.min(0))


TWO = KIND != 2
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "raw": ({"x": RAW}, r"x: row 0, column 0 is 6.1, .*divide by 255"),
    "standardised": ({"x": (RAW - RAW.mean(0)) / RAW.std(0)}, "x: row 0, column 1 is -0.59"),
    "pixels": ({"x": X * 255}, r"x: row 0, column 0 is 127\.5"),
    "uint8": ({"x": (X * 255).astype(np.uint8)}, "x: row 0, column 0 is 127"),
    "constant column": ({"x": naive(np.c_[RAW, np.ones(150)])}, "x: row 0, column 4 is nan"),
    "NaN": (
        {"x": np.where((ROW == 3)[:, None] & (np.arange(4) == 1), np.nan, X)},
        "row 3, column 1 is nan.*1 of 400 values",
    ),
    "NaN in test": (
        {"x": np.where((ROW >= 120)[:, None] & (np.arange(4) == 1), np.nan, X)},
        "row 20, column 1 is nan",
    ),
    "inf": ({"x": np.where(X < 0.2, np.inf, X)}, "row 8, column 1 is inf.*after encoding"),
    "labels 1..3": ({"y": KIND + 1}, "train_y: row 1 is 3, .*from 0 to 2"),
    "labels 1..3 of 4": ({"y": KIND + 1, "classes": 4}, "train_y: label 0 has no sample"),
    "one-hot": ({"y": np.eye(3)[KIND]}, r"train_y has shape \[100, 3\].*argmax"),
    "half labels": ({"y": KIND + 0.5}, "train_y: row 0 is .*whole numbers"),
    "NaN label": ({"y": np.where(ROW == 7, np.nan, KIND)}, "train_y: row 7 is nan"),
    "-1": ({"y": np.where(ROW == 5, -1, KIND)}, "train_y: row 5 is -1"),
    "-100": ({"y": np.where(ROW < 50, -100, KIND)}, "train_y: row 0 is -100.*50 of 100"),
    "-1 in test": ({"y": np.where(ROW > 140, -1, KIND)}, "test_y: row 41 is -1"),
    "class missing": ({"x": X[TWO], "y": KIND[TWO], "split": 60}, "train_y: label 2 has no sample"),
    "classes too few": ({"classes": 2}, "train_y: row 1 is 2, .*from 0 to 1"),
    "one class": ({"classes": 1}, "classes = 1: .*at least 2"),
    "no test": ({"split": 150}, "x has no samples"),
    "one sample": ({"split": 1}, "train_y: label 0 has no sample"),
    "images": ({"x": X.reshape(150, 2, 2), "axons": 5}, r"shape \[100, 2, 2\].*reshape"),
    "lengths": ({"y": KIND[:90]}, "train_y has 90 labels for 100 samples"),
    "features": ({"axons": 6}, "train_x has 5 columns, features = 6"),
    "text": ({"y": np.array(["setosa"] * 150)}, "train_y is .*numbers"),
    "complex": ({"x": X + 0j}, "x is .*numbers"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_is_told_with_its_place(tmp_path: Path, case: str) -> None:
    given_, told = REFUSED[case]
    with pytest.raises((DataError, BadParameter), match=told):
        accuracy(tmp_path, **given_)
    assert not list(tmp_path.iterdir())


def test_a_silent_network_is_never_right() -> None:
    data = load_small("iris")
    unknown = torch.full_like(data.test_y, -1)
    silent = torch.full_like(data.test_x, math.inf)
    parts = (data.features, data.classes, "mine", data.encoding)
    with pytest.raises(DataError, match="test_y: row 0 is -1"):
        Dataset(data.train_x, data.train_y, silent, unknown, *parts)
    with pytest.raises(DataError, match=r"test_x: row 0, column 0 is 2, .*math\.inf"):
        Dataset(data.train_x, data.train_y, torch.full_like(silent, 2.0), data.test_y, *parts)
    kept = Dataset(data.train_x, data.train_y, silent, data.test_y, *parts)
    network = variant_options("pnn", preset("sky130_tt"), (5, 5, 3)).build()
    assert exact_accuracy(network, kept.test_x, kept.test_y) == 0.0
    with pytest.raises(DataError, match="label: row 0 is -1"):
        exact_accuracy(network, silent, unknown)
    meter = EpochMeter()
    meter.add_firings(
        [Firing(torch.zeros(2, 3), torch.ones(2, 3))], torch.tensor([-1, 0]), torch.tensor([-1, 0])
    )
    assert meter.correct == 1


def test_rounding_of_a_scaled_feature_is_held_in_the_phase() -> None:
    found = Encoding(bias=False).encode([[1.0000000000000002, -1e-17], [0.5, 0.0]])
    assert found.tolist() == [[1.0, 0.0], [0.5, 0.0]]


def test_names_and_measured_numbers_of_a_model(paper_model: PhysicalModel) -> None:
    assert Discharger(paper_model.discharge_norm) == Discharger(0.155)  # type: ignore[arg-type]
    assert Discharger(np.float32(0.0)) == Discharger()  # type: ignore[arg-type]
    for wrong in ("0.1", math.nan, None, estimate(2.0, 0.0, "1"), True):
        with pytest.raises(BadParameter, match="discharger b"):
            Discharger(wrong)  # type: ignore[arg-type]
    with pytest.raises(BadParameter, match="variant = 'pnm': choose one of ann, pnn, bottom_up"):
        variant_options("pnm", paper_model, (5, 5))  # type: ignore[arg-type]
    with pytest.raises(BadParameter, match=r"model is 'sky130_tt': give a .*PhysicalModel"):
        variant_options("pnn", "sky130_tt", (5, 5))  # type: ignore[arg-type]
    for sizes, told in (
        ((5, 0), r"layer_sizes\[1\] = 0"),
        ((5, 10**9), "at most 65536"),
        ((65536, 65536, 5), "4295294976 weights"),
        ((5,), "has 1 sizes"),
        ("55", "layer_sizes = '55'"),
        (5, "layer_sizes = 5"),
        ((5.5, 5), r"layer_sizes\[0\] = 5.5"),
    ):
        with pytest.raises(BadParameter, match=told):
            variant_options("bottom_up", paper_model, sizes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("batch_size", 1e25),
        ("batch_size", 0),
        ("epochs", 0),
        ("epochs", 1e25),
        ("learning_rate", math.nan),
        ("learning_rate", math.inf),
        ("seed", -1),
        ("seed", 2**63),
        ("log_every", 1e25),
        ("checkpoint_every_s", math.inf),
        ("firing_promotion", math.inf),
        ("devices", 10**9),
    ],
)
def test_training_options_out_of_range(key: str, value: float) -> None:
    with pytest.raises(ValueError, match=key):
        TrainingOptions(**{key: value})


def test_a_layer_takes_other_precisions_and_names_its_axons() -> None:
    t = torch.rand(4, 5, dtype=torch.float64)
    for layer in (RCSpikeLinear(5, 3, PAPER), TTFSLinear(5, 3, PAPER)):
        single, double = layer(t.float())[0], layer(t)[0]
        assert double.dtype == torch.float32
        assert torch.equal(single, double)
        assert torch.equal(layer(t.numpy())[0], double)
        assert torch.equal(layer.double()(t.float())[0], layer.double()(t.float().double())[0])
        with pytest.raises(BadParameter, match=r"need spike_time \[B, 5\], got shape \[4, 4\]"):
            layer(t[:, :4])
    images = torch.rand(2, 1, 4, 4, dtype=torch.float64)
    for convolution in (RCSpikeConv2d(1, 2, 3, PAPER), TTFSConv2d(1, 2, 3, PAPER)):
        assert torch.equal(convolution(images)[0], convolution(images.float())[0])
        with pytest.raises(BadParameter, match=r"need spike_time \[B, 1, H, W\]"):
            convolution(images[0])
        with pytest.raises(BadParameter, match="smaller than the kernel 3"):
            convolution(images[..., :2])


def test_a_network_refuses_what_is_no_time() -> None:
    network = variant_options("pnn", preset("sky130_tt"), (5, 4, 3)).build()
    t = torch.rand(3, 5)
    assert torch.equal(network.predict_times(t.tolist())[-1], network.predict_times(t.numpy())[-1])  # type: ignore[arg-type]
    t[2, 1] = math.nan
    for ask in (network.predict, network.predict_times, network.membrane_range):
        with pytest.raises(DataError, match="spike_time: row 2, column 1 is nan"):
            ask(t)


@pytest.mark.parametrize(
    ("label", "told"),
    [
        (torch.tensor([0, -100]), "label: row 1 is -100"),
        (torch.tensor([0, 3]), "label: row 1 is 3"),
        (torch.tensor([0]), "1 labels for 2 samples"),
        (torch.tensor([0, 1], dtype=torch.int32), "int64"),
        ([0, 1], "int64"),
    ],
)
def test_losses_name_the_label(label: Any, told: str) -> None:
    time = torch.rand(2, 3, requires_grad=True)
    with pytest.raises((DataError, BadParameter), match=told):
        first_to_fire(time, label, 0.07)
    options = TrainingOptions().loss.model_copy(update={"window": 1.0})
    with pytest.raises((DataError, BadParameter), match=told):
        training_loss([Firing(time, time)], label, [time], options, 3)
    with pytest.raises(BadParameter, match="classes = 4 of 3 outputs"):
        training_loss([Firing(time, time)], label, [time], options, 4)


def test_paths_are_text_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert accuracy("here") == pytest.approx(BASELINE)  # type: ignore[arg-type]
    assert (tmp_path / "here/weights.safetensors").is_file()
    for wrong, told in (
        (5, "folder = 5"),
        ("", "folder = ''"),
        ("here/metrics.csv", "is a file"),
        ("a\0b", "folder"),
    ):
        with pytest.raises(BadParameter, match=told):
            accuracy(wrong)  # type: ignore[arg-type]


ANY = arrays.arrays(
    st.sampled_from(
        [np.float64, np.float32, np.float16, np.int64, np.uint8, np.bool_, np.complex64, object, "U3"]
    ),
    arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6),
)
NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(ANY | NESTED, ANY | NESTED, st.integers() | NESTED, st.integers(-1, 6) | NESTED)
def test_anything_ends_in_a_data_set_or_a_declared_exception(
    x: Any, y: Any, features: Any, classes: Any
) -> None:
    encoding = Encoding()
    for ask in (
        lambda: encoding.encode(x),
        lambda: Dataset(x, y, x, y, features, classes, "any", encoding),
        lambda: Discharger(x),
        lambda: first_to_fire(torch.rand(3, 3), y, 0.07),
    ):
        with suppress(PnnError):
            ask()


@settings(max_examples=60, deadline=None)
@given(
    arrays.arrays(
        np.float32, arrays.array_shapes(min_dims=1, max_dims=4, max_side=5), elements=st.floats(width=32)
    ),
    arrays.arrays(np.int64, st.integers(0, 6), elements=st.integers(-2, 4)),
)
def test_any_input_of_a_network_ends_in_numbers_or_a_declared_exception(x: np.ndarray, y: np.ndarray) -> None:
    network = variant_options("pnn", preset("sky130_tt"), (4, 3, 2)).build()
    for ask in (
        lambda: network.predict_times(x),
        lambda: network.predict(x),
        lambda: network(x),
        lambda: exact_accuracy(network, x, y),
    ):
        with suppress(PnnError):
            ask()


def test_chips_are_asked_for_samples_with_labels(paper_model: PhysicalModel) -> None:
    network = variant_options("pnn", paper_model, (5, 4, 3)).build()
    with pytest.raises(DataError, match="label: row 0 is -1"):
        chip_accuracy(network, torch.rand(1, 5), torch.tensor([-1]), None, chips=1, seed=0)  # type: ignore[arg-type]
