"""Reads a report as a person does."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from nonideal.report import write_report

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Reader(HTMLParser):
    """Tags with their attributes, ids, unbalanced tags, and the text a person reads."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def read(builder: Any) -> tuple[Reader, str]:
    assert write_report(builder.path) == (builder.path / "report.html", builder.path / "report.md")
    return opened(builder.path)


def opened(folder: Path) -> tuple[Reader, str]:
    reader = Reader()
    reader.feed((folder / "report.html").read_text(encoding="utf-8"))
    assert reader.open == []
    return reader, (folder / "report.md").read_text(encoding="utf-8")


def figures(folder: Path) -> list[str]:
    """Titles of all figures of a page."""
    page = (folder / "report.html").read_text(encoding="utf-8")
    return re.findall(r"<figure[^>]* id=[^>]*><h3>(.*?)</h3>", page)


def panels(folder: Path) -> dict[str, dict[str, Any]]:
    """By name the data of the charts."""
    page = (folder / "report.html").read_text(encoding="utf-8")
    texts = re.findall(r'<script type="application/json">(.*?)</script>', page)
    return {found["name"]: found for found in map(json.loads, texts)}
