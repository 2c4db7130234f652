"""What a report is made of: sections of paragraphs, tables and figures, however they are written down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from nonideal.report.table import Table


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph. `` `code` `` is the only markup; everything else is shown as it stands."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure with its conclusion as ``caption``.

    ``markup`` is our own SVG, or an ``<img>`` with its data inside.
    """

    name: str
    title: str
    markup: Markup
    alt: str
    caption: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One set of axes that can be explored: ``traces`` and ``layout`` as plotly.js takes them, colours as ``var(--ink)``.

    ``width`` is ``half``, ``third`` or ``whole`` of the page's; a phone shows charts one below the other.
    A trace with ``draw`` (attribute -> column) draws the panel's rows, those that agree with its ``where`` (column -> value).
    Any trace may say with ``of`` (column -> value) what it belongs to; choices hide the others.
    """

    title: str
    alt: str
    traces: tuple[dict[str, Any], ...]
    layout: dict[str, Any]
    height: int = 320
    width: str = "half"


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter: the values of a column and how they are called.

    ``every`` is what no choice is called, "" where one must be made; ``start`` is what is chosen at first, None for ``every``.
    """

    column: str
    label: str
    values: tuple[tuple[str | int, str], ...]
    every: str = ""
    start: str | int | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """Charts of the same data under the same filters; ``rows`` are the data by column, ``summary`` the column whose rms is told."""

    name: str
    title: str
    caption: str
    charts: tuple[Chart, ...]
    choices: tuple[Choice, ...] = ()
    rows: dict[str, list[Any]] = field(default_factory=dict)
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Details:
    """Something long, folded away."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Tile:
    """One large number at the top, and what it is held against."""

    value: str
    label: str
    state: str = ""
    against: str = ""


@dataclass(frozen=True, slots=True)
class Strip:
    """One row of ``Strips``: a dot for every error, a bar at their rms; places are shares of the axis."""

    name: str
    colour: str
    dots: tuple[tuple[float, float], ...]
    rms: float | None
    value: str
    aside: str


@dataclass(frozen=True, slots=True)
class Strips:
    """Errors by mapping on one logarithmic axis; places are shares of it."""

    strips: tuple[Strip, ...]
    ticks: tuple[tuple[float, str], ...]
    marks: tuple[tuple[float, str], ...]
    floor: float
    caption: str


Block = Text | Table | Picture | Panel | Details | Strips


@dataclass(frozen=True, slots=True)
class Part:
    """One row of the picture at the top: a bar to ``place``, a share of the axis, with its value as ``told``; None: no bar, and ``told`` why."""

    name: str
    colour: str
    place: float | None
    told: str


@dataclass(frozen=True, slots=True)
class Parts:
    """The picture at the top: parts of something as bars on one logarithmic axis; ``ticks``: places and what they are called."""

    title: str
    parts: tuple[Part, ...]
    ticks: tuple[tuple[float, str], ...]
    caption: str


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter; ``name`` is its anchor."""

    name: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The whole of it: the answer in a ``headline``, the limits in a ``verdict`` (``state`` its colour), a few numbers, one picture."""

    title: str
    experiment: str
    headline: str
    lead: str
    verdict: str
    state: str
    tiles: tuple[Tile, ...]
    picture: Parts | None = None
    sections: tuple[Section, ...] = field(default=())
    footer: str = ""
