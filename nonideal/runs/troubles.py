"""What did not go as it should in a run directory, though its stages ended: decks that were tried again, samples that failed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class FailedSample:
    """A sample without a simulated result, and where its log lies (relative to the run directory)."""

    mapping: str
    sample: int
    log: str
    last_words: str


@dataclass(frozen=True, slots=True)
class Retry:
    """A deck that did not run as given: the ladder's rungs that were tried, in order."""

    stage: str
    deck: str
    rungs: tuple[str, ...]


def retries(path: Path, stages: Iterable[str]) -> tuple[Retry, ...]:
    """The ladder leaves ``<deck>+<rung>.cir`` beside the deck for every rung it tried."""
    found: list[Retry] = []
    for stage in stages:
        rungs: dict[str, list[Path]] = {}
        decks = path / stage / "decks"
        for file in sorted(decks.rglob("*+*.cir")):
            rungs.setdefault(str(file.relative_to(decks)).partition("+")[0], []).append(file)
        for deck, files in rungs.items():
            ordered = sorted(files, key=lambda file: file.stat().st_mtime)
            found.append(Retry(stage, deck, tuple(file.stem.partition("+")[2] for file in ordered)))
    return tuple(found)


def failed_samples(path: Path, spikes: pd.DataFrame | None) -> tuple[FailedSample, ...]:
    """The samples of a validation without a result, ``spikes`` being its table."""
    if spikes is None:
        return ()
    rows = spikes.loc[spikes["kind"] == "failed", ["mapping", "sample"]].drop_duplicates()
    found = []
    for mapping, sample in rows.itertuples(index=False):
        deck = f"{mapping}_{int(sample):04d}"
        decks = path / "validation" / "decks"
        logs = [*decks.glob(f"{deck}.log"), *decks.glob(f"{deck}+*.log")]
        log = max(logs, key=lambda file: file.stat().st_mtime, default=None)
        where = str(log.relative_to(path)) if log else f"validation/decks/{deck}.cir (it left no log)"
        found.append(FailedSample(str(mapping), int(sample), where, _last_words(log)))
    return tuple(found)


def _last_words(log: Path | None) -> str:
    """The last line of a log that says something."""
    if log is None:
        return ""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    return next((line[:160] for line in reversed(lines) if line), "")
