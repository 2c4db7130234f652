"""The figures of docs/results/training.md on MNIST, and their numbers in CSV beside them.

    .venv/bin/python scripts/training_figures.py --mnist FOLDER [--out docs/figures] [--only NAME] [--tiny]

Rows are kept as they are measured: a restart goes on, and with complete CSV files only draws. Remove a CSV file to
measure anew (on another machine: cost.csv). One thread; about 20 CPU minutes for all.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from figures import cost, error, reversal, steps
from figures.setting import FULL, TINY
from matplotlib.figure import Figure

from nonideal.characterize.plots import style
from nonideal.files import written_whole
from nonideal.pnn import kernel_name, load_images

FIGURES = {"error": error, "cost": cost, "steps": steps, "reversal": reversal}
OUT = Path(__file__).resolve().parents[1] / "docs" / "figures"


def save(figure: Figure, path: Path) -> None:
    """Write a picture whole or not at all."""
    with written_whole(path) as part:
        figure.savefig(part, format="png", dpi=130, facecolor="white")
    print(path, flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mnist", type=Path, required=True, help="folder with the four MNIST files")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for pictures and CSV (docs/figures)")
    parser.add_argument("--only", choices=FIGURES, help="one figure")
    parser.add_argument(
        "--tiny", action="store_true", help="a few seconds' worth of points, to try the script"
    )
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(f"kernel: {kernel_name()}", flush=True)
    data = load_images("mnist", options.mnist)
    setting = TINY if options.tiny else FULL
    for name in [options.only] if options.only else FIGURES:
        figure = FIGURES[name]
        table = figure.measure(options.out / f"{name}.csv", setting, data)
        with style():
            save(figure.draw(table.frame()), options.out / f"{name}.png")


if __name__ == "__main__":
    main()
