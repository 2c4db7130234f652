"""The Python of the guides runs."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
import torch

import nonideal
import nonideal.pnn

ROOT = Path(__file__).parents[2]


def code_of(page: str) -> str:
    """A page as it is written."""
    return (ROOT / page).read_text(encoding="utf-8")


def snippet(page: str, first: str) -> str:
    """The indented block that begins with this line."""
    lines = code_of(page).splitlines()
    start = lines.index(f"    {first}")
    block = []
    for line in lines[start:]:
        if line and not line.startswith("    "):
            break
        block.append(line[4:])
    return "\n".join(block)


def run(code: str, page: str, names: dict[str, object]) -> dict[str, object]:
    """Run a page's code on few epochs, and return its names."""
    few = (
        code.replace("epochs=300", "epochs=20")
        .replace("epochs=100", "epochs=20")
        .replace("TrainingOptions(seed=0)", "TrainingOptions(seed=0, epochs=20)")
    )
    assert "epochs=20" in few
    exec(compile(ast.parse(few), page, "exec"), names)
    return names


@pytest.mark.parametrize(
    ("page", "first"),
    [("docs/how-to/train.md", "from pathlib import Path"), ("README.md", "import nonideal")],
)
def test_a_snippet_trains(page: str, first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(snippet(page, first), page, {})
    assert list(tmp_path.rglob("weights.safetensors"))


def test_the_trainers_tutorial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = "docs/tutorials/trainer.md"
    monkeypatch.chdir(tmp_path)
    code = snippet(page, "import nonideal")
    assert sum(1 for line in code.splitlines() if line.strip()) <= 24
    names = run(code, page, {})
    run(snippet(page, 'ideal = nonideal.variant_options("ann", silicon, (14, 8, 3))'), page, names)
    saved = next(line for line in code_of(page).splitlines() if line.strip().startswith("np.savez("))
    exec(saved.strip(), names)
    told = capsys.readouterr().out
    assert "test samples; first outputs: [" in told
    assert "ns rms" in told
    assert (tmp_path / "mine.npz").is_file()


def test_the_guides_to_layers_and_nir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nir", reason="the extra nir is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(mpl.rcParams, "backend", "agg")
    names: dict[str, Any] = {
        "nonideal": nonideal,
        "torch": torch,
        "nn": torch.nn,
        "label": torch.arange(32) % 10,
    }
    names |= {name: getattr(nonideal.pnn, name) for name in nonideal.pnn.__all__}
    layers = "docs/how-to/layers.md"
    for first in (
        'silicon = nonideal.preset("sky130_tt")                    # or nonideal.PhysicalModel.load("model.json")',
        "network = nn.Sequential(",
    ):
        exec(snippet(layers, first), names)
    assert names["firing"].unclipped.shape == (32, 10)
    names |= {
        "x": torch.rand(5, 5),
        "network": nonideal.RCSpikeNetwork((5, 4, 3), nonideal.pnn.Reversal.ideal()),
    }
    drawn = 'ax = plot_spikes([x, *network.predict_times(x)], sample=3, names=["axons", "hidden", "outputs"])'
    exec(snippet(layers, drawn).rsplit("\n", 2)[0], names)
    nir = "docs/how-to/nir.md"
    exec(snippet(nir, "from nonideal.pnn import load_nir, save_nir, start_from_nir"), names)
    (tmp_path / "network.nir").rename("other.nir")
    exec(snippet(nir, 'reversal = Reversal.from_model(nonideal.preset("sky130_tt"))'), names)
    assert names["network"].linear_layers[0].discharger.b > 0.1
