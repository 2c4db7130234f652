"""What a report is made of: sections of paragraphs, tables and figures, however they are written down."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph. `` `code` `` is the only markup; everything else is shown as it stands."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Cells are plain text. ``left`` are the columns that hold words, ``badges`` the one with states."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: frozenset[int] = frozenset({0})
    badges: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure with its conclusion as ``caption``.

    ``markup`` is our own SVG, or an ``<img>`` with its data inside; it is not escaped.
    """

    name: str
    title: str
    markup: str
    alt: str
    caption: str


@dataclass(frozen=True, slots=True)
class Details:
    """Something long, folded away."""

    title: str
    text: str


Block = Text | Table | Picture | Details


@dataclass(frozen=True, slots=True)
class Tile:
    """One large number at the top."""

    value: str
    label: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter; ``name`` is its anchor."""

    name: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The whole of it. ``verdict`` is the sentence at the top, ``state`` its colour."""

    title: str
    lead: tuple[str, ...]
    verdict: str
    state: str
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...] = field(default=())
    footer: str = ""
