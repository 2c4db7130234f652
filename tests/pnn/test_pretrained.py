"""Networks that ship: they are what their recipes say, and reach it."""

from __future__ import annotations

import pytest
import torch

from nonideal.pnn import (
    DataError,
    load_header,
    load_network,
    load_pretrained,
    pretrained_names,
    pretrained_path,
)
from nonideal.pnn.accuracies import exact_accuracy
from nonideal.pnn.pretrained import RECIPES


@pytest.mark.parametrize("name", RECIPES)
def test_it_reaches_what_its_recipe_records(name: str) -> None:
    recipe, network, data = RECIPES[name], load_pretrained(name), RECIPES[name].dataset()
    assert exact_accuracy(network, data.train_x, data.train_y) == pytest.approx(
        recipe.train_accuracy, abs=1e-12
    )
    assert exact_accuracy(network, data.test_x, data.test_y) == pytest.approx(recipe.test_accuracy, abs=1e-12)


@pytest.mark.parametrize("name", RECIPES)
def test_its_file_was_made_by_its_recipe(name: str) -> None:
    recipe, header = RECIPES[name], load_header(pretrained_path(name))
    known = header.provenance
    assert header.network == recipe.network().model_copy(update={"classes": recipe.layer_sizes[-1]})
    assert (known.variant, known.seed, known.epochs) == (
        recipe.variant,
        recipe.training.seed,
        recipe.training.epochs,
    )
    assert (known.dataset, known.encoding, known.model_sha256) == (
        recipe.data,
        recipe.encoding,
        f"preset {recipe.preset}",
    )
    assert known.origin is not None
    assert known.origin.split == (recipe.split_seed, recipe.test_samples)
    assert pretrained_path(name).stat().st_size < 50_000
    found = load_network(pretrained_path(name)).state_dict()
    assert all(torch.equal(value, found[key]) for key, value in load_pretrained(name).state_dict().items())


def test_an_unknown_one_lists_the_names() -> None:
    assert pretrained_names() == ["digits", "iris"]
    with pytest.raises(DataError, match="unknown pretrained network 'mnist': choose one of digits, iris"):
        load_pretrained("mnist")
