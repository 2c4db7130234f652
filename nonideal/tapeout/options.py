"""What a tile is called and how large it is: the keys of ``[tapeout]``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

TOP_CELL = "tt_um_"
"""What the name of every tile's top cell begins with."""


def _quotable(text: str) -> str:
    """Raises ``ValueError`` for what a quoted string of YAML cannot hold as it is, and for nothing but blanks."""
    if not text.strip():
        raise ValueError("is blank: give words")
    bad = [one for one in text if one in '"\\' or not (one.isprintable() or one == "\n")]
    if bad:
        raise ValueError(f"holds {bad[0]!r}: leave out quotes, backslashes and control characters")
    return text


def _one_line(text: str) -> str:
    if "\n" in text:
        raise ValueError("holds a line break: give one line")
    return text


Text = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_quotable)]
Line = Annotated[
    str, Field(min_length=1, max_length=200), AfterValidator(_quotable), AfterValidator(_one_line)
]


class TapeoutOptions(BaseModel):
    """A tile of a shuttle.

    ``name``: the top cell is ``tt_um_<name>``, and so are the files. ``clock_Hz``: of the clock pin; the phases are whole numbers of its
    periods. ``bias_on_tile``: the last axon spikes as the first phase begins and needs no pin.
    ``title``, ``author`` and ``description`` stand in ``info.yaml`` and the data sheet.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9_]*$")]
    tile: Literal["1x2", "2x2", "3x2", "4x2", "6x2"] = "1x2"
    clock_Hz: Annotated[float, Field(ge=1e6, le=66e6)] = 50e6
    bias_on_tile: bool = False
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
