"""A report as Markdown: tables in full, figures by their conclusions."""

from __future__ import annotations

from nonideal.report.blocks import Block, Details, Panel, Picture, Report, Strips, Text
from nonideal.report.table import Table, numbers, words


def markdown_page(report: Report) -> str:
    """The whole report as text."""
    lines = [f"# {_plain(report.title)}", "", f"**{_plain(report.headline)}**", "", _plain(report.lead), ""]
    lines += [f"**{_plain(report.verdict)}**", ""]
    if report.picture is not None:
        parts = report.picture
        rows = tuple((part.name, part.told) for part in parts.parts)
        table = Table(parts.title, (*words("Part"), *numbers("rms")), rows, parts.caption)
        lines += [*_markdown(table), ""]
    for section in report.sections:
        lines += [f"## {_plain(section.title)}", ""]
        for block in section.blocks:
            lines += [*_markdown(block), ""]
    lines.append(_plain(report.footer))
    return "\n".join(lines).rstrip() + "\n"


def _plain(text: str) -> str:
    """Text that neither ends a table cell nor becomes HTML."""
    return (
        text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("|", "\\|")
        .replace("\n", " ")
    )


def _markdown(block: Block) -> list[str]:
    if isinstance(block, Text):
        return [_plain(block.text)]
    if isinstance(block, Picture | Panel):
        return [f"Figure: **{_plain(block.title)}** (in `report.html`). {_plain(block.caption)}"]
    if isinstance(block, Strips):
        return [f"Figure (in `report.html`). {_plain(block.caption)}"]
    if isinstance(block, Details):
        return [f"{_plain(block.title)}: in `report.html`."]
    lines = [f"**{_plain(block.title)}**", ""] if block.title else []
    lines.append("| " + " | ".join(map(_plain, block.headings)) + " |")
    lines.append("|" + "|".join(" --- " if column.left else " ---: " for column in block.columns) + "|")
    lines += ["| " + " | ".join(map(_plain, row)) + " |" for row in block.shown]
    return [*lines, "", _plain(block.note)] if block.note else lines
