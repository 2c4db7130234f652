"""Where named experiments lie. Imports nothing heavy: completion asks it at every press of the tab key."""

from __future__ import annotations

from pathlib import Path

FOLDER = "experiments"


def shipped() -> Path:
    """The folder of the experiments that come with the package."""
    return Path(__file__).resolve().parent.parent / FOLDER


def folders() -> tuple[Path, ...]:
    """Where an experiment is looked for by its name: here first, then beside the package."""
    return (Path(FOLDER), shipped())


def known_experiments(places: tuple[Path, ...] | None = None) -> list[str]:
    """The names of all experiments in ``places`` (None: ``folders()``), in order."""
    return sorted({path.stem for place in (places or folders()) for path in place.glob("*.toml")})
