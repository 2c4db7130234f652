"""What was simulated of a column: one result, or those of its accumulation and its firing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nonideal.circuits.network.wave import Wave
from nonideal.spice import Result


@dataclass(frozen=True, slots=True)
class SimulatedColumn:
    """A column's results: one, or that of its accumulation and that of its firing, each with the time at which it begins."""

    parts: tuple[tuple[float, Result], ...]

    def wave(self, node: str) -> Wave:
        """A node's wave on the column's clock."""
        waves = [wave_of(result, node).shifted(start_s) for start_s, result in self.parts]
        # Each begins with what the one before ended with.
        early = waves[:-1]
        return Wave(
            np.concatenate([*(wave.time_s[:-1] for wave in early), waves[-1].time_s]),
            np.concatenate([*(wave.value[:-1] for wave in early), waves[-1].value]),
        )

    def early(self, node: str, until_s: float) -> Wave:
        """A node's wave until then, which lies in the first part."""
        wave = wave_of(self.parts[0][1], node)
        inside = wave.time_s <= until_s
        return Wave(wave.time_s[inside], wave.value[inside])

    def fired(self, node: str) -> Wave:
        """A node's wave in the last part."""
        start_s, result = self.parts[-1]
        return wave_of(result, node).shifted(start_s)


def wave_of(result: Result, node: str) -> Wave:
    """A node's wave, V, on the clock of the result."""
    return Wave(result.axis, np.asarray(result[f"v({node})"], float))
