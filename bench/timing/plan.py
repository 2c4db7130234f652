"""What is to be timed."""

from __future__ import annotations

from dataclasses import dataclass

from timing.images import Images


@dataclass(frozen=True, slots=True)
class Plan:
    """The images to train on, the rounds of a row, and which rows: those whose name holds ``only``."""

    images: Images
    rounds: int
    only: str = ""

    def wants(self, name: str) -> bool:
        """Whether a row is to be timed."""
        return self.only in name
