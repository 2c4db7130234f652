"""Train the networks that ship with the package anew, by their recipes, and say what they reach.

.venv/bin/python scripts/pretrained.py [NAME ...]    # writes pnn/pretrained/NAME.safetensors; a minute or two each
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import torch

from nonideal.pnn.pretrained import RECIPES
from nonideal.pnn.trainer import train

PLACE = Path(__file__).resolve().parent.parent / "pnn" / "pretrained"


def main(names: list[str]) -> None:
    """Train; accuracies go into the recipes by hand."""
    torch.set_num_threads(1)
    for name in names or sorted(RECIPES):
        recipe = RECIPES[name]
        with tempfile.TemporaryDirectory() as folder:
            result = train(
                recipe.dataset(), recipe.network(), recipe.training, folder, variant=recipe.variant,
                model_sha256=f"preset {recipe.preset}",
            )  # fmt: skip
            shutil.copyfile(result.weights_path, PLACE / f"{name}.safetensors")
        print(
            f"{name}: train_accuracy={result.train_accuracy!r}, test_accuracy={result.test_accuracy!r}, {result.seconds:.0f} s"
        )
        print(f"  largest weights {result.largest_weight}, membranes {result.membrane_range}")


if __name__ == "__main__":
    main(sys.argv[1:])
