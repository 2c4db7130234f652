"""The documentation's pictures of a run directory; ``docs_numbers.py --run`` draws them."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from nonideal.characterize.plots import style
from nonideal.report.diagrams import circuit
from nonideal.report.panels import timeline_of
from nonideal.report.spike_figures import error_histograms
from nonideal.report.waveform_figure import layers_of, waveforms
from nonideal.runs.results import load_results

PLOTS = ("iv_families", "lambda_against_current", "firing")
"""Pictures of the characterisation that explain the physics."""
LOOK = """<style>
text { font: 12px sans-serif; fill: #1f2328 } .s { text-anchor: middle; fill: #656d76 } .e { text-anchor: end } .l { text-anchor: start }
.h { text-anchor: middle; font-weight: bold } .wire, .heavy, .rail, .box { fill: none; stroke: #1f2328; stroke-width: 1.4 }
.heavy { stroke-width: 3 } .rail { stroke: #00795a; stroke-width: 2.4 } .dot { fill: #1f2328 }
</style><rect width="100%" height="100%" fill="white"/>"""


def draw(run: Path, folder: Path) -> None:
    """Write all pictures. Raises ``FileNotFoundError`` where the run is not whole."""
    draw_circuit(run, folder)
    draw_spikes(run, folder)


def draw_spikes(run: Path, folder: Path) -> None:
    """Errors of spike times, and the waveforms of ``bottom_up``."""
    results = load_results(run)
    if results.spikes is None or results.validation is None or results.model is None:
        raise FileNotFoundError(f"{run} has no validation: run `make reproduce` first")
    with style():
        rmse_s = {name: row.spike_time_rmse_s.output for name, row in results.validated.items()}
        error_histograms(results.spikes, rmse_s).savefig(
            folder / "error-histogram.png", dpi=130, bbox_inches="tight", facecolor="white"
        )
        table = results.waveforms["bottom_up"]
        waveforms(table, results.model, timeline_of(results, len(layers_of(table)))).savefig(
            folder / "waveforms.png", dpi=110, bbox_inches="tight", facecolor="white"
        )


def draw_circuit(run: Path, folder: Path) -> None:
    """The circuit, what its characterisation measured, and the layout: on white, since pages may be dark."""
    (folder / "circuit.svg").write_text(circuit_picture(), encoding="utf-8")
    plots = run / "characterization" / "plots"
    for name in PLOTS:
        on_white(plots / f"{name}.png", folder / f"{name.replace('_', '-')}.png")
    on_white(run / "layout" / "layout.png", folder / "layout.png")


def circuit_picture() -> str:
    """The report's drawing of the circuit as a file of its own (SVG)."""
    picture = str(circuit()).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    head, end, body = picture.partition("</title>")
    return f"{head}{end}{LOOK}{body}\n"


def on_white(source: Path, target: Path) -> None:
    """A picture without its transparency, in 256 colours."""
    picture = Image.open(source).convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    Image.alpha_composite(white, picture).convert("RGB").quantize(256).save(target, optimize=True)
