"""What a training shows while it runs: one row per logged epoch, in ``metrics.csv`` and as TensorBoard
events.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from nonideal.files import UnreadableFile, read_text, written_whole
from nonideal.pnn.decision import silent_share
from nonideal.pnn.spikes import Spikes

FILE = "metrics.csv"


@dataclass(slots=True)
class EpochMeter:
    """Means over one epoch's training batches (with noise and random offset where configured)."""

    loss: list[float] = field(default_factory=list)
    gradient_norm: list[float] = field(default_factory=list)
    correct: int = 0
    samples: int = 0
    time_sum: list[float] = field(default_factory=list)
    silent_sum: list[float] = field(default_factory=list)
    batches: int = 0

    def add_firings(self, firings: Sequence[Spikes], decision: Tensor, label: Tensor) -> None:
        """Count one batch: decisions [B], labels [B], and every layer's spikes."""
        self.correct += int(((decision == label) & (decision >= 0)).sum())
        self.samples += label.shape[0]
        self.batches += 1
        if not self.time_sum:
            self.time_sum, self.silent_sum = [0.0] * len(firings), [0.0] * len(firings)
        for index, firing in enumerate(firings):
            self.time_sum[index] += float(firing.spike_time.detach().mean())
            self.silent_sum[index] += float(silent_share(firing))

    def pool(self, total: Callable[[Tensor], Tensor]) -> None:
        """Count the spikes and decisions of all processes, where ``total`` sums over them."""
        counts = [self.correct, self.samples, self.batches, *self.time_sum, *self.silent_sum]
        correct, samples, batches, *sums = total(torch.tensor(counts, dtype=torch.float64)).tolist()
        self.correct, self.samples, self.batches = int(correct), int(samples), int(batches)
        self.time_sum, self.silent_sum = sums[: len(self.time_sum)], sums[len(self.time_sum) :]

    def row(self, epoch: int, test_accuracy: float) -> dict[str, float]:
        """The epoch's row; layers count from 1."""
        row = {
            "epoch": float(epoch),
            "loss": sum(self.loss) / max(1, len(self.loss)),
            "train_accuracy": self.correct / max(1, self.samples),
            "test_accuracy": test_accuracy,
            "gradient_norm": sum(self.gradient_norm) / max(1, len(self.gradient_norm)),
        }
        for index, (time, silent) in enumerate(zip(self.time_sum, self.silent_sum, strict=True), start=1):
            row[f"mean_spike_time_{index}"] = time / self.batches
            row[f"silent_share_{index}"] = silent / self.batches
        return row


class MetricsLog:
    """Writer of ``metrics.csv`` and TensorBoard events in ``folder``; a context manager.

    ``after_epoch`` (a resume) keeps the rows up to that epoch and drops later or torn ones, so that the
    finished table is the one an uninterrupted training writes.
    """

    def __init__(self, folder: Path, *, after_epoch: int, tensorboard: bool) -> None:
        self._path = folder / FILE
        rows = _rows_until(self._path, after_epoch) if after_epoch > 0 else []
        self._columns: list[str] | None = list(rows[0]) if rows else None
        with (
            written_whole(self._path) as part,
            part.open("w", newline="", encoding="utf-8") as file,
        ):
            if self._columns is not None:
                writer = csv.DictWriter(file, self._columns)
                writer.writeheader()
                writer.writerows(rows)
        self._file = self._path.open("a", newline="", encoding="utf-8")
        if tensorboard and after_epoch == 0:
            for stale in folder.glob("events.out.tfevents.*"):
                stale.unlink()
        self._events = SummaryWriter(str(folder), purge_step=after_epoch + 1) if tensorboard else None

    def write(self, row: dict[str, float]) -> None:
        """Append one row."""
        if self._columns is None:
            self._columns = list(row)
            csv.DictWriter(self._file, self._columns).writeheader()
        text = {key: str(int(value)) if key == "epoch" else f"{value:.9g}" for key, value in row.items()}
        csv.DictWriter(self._file, self._columns).writerow(text)
        self._file.flush()
        if self._events is not None:
            for key, value in row.items():
                if key != "epoch":
                    self._events.add_scalar(key, value, int(row["epoch"]))

    def __enter__(self) -> MetricsLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._events is not None:
            self._events.close()


def _rows_until(path: Path, epoch: int) -> list[dict[str, str]]:
    """Complete rows of an earlier run up to ``epoch``. A kill tears the last row at most; raises ``UnreadableFile`` for other damage."""
    if not path.is_file():
        return []
    way_out = "remove it: the training goes on from its checkpoint, without the rows that are lost"
    rows = []
    try:
        lines = read_text(path).splitlines()
        table = csv.DictReader(lines)
        if lines and "epoch" not in (table.fieldnames or ()):
            raise UnreadableFile(f"{path}: holds no column epoch; {way_out}")
        for row in table:
            whole = None not in row and all(isinstance(value, str) and value for value in row.values())
            if not whole or not row["epoch"].isdecimal():
                if table.line_num < len(lines):
                    raise UnreadableFile(f"{path}, line {table.line_num}: is no row of the table; {way_out}")
                break
            if len(row["epoch"]) > 18 or int(row["epoch"]) > epoch:
                break
            rows.append(row)
    except csv.Error as error:
        raise UnreadableFile(f"{path}: {error}; {way_out}") from error
    return rows
