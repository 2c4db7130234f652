"""Numbers of the documentation are those of their results files."""

from __future__ import annotations

import importlib
import json
import re
import shutil
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return importlib.import_module("docs_numbers")


def test_every_marked_place_is_what_its_file_gives(script: ModuleType) -> None:
    marked = 0
    for page in script.pages(ROOT):
        text = page.read_text(encoding="utf-8")
        marked += len(script.PLACE.findall(text))
        assert text.count("<!-- numbers:") == text.count("<!-- end -->") == len(script.PLACE.findall(text)), (
            page
        )
        assert script.filled(text, ROOT) == text, f"{page}: run scripts/docs_numbers.py"
    assert marked >= 6


def test_every_marked_place_is_dated(script: ModuleType) -> None:
    for page in script.pages(ROOT):
        for place in script.PLACE.findall(page.read_text(encoding="utf-8")):
            assert re.search(r"\b20\d\d-\d\d-\d\d\b", place[2]), (page, place[1])


def test_a_place_follows_its_file_and_an_unknown_name_is_refused(script: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "docs/numbers").mkdir(parents=True)
    shutil.copytree(ROOT / "bench", tmp_path / "bench", ignore=shutil.ignore_patterns("*.py"))
    bench = json.loads((ROOT / "bench/training.json").read_text())
    bench["rows"][0]["ratio"] = 1.2345
    (tmp_path / "bench/training.json").write_text(json.dumps(bench))
    page = "before\n<!-- numbers: training bench -->\nold\n<!-- end -->\nafter\n"
    new = script.filled(page, tmp_path)
    assert "1.23 × ANN" in new
    assert "old" not in new
    assert (new.startswith("before\n<!--"), new.endswith("-->\nafter\n")) == (True, True)
    with pytest.raises(KeyError):
        script.filled("<!-- numbers: nothing -->\n<!-- end -->", tmp_path)


def test_a_run_that_is_not_whole_gives_no_numbers(script: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="summary"):
        script.taken(tmp_path)
    with pytest.raises(SystemExit, match="make reproduce"):
        script.main(["--run", str(tmp_path)], tmp_path)


def test_the_pictures_of_a_run(script: ModuleType, tmp_path: Path) -> None:
    figures = importlib.import_module("docs_figures")
    figures.draw_spikes(ROOT / "docs/notebooks/example", tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["error-histogram.png", "waveforms.png"]
    drawn = ElementTree.fromstring(figures.circuit_picture())
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    assert {"discharger", "dendrite"} <= {element.text for element in drawn.iter()}
