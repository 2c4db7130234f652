"""What `mkdocs build` does beside its plugins: pages from the repository's root, a list of all modules, and notebooks as pages."""

from __future__ import annotations

import ast
import base64
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
FROM_ROOT = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
"""Page -> the file at the root that it is made of, which links into ``docs/``."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that do not lie in docs/ as they are shown."""
    for page, source in FROM_ROOT.items():
        text = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, page, content=text))
    files.append(File.generated(config, "reference/modules.md", content=modules()))
    for notebook in [file for file in files if file.src_uri.endswith(".ipynb")]:
        page = notebook.src_uri.removesuffix(".ipynb") + ".md"
        for name, content in page_of(Path(str(notebook.abs_src_path)), Path(page).name):
            uri = str(Path(page).with_name(name))
            files.append(File.generated(config, uri, content=content))
    return files


def modules(root: Path = ROOT) -> str:
    """Every module of every room, leftmost room first, with the first sentence of what it says of itself."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    rooms = [room.strip() for layer in reversed(layers) for room in layer.split(":")]
    lines = [
        "# Modules",
        "What each file of the program says of itself, room by room, in the order in which they may import.",
    ]
    for room in rooms:
        folder = (root / "nonideal" / room).resolve()
        lines += [f"## {room}", first_words(folder / "__init__.py"), "| module | |\n|---|---|"]
        for file in sorted(folder.rglob("*.py")):
            name = ".".join(file.relative_to(folder).with_suffix("").parts)
            if not name.endswith("__init__"):
                lines[-1] += f"\n| `{name}` | {first_words(file)} |"
    return "\n\n".join(lines) + "\n"


def first_words(file: Path) -> str:
    """The first paragraph of a module's docstring, on one line."""
    told = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(told.partition("\n\n")[0].replace("``", "`").replace("|", "\\|").split())


def page_of(notebook: Path, page: str) -> Iterator[tuple[str, str | bytes]]:
    """The Markdown page of a notebook (its name first), then its pictures, each with its name."""
    stem = notebook.stem
    lines = [f"*This page is a notebook: [{notebook.name}]({notebook.name}).*"]
    pictures: list[tuple[str, bytes]] = []
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type == "markdown":
            lines.append(cell.source)
            continue
        lines.append(f"```python\n{cell.source}\n```")
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                name = f"{stem}-{len(pictures) + 1}.png"
                pictures.append((name, base64.b64decode(data["image/png"])))
                lines.append(f"![{stem}, picture {len(pictures)}]({name})")
            elif "text/html" in data:
                lines.append(re.sub(r"<style.*?</style>", "", data["text/html"], flags=re.S).strip())
            else:
                text = output.get("text") or data.get("text/plain", "")
                if text.strip():
                    lines.append(f"```text\n{text.rstrip()}\n```")
    title, *rest = lines[1:]
    yield page, "\n\n".join([title, lines[0], *rest]) + "\n"
    yield from pictures
