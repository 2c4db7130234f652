"""Samples drawn by class: balanced, nested, and all of them in their order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nonideal.pnn import load_small
from nonideal.pnn.draw import drawn_by_class


def test_five_samples_of_iris_are_of_all_classes() -> None:
    labels = load_small("iris").test_y
    assert labels[:5].tolist() == [2, 0, 2, 0, 2]
    assert labels[drawn_by_class(labels, 5)].tolist() == [2, 0, 2, 0, 1]
    assert drawn_by_class(labels, 50).tolist() == list(range(50))


@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=40), count=st.integers(1, 50))
def test_classes_are_as_even_as_they_can_be(labels: list[int], count: int) -> None:
    y = np.array(labels)
    chosen = drawn_by_class(y, count)
    assert len(set(chosen.tolist())) == len(chosen) == min(count, len(y))
    assert chosen.tolist() == sorted(chosen.tolist())
    counts = {name: int((y[chosen] == name).sum()) for name in set(labels)}
    most = max(counts.values())
    assert all(n >= most - 1 or n == labels.count(name) for name, n in counts.items())
    assert set(drawn_by_class(y, count - 1).tolist()) <= set(chosen.tolist())
