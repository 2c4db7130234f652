"""What is told of trainings, as ``training/summary.json`` holds it."""

from __future__ import annotations

from nonideal.files.record import Record
from nonideal.pnn.scaling import Origin


class SeedSummary(Record):
    """One training of a variant. Accuracies as fractions of 1; ``conditions``: accuracy by condition that it saw, home first.

    ``membrane_range_norm``: lowest and highest membrane potential by layer, in V_th below V_0; ``largest_weight``: magnitude by layer.
    ``full_scale``: weight of the largest code by layer, of weights that are codes.
    """

    conditions: dict[str, float] | None = None
    seed: int
    test_samples: int | None = None
    train_accuracy: float | None = None
    test_accuracy: float
    membrane_range_norm: tuple[tuple[float, float], ...] | None = None
    largest_weight: tuple[float, ...] | None = None
    full_scale: tuple[float, ...] | None = None
    epochs: int | None = None


class VariantSummary(Record):
    """A variant over its seeds; the first seed is the one that goes to silicon. ``conditions``: medians of accuracy by condition."""

    test_accuracy_median: float
    test_accuracy_first_seed: float
    conditions: dict[str, float] | None = None
    seeds: tuple[SeedSummary, ...]

    @property
    def test_accuracy_span(self) -> tuple[float, float]:
        """Of the worst and of the best seed, on held-out samples."""
        found = [seed.test_accuracy for seed in self.seeds]
        return min(found), max(found)


class TrainingSummary(Record):
    """All variants, tested on ``test_samples`` held-out samples. ``data``: from which files; None for the sets that have names."""

    data_set: str
    data: Origin | None = None
    test_samples: int
    variants: dict[str, VariantSummary]
