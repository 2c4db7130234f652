"""Physical models that ship with the package: train without a PDK and without SPICE.

Each file is a ``model.json`` as characterisation writes it; its provenance names PDK and simulator. ``scripts/preset.py`` remakes
``sky130_tt``, with columns of 5, 10 and 16 axons on the schematic.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from nonideal.characterize.model import PhysicalModel
from nonideal.pnn.errors import DataError


def preset_names() -> list[str]:
    """The presets there are, sorted.

    Example:

        print(nonideal.pnn.preset_names())    # ['sky130_tt']
    """
    files = resources.files(__name__).iterdir()
    return sorted(file.name.removesuffix(".json") for file in files if file.name.endswith(".json"))


def preset_path(name: str) -> Path:
    """The file of a preset."""
    return Path(str(resources.files(__name__) / f"{name}.json"))


def preset(name: str = "sky130_tt") -> PhysicalModel:
    """The physical model of a preset. Raises ``DataError`` that lists the names for an unknown one.

    Example:

        model = nonideal.preset("sky130_tt")
        print(model.v_th_V, model.positive.lambda_per_V)
    """
    if not isinstance(name, str) or name not in preset_names():
        raise DataError(f"unknown preset {name!r}: choose one of {', '.join(preset_names())}")
    return PhysicalModel.model_validate_json(
        (resources.files(__name__) / f"{name}.json").read_text(encoding="utf-8")
    )
