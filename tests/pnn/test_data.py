"""Data sets as spike times."""

from __future__ import annotations

import pytest
import torch

from nonideal.pnn import DataError, Encoding, load_small


def test_iris_as_in_the_paper() -> None:
    data = load_small("iris", seed=3)
    assert (data.features, data.classes) == (5, 3)
    assert data.train_x.shape == (100, 5)
    assert data.test_x.shape == (50, 5)
    assert not data.train_x[:, 4].any()
    assert data.train_x[:, :4].amin(0).tolist() == [0.0] * 4
    assert data.train_x[:, :4].amax(0).tolist() == [1.0] * 4
    assert float(data.test_x.min()) >= 0.0
    assert float(data.test_x.max()) <= 1.0
    assert sorted(torch.bincount(data.test_y).tolist()) == [16, 17, 17]


@pytest.mark.parametrize(
    ("name", "features", "classes"), [("wine", 14, 3), ("breast_cancer", 31, 2), ("digits", 65, 10)]
)
def test_other_sets(name: str, features: int, classes: int) -> None:
    data = load_small(name, test_samples=40)
    assert (data.features, data.classes) == (features, classes)
    data.check_fits((features, 3, classes))


def test_split_follows_the_seed() -> None:
    first, again, other = (load_small("iris", seed=s) for s in (0, 0, 1))
    assert torch.equal(first.test_x, again.test_x)
    assert not torch.equal(first.test_x, other.test_x)


def test_encodings() -> None:
    x = torch.tensor([[0.0, 0.25]])
    assert Encoding().encode(x).tolist() == [[0.0, 0.25, 0.0]]
    assert Encoding(time="inverted", bias=False).encode(x).tolist() == [[1.0, 0.75]]


def test_sizes_that_do_not_fit_are_named() -> None:
    data = load_small("wine", test_samples=40)
    with pytest.raises(DataError, match=r"13 features \+ 1 bias axon = 14.*begin with 5"):
        data.check_fits((5, 5, 5))
    with pytest.raises(DataError, match="3 classes"):
        data.check_fits((14, 5, 2))
    with pytest.raises(DataError, match="iris"):
        load_small("irsi")
    with pytest.raises(DataError, match="test_samples = 149"):
        load_small("iris", test_samples=149)
