"""Run the notebooks of docs/notebooks and keep their outputs: ``.venv/bin/python scripts/run_notebooks.py [NAME ...]``.

CI runs them too (tests/scripts/test_notebooks.py), and keeps nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from nonideal.files import write_text

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "notebooks"
TIMEOUT_S = 600


def executed(path: Path) -> nbformat.NotebookNode:
    """A notebook with its outputs, run in its own folder. Raises ``CellExecutionError`` for the first cell that fails."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=TIMEOUT_S, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    )
    client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def main(names: list[str]) -> None:
    """Run and keep."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        if not names or path.stem in names:
            write_text(path, nbformat.writes(executed(path)) + "\n")
            print(path)


if __name__ == "__main__":
    main(sys.argv[1:])
