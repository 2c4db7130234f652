"""Tables of results: what each holds in any version, and reading them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Columns:
    """What a table of results has in any version: the names of columns of numbers, and of others."""

    numbers: tuple[str, ...]
    words: tuple[str, ...] = ()


CURVES = Columns(("bias_V", "membrane_V"), ("bench", "polarity"))
METRICS = Columns(("epoch", "loss", "test_accuracy"))
MAPPING = Columns(("layer", "axon", "neuron", "weight", "current_A"))
SPIKES = Columns(("sample", "layer", "neuron", "t_model_s", "t_spice_s"), ("mapping", "kind"))
WAVEFORMS = Columns(("sample", "time_s", "volts_V"), ("net", "source"))


def table_of(columns: Columns) -> Callable[[Path], pd.DataFrame]:
    """Reads a CSV or Parquet file; raises ``ValueError`` where it is a table of something else."""

    def read(file: Path) -> pd.DataFrame:
        import pandas as pd  # 1 CPU s, where there is a table to read
        from pandas.api.types import is_numeric_dtype

        found = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
        missing = [name for name in (*columns.numbers, *columns.words) if name not in found]
        if missing:
            raise ValueError(f"has no column {', '.join(missing)}")
        others = [name for name in columns.numbers if not is_numeric_dtype(found[name])]
        if others:
            raise ValueError(f"column {', '.join(others)} holds what is no number")
        return found

    return read
