"""From tables to what is told of their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def known(table: pd.DataFrame) -> list[dict[str, object]]:
    """The table's rows by column, None for what is not known."""
    import pandas as pd

    return [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in table.to_dict(orient="records")
    ]
