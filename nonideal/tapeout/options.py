"""What a tile is called and how large it is: the keys of ``[tapeout]``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

TOP_CELL = "tt_um_"
"""What the name of every tile's top cell begins with."""
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\"\\]+$")]
Text = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00-\x09\x0b-\x1f\"\\]+$")]


class TapeoutOptions(BaseModel):
    """A tile of a shuttle.

    ``name``: the top cell is ``tt_um_<name>``, and so are the files. ``clock_Hz``: of the clock pin; the phases are whole numbers of its
    periods. ``title``, ``author`` and ``description`` stand in ``info.yaml`` and the data sheet.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9_]*$")]
    tile: Literal["1x2", "2x2", "3x2", "4x2", "6x2"] = "1x2"
    clock_Hz: Annotated[float, Field(ge=1e6, le=66e6)] = 50e6
    title: Line
    author: Line
    description: Text

    @field_validator("name")
    @classmethod
    def _without_the_prefix(cls, name: str) -> str:
        if name.startswith(TOP_CELL):
            raise ValueError(f"{name!r}: {TOP_CELL} is put before it: leave it out")
        return name

    @property
    def top(self) -> str:
        """The name of the top cell, of the module and of the files."""
        return TOP_CELL + self.name
