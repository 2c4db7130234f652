"""The sizes that every cell is drawn with where nothing else is said."""

from __future__ import annotations

from nonideal.circuits.design import Design

DESIGN = Design()
