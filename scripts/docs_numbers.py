"""Fill the marked places of README.md and docs/ with numbers from results files.

    .venv/bin/python scripts/docs_numbers.py                   # from docs/numbers/*.json and bench/*.json, as they lie there
    .venv/bin/python scripts/docs_numbers.py --run runs/iris   # first take numbers and pictures of a finished run of `make reproduce`

A place is what lies between ``<!-- numbers: NAME -->`` and ``<!-- end -->``; the names, their files and what is made of them are in
``docs_tables.BLOCKS``. A test holds every place against its file.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docs_tables import BLOCKS

from nonideal.files import read_json, read_text, write_json, write_text

ROOT = Path(__file__).resolve().parents[1]
NUMBERS = Path("docs/numbers/iris.json")
STAGES = ("columns", "characterization", "training", "netlist", "layout", "validation")
PLACE = re.compile(r"(<!-- numbers: (.+?) -->\n)(.*?)(<!-- end -->)", re.S)


def pages(root: Path) -> Iterator[Path]:
    """Every file that may hold marked places."""
    yield root / "README.md"
    yield from sorted((root / "docs").rglob("*.md"))


def filled(text: str, root: Path) -> str:
    """A page with its marked places filled. Raises ``KeyError`` for a name that is not in the table."""

    def fill(place: re.Match[str]) -> str:
        file, render = BLOCKS[place[2]]
        return f"{place[1]}\n{render(read_json(root / file))}\n\n{place[4]}"

    return PLACE.sub(fill, text)


def taken(run: Path) -> dict[str, Any]:
    """What the documentation tells of a whole run, in SI units. Raises ``FileNotFoundError`` where the run is not whole."""

    def read(name: str) -> Any:
        if not (run / name).is_file():
            raise FileNotFoundError(f"{run / name} is not there: run `make reproduce` first")
        return read_json(run / name)

    summary, model, layout = (
        read("validation/summary.json"),
        read("characterization/model.json"),
        read("layout/manifest.json")["summary"],
    )
    manifests = {stage: read(f"{stage}/manifest.json") for stage in STAGES}
    validations = {summary["netlist"]: summary}
    compared = (run / "validation" / "schematic" / "summary.json").is_file()
    if compared:
        validations = {"schematic": read("validation/schematic/summary.json")} | validations
    drop = model["v_0_V"]["value"] - model["v_switch_V"]["value"]
    lambdas = [model[branch]["lambda_per_V"]["value"] for branch in ("positive", "negative")]
    return {
        "command": 'make reproduce ARGS="--compare paper"' if compared else "make reproduce",
        "date": manifests["validation"]["started"][:10],
        "versions": manifests["layout"]["versions"] | manifests["validation"]["versions"],
        "experiment": summary["experiment"],
        "samples": summary["samples"],
        "netlist": summary["netlist"],
        "corner": summary["corner"],
        "sidewall": layout["extraction"]["sidewall"],
        "validation": {kind: _validation(found) for kind, found in validations.items()},
        "model": {
            "lambda_per_V": [*lambdas, model["lambda_dis_per_V"]["value"]],
            "e_rev": [1 / (lambdas[0] * drop), -1 / (lambdas[1] * drop)],
            "v_switch_V": model["v_switch_V"]["value"],
            "vdis_V": model["vdis_V"],
            "firing_rms_s": float(model["provenance"]["firing_rms_s"]),
        },
        "layout": {key: layout[key] for key in ("width_um", "height_um", "devices", "drc_violations", "drc_rules", "lvs_matched")}
        | {key: layout["extraction"][key] for key in ("resistors_extracted", "capacitors_extracted", "resistors", "capacitors")},
        "training": {name: row["test_accuracy_median"] for name, row in read("training/summary.json")["variants"].items()},
        "seconds": {stage: round(found["seconds"], 1) for stage, found in manifests.items()},
    }  # fmt: skip


def _validation(summary: dict[str, Any]) -> dict[str, Any]:
    mappings = {
        name: {
            "output_s": row["spike_time_rmse_s"]["output"],
            "hidden_s": row["spike_time_rmse_s"]["hidden"],
            "used_s": row["spike_time_rmse_used_outputs_s"],
            "mean_s": row["spike_time_mean_error_s"]["output"],
            "missed": row["missed_spikes"],
            "extra": row["extra_spikes"],
            "failed": row["failed_samples"],
            "accuracy_model": row["accuracy_model"],
            "accuracy_spice": row["accuracy_spice"],
            "scale": row["current_scale"],
            "energy_J": row["energy_per_inference_J"],
            "cut_s": None if not row.get("cut_error") else row["cut_error"]["max_s"],
        }
        for name, row in summary["mappings"].items()
    }
    return {
        "mappings": mappings,
        "floor_s": summary["numerical_floor_s"],
        "seconds_per_sample": summary["seconds_per_sample"],
    }


def main(arguments: list[str] | None = None, root: Path = ROOT) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, help="a finished run directory of `make reproduce`")
    asked = parser.parse_args(arguments)
    if asked.run is not None:
        from docs_figures import draw

        try:
            write_json(root / NUMBERS, taken(asked.run))
        except FileNotFoundError as error:
            sys.exit(str(error))
        draw(asked.run, root / "docs" / "figures")
    for page in pages(root):
        text = read_text(page)
        if (new := filled(text, root)) != text:
            write_text(page, new)
            print(page.relative_to(root))


if __name__ == "__main__":
    main()
