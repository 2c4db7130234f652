"""Commands as functions, for names of the package itself (``nonideal.measure``, ``nonideal.write_netlist``)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nonideal.characterize.model import PhysicalModel
    from nonideal.runs.summaries.netlist import NetlistSummary


def measure(
    experiment: str | Path,
    *,
    run_dir: str | Path | None = None,
    corner: str | None = None,
    jobs: int | None = None,
    characterize_on: str | None = None,
) -> PhysicalModel:
    """The physical model of an experiment's circuit, characterised in ngspice: what `nonideal characterize` does, and its result.

    Results that stand in the run directory (default: ``runs/<experiment>``) are read, not made again. ``characterize_on``: schematic, pex-c or
    pex-rc. Raises ``ExperimentError``, ``BadOption``, ``PdkMissing``, ``SimulatorMissing``, ``FitRefused``, ``CharacterizationFailed``.

        model = nonideal.measure("iris", jobs=2)
        print(model.positive.lambda_per_V.value, 1 / model.beta_positive)    # 1/V; E_rev+ in V_th
    """
    from nonideal.characterize.model import PhysicalModel
    from nonideal.cli.session import session
    from nonideal.experiment.errors import BadOption

    if corner is not None and "," in corner:
        raise BadOption(f"corner = {corner!r}: a model is of one corner")
    with session(
        experiment, run_dir=run_dir, corner=corner, jobs=jobs, characterize_on=characterize_on
    ) as opened:
        opened.characterize()
        return PhysicalModel.load(opened.at(opened.corners[0])[1].model)


def write_netlist(
    weights: str | Path,
    out: str | Path,
    *,
    model: str | Path = "sky130_tt",
    experiment: str | Path = "iris",
    clip: bool = False,
    overwrite: bool = False,
) -> NetlistSummary:
    """Any file of weights as a SPICE network at ``out``, with its mapping, its pins and a deck that runs it beside it.

    ``model``: a file, or a name such as sky130_tt; ``experiment`` says the circuit. Weights outside the realisable range are refused, or clipped
    and counted. Raises ``BadOption`` (a file that is there already, without ``overwrite``), ``Mismatched``, ``MappingError``.

        nonideal.write_netlist("trained/iris/weights.safetensors", "network.spice", clip=True)
    """
    from nonideal.cli.own_files import write_given

    return write_given(
        str(experiment),
        weights=Path(weights),
        out=Path(out),
        model=Path(model),
        run_dir=None,
        corner=None,
        clip=clip,
        force=overwrite,
    )
