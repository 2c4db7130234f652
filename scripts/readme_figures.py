"""The README's pictures from a run directory: ``.venv/bin/python scripts/readme_figures.py runs/iris docs``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from nonideal.characterize.plots import style
from nonideal.report.panels import timeline_of
from nonideal.report.spike_figures import error_histograms
from nonideal.report.waveform_figure import layers_of, waveforms
from nonideal.runs.results import load_results


def main(run: Path, docs: Path) -> None:
    """Write error-histogram.png, waveforms.png and layout.png."""
    results = load_results(run)
    if results.spikes is None or results.validation is None or results.model is None:
        sys.exit(f"{run} has no validation: run `make reproduce` first")
    with style():
        rmse_s = {name: row["spike_time_rmse_s"]["output"] for name, row in results.validated.items()}
        error_histograms(results.spikes, rmse_s).savefig(
            docs / "error-histogram.png", dpi=130, bbox_inches="tight"
        )
        table = results.waveforms["pnn"]
        waveforms(table, results.model, timeline_of(results, len(layers_of(table)))).savefig(
            docs / "waveforms.png", dpi=110, bbox_inches="tight"
        )
    picture = run / "layout" / "layout.png"
    if picture.is_file():
        shutil.copyfile(picture, docs / "layout.png")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: readme_figures.py RUN_DIRECTORY FOLDER")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
