"""What can go wrong in training; every message names the value and the way out."""

from __future__ import annotations

from functools import partial
from typing import Any


class PnnError(Exception):
    """Base of the room's exceptions."""


class BadParameter(PnnError, ValueError):
    """A parameter, option or tensor shape is outside what the model allows."""


class DataError(PnnError):
    """A data set is unknown, incomplete on disk, or does not fit the network."""


class CheckpointError(PnnError):
    """A weights or checkpoint file is missing, truncated, or belongs to another run."""


class TrainingDiverged(PnnError):
    """A loss, membrane potential or gradient is not finite.

    ``epoch``, ``batch`` and ``layer`` say where; the last good checkpoint stays on disk.
    """

    def __init__(self, message: str, *, epoch: int, batch: int, layer: int | None) -> None:
        super().__init__(message)
        self.epoch = epoch
        self.batch = batch
        self.layer = layer

    def __reduce__(self) -> tuple[Any, ...]:
        """From one process to another."""
        return partial(type(self), epoch=self.epoch, batch=self.batch, layer=self.layer), self.args
