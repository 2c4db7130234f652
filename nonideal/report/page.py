"""A report as one HTML page that needs nothing but itself, and as Markdown."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from string import Template

from nonideal.report.blocks import Block, Details, Picture, Report, Section, Table, Text

TEMPLATE = Path(__file__).with_name("page.html")
BADGES = {"pass": "pass", "fail": "fail", "not run": "idle", "no limit": "idle"}


def html_page(report: Report) -> str:
    """The whole page. Everything that came from files is escaped."""
    sections = "\n".join(_section(section) for section in report.sections)
    contents = "".join(f'<a href="#{s.name}">{escape(s.title)}</a>' for s in report.sections)
    tiles = "".join(
        f'<div class="tile {t.state}"><b>{escape(t.value)}</b><span>{escape(t.label)}</span></div>'
        for t in report.tiles
    )
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(report.title),
        lead="".join(f"<p>{_inline(sentence)}</p>" for sentence in report.lead),
        verdict=_inline(report.verdict),
        state=report.state,
        tiles=tiles,
        contents=contents,
        sections=sections,
        footer=_inline(report.footer),
    )


def _section(section: Section) -> str:
    body = "\n".join(_block(block) for block in section.blocks)
    return f'<section id="{section.name}"><h2>{escape(section.title)}</h2>\n{body}\n</section>'


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _block(block: Block) -> str:
    if isinstance(block, Text):
        tone = f' class="{block.tone}"' if block.tone else ""
        return f"<p{tone}>{_inline(block.text)}</p>"
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Picture):
        return (
            f'<figure id="{block.name}"><h3>{escape(block.title)}</h3>'
            f'<div class="scroll">{block.markup}</div>'
            f"<figcaption>{_inline(block.caption)}</figcaption></figure>"
        )
    return f"<details><summary>{escape(block.title)}</summary><pre>{escape(block.text)}</pre></details>"


def _table(table: Table) -> str:
    def side(column: int) -> str:
        return "" if column in table.left else ' class="n"'

    head = "".join(f"<th{side(k)}>{escape(name)}</th>" for k, name in enumerate(table.columns))
    rows = []
    for row in table.rows:
        cells = []
        for k, cell in enumerate(row):
            if k == table.badges and cell:
                kind = BADGES.get(cell, "idle")
                cells.append(f'<td><span class="badge {kind}">{escape(cell)}</span></td>')
            else:
                cells.append(f"<td{side(k)}>{_inline(cell)}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    note = f'<p class="note">{_inline(table.note)}</p>' if table.note else ""
    title = f"<h3>{escape(table.title)}</h3>" if table.title else ""
    return (
        f'{title}<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{note}"
    )


def markdown_page(report: Report) -> str:
    """The same report as text: tables in full, figures by their conclusions."""
    lines = [f"# {_plain(report.title)}", "", *(_plain(sentence) for sentence in report.lead), ""]
    lines += [f"**{_plain(report.verdict)}**", ""]
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
    if isinstance(block, Picture):
        return [f"Figure: **{_plain(block.title)}** (in `report.html`). {_plain(block.caption)}"]
    if isinstance(block, Details):
        return [f"{_plain(block.title)}: in `report.html`."]
    lines = [f"**{_plain(block.title)}**", ""] if block.title else []
    lines.append("| " + " | ".join(map(_plain, block.columns)) + " |")
    lines.append(
        "|" + "|".join(" --- " if k in block.left else " ---: " for k in range(len(block.columns))) + "|"
    )
    lines += ["| " + " | ".join(map(_plain, row)) + " |" for row in block.rows]
    return [*lines, "", _plain(block.note)] if block.note else lines
