"""A result depends on the code that makes it: all of it, and no other."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from nonideal.experiment.experiment import Experiment
from nonideal.pnn.presets import preset
from nonideal.runs import code
from nonideal.runs.code import HOLDING, Closure, Definition, closure, hash_code, presents
from nonideal.runs.sources import BASE, PACKAGE
from nonideal.stages.table import STAGES
from nonideal.stages.training_job import train_one


def write(base: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(text)


def reached(base: Path, module: str = "room.stage", name: str = "run") -> Closure:
    found = Closure(base)
    found.add(module, name)
    return found


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """A stage that reaches other code in every way that there is."""
    write(
        tmp_path,
        {
            "room/__init__.py": "from .shown import shown",
            "room/shown.py": "def shown(): pass\ndef hidden(): pass",
            "room/stage.py": (
                '"""A stage."""\n'
                "from __future__ import annotations\n"
                "from typing import TYPE_CHECKING\n"
                "import room.named as renamed\n"
                "from room import shown, whole\n"
                "from room.plots import COLOUR, draw\n"
                "if TYPE_CHECKING:\n"
                "    from room.only_said import Said\n"
                "LIMIT = 3\n"
                "OTHER = 4\n"
                "def run(work: Said) -> Said:\n"
                '    """Runs."""\n'
                "    from room.late import late\n"
                "    there: Said = late(work)\n"
                "    return [shown(), renamed.used(), list(map(call, [whole])), draw(COLOUR), LIMIT]\n"
                "def call(module): return module.anything()\n"
            ),
            "room/late.py": "def late(work): return Base\nclass Base:\n    held: 'int' = 0\n    made: Field\nclass Field: pass\nclass Unused: pass",
            "room/named.py": "TABLE = {}\nTABLE['a'] = 1\ndef used(): return 1\ndef unused(): return 2",
            "room/whole.py": "def anything(): return deep()\ndef deep(): pass",
            "room/plots.py": "from room.unused import nothing\nCOLOUR = 'red'\ndef draw(colour): return nothing()",
            "room/unused.py": "def nothing(): pass",
            "room/only_said.py": "class Said: pass",
        },
    )
    return tmp_path


def test_all_that_a_function_reaches_and_no_more(room: Path) -> None:
    assert {f"{one.module}:{one.name}" for one in reached(room).found} == {
        "room.stage:run",
        "room.stage:call",
        "room.stage:LIMIT",
        "room.shown:shown",
        "room.named:used",
        "room.named:",  # what the import itself does, and what it does that to
        "room.named:TABLE",
        "room.late:late",
        "room.late:Base",
        "room.late:Field",
        "room.whole:anything",
        "room.whole:deep",
        "room.plots:COLOUR",
    }


@pytest.mark.parametrize(
    ("file", "old", "new", "counts"),
    [
        ("stage.py", "LIMIT = 3", "LIMIT = 5", True),
        ("stage.py", "LIMIT = 3", "LIMIT   =  3  # three", False),
        ("stage.py", '"""Runs."""', '"""Runs, and says so."""', False),
        ("stage.py", "OTHER = 4", "OTHER = 5", False),
        ("late.py", "held: 'int' = 0", "held: 'int' = 1", True),
        ("late.py", "class Unused: pass", "class Unused: x = 1", False),
        ("named.py", "TABLE['a'] = 1", "TABLE['a'] = 2", True),
        ("named.py", "return 2", "return 3", False),
        ("whole.py", "deep(): pass", "deep(): return 1", True),
        ("shown.py", "shown(): pass", "shown(): return 1", True),
        ("plots.py", "return nothing()", "return 1", False),
        ("plots.py", "'red'", "'blue'", True),
        ("only_said.py", "pass", "x = 1", False),
    ],
)
def test_what_changes_the_hash(room: Path, file: str, old: str, new: str, counts: bool) -> None:
    before = reached(room).hash()
    path = room / "room" / file
    text = path.read_text()
    assert old in text
    other = room.parent / f"{room.name}_changed"
    shutil.copytree(room, other)
    (other / "room" / file).write_text(text.replace(old, new))
    assert (reached(other).hash() != before) == counts


def test_data_files_count_where_the_code_looks_for_them(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "room/__init__.py": "",
            "room/rules.py": "from importlib.resources import files\ndef rules(): return files('room')\ndef none(): pass",
            "room/kernel.py": "from pathlib import Path\ndef kernel(): return Path(__file__).parent",
            "room/data/rules.csv": "1",
            "room/inner/__init__.py": "",
            "room/inner/other.csv": "1",
        },
    )
    assert reached(tmp_path, "room.rules", "none").data == set()
    for module, name in (("room.rules", "rules"), ("room.kernel", "kernel")):
        assert reached(tmp_path, module, name).data == {tmp_path / "room" / "data" / "rules.csv"}
    before = reached(tmp_path, "room.rules", "rules").hash()
    (tmp_path / "room" / "data" / "rules.csv").write_text("2")
    assert reached(tmp_path, "room.rules", "rules").hash() != before


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This program's sources, to be changed."""
    base = tmp_path_factory.mktemp("tree")
    shutil.copytree(BASE / PACKAGE, base / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    return base


@pytest.fixture
def changed(tree: Path) -> Callable[[str, str, str], set[str]]:
    """The stages, of those asked, whose code is another when a file is changed."""

    def change(file: str, old: str, new: str) -> set[str]:
        names = ("training", "layout", "netlist", "characterization", "explore")
        before = {name: known(tree, name) for name in names}
        path = tree / PACKAGE / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        try:
            return {name for name in names if closure_of(tree, name).hash() != before[name]}
        finally:
            path.write_text(text, encoding="utf-8")

    return change


def closure_of(base: Path, name: str) -> Closure:
    return closure(STAGES[name].run, STAGES[name].sections, base)


KNOWN: dict[str, str] = {}


def known(base: Path, name: str) -> str:
    if name not in KNOWN:
        KNOWN[name] = closure_of(base, name).hash()
    return KNOWN[name]


@pytest.mark.parametrize(
    ("file", "old", "new", "stages"),
    [
        ("experiment/training.py", "order=self.dstd_order", "order=2", {"training", "explore"}),
        ("characterize/explore_plot.py", "from __future__", "# seen\nfrom __future__", set()),
        ("characterize/explore_plot.py", "def save_pareto(", "STYLED = 1\ndef save_pareto(", set()),
        ("pnn/native/exact.cpp", "#include", "// seen\n#include", {"training", "netlist", "explore"}),
        ("sky130_models/data/sky130_rules.csv", "0.17", "0.18", {"layout", "netlist", "characterization", "explore"}),
        ("circuits/layout/straps.py", "STRAP_PITCH = ", "STRAP_PITCH = 1 + ", {"layout", "explore"}),
        ("spice/ladder.py", "LADDER", "LADDER_ = 1\nLADDER", set()),
    ],
)  # fmt: skip
def test_which_stages_a_change_makes_stale(
    changed: Callable[[str, str, str], set[str]], file: str, old: str, new: str, stages: set[str]
) -> None:
    assert changed(file, old, new) == stages


def test_rooms_do_not_lean_on_rooms_that_they_do_not_use() -> None:
    rooms = {
        # How worker processes end with their parent is everybody's.
        name: {
            module.split(".")[1]
            for module in closure(stage.run, stage.sections).modules
            if module not in ("nonideal", "nonideal.spice", "nonideal.spice.workers")
        }
        for name, stage in STAGES.items()
    }
    assert rooms["layout"] & {"pnn", "characterize", "postlayout", "chips"} == set()
    assert rooms["training"] & {"spice", "postlayout", "chips"} == set()
    assert rooms["characterization"] & {"pnn", "postlayout", "chips"} == set()
    assert rooms["netlist"] & {"postlayout", "chips"} == set()
    assert "chips" not in rooms["validation"]


@pytest.mark.parametrize("stage", STAGES.values(), ids=lambda stage: stage.name)
def test_a_stage_depends_on_the_code_that_runs_it(stage: Any) -> None:
    found = closure(stage.run, stage.sections).found
    assert Definition(stage.run.__module__, stage.run.__name__) in found
    assert len(found) > 100
    assert not [one for one in found if one.module in HOLDING]


def test_whatever_runs_is_in_the_closure(tiny: Experiment, tmp_path: Path) -> None:
    """Held against a real training: every function of this program that was called is in what was computed from the sources."""
    experiment = tiny.changed({"training": {"epochs": 1, "method": "dstd"}})
    preset("sky130_tt").save(tmp_path / "model.json")
    called: set[Definition] = set()

    def watch(frame: FrameType, event: str, argument: object) -> None:
        module = frame.f_globals.get("__name__", "")
        if event == "call" and module.partition(".")[0] == PACKAGE:
            called.add(Definition(module, frame.f_code.co_qualname.partition(".")[0]))

    sys.setprofile(watch)
    try:
        train_one(experiment, tmp_path / "model.json", "pnn", 1, tmp_path / "training")
    finally:
        sys.setprofile(None)
    stage = STAGES["training"]
    found = closure(stage.run, stage.sections).found
    left = {
        one
        for one in called - found.keys()
        if one.module not in HOLDING
        and not presents(one.module)
        and not one.name.startswith(("<", "__create_fn__"))
    }
    assert len(called) > 50
    assert left == set()


def test_the_hash_is_kept_for_as_long_as_no_source_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NONIDEAL_CACHE", str(tmp_path))
    stage = STAGES["netlist"]
    code._hash.cache_clear()
    made = hash_code(stage.run, stage.sections)
    assert made == closure(stage.run, stage.sections).hash()
    with monkeypatch.context() as patched:
        patched.setattr(code, "_closure", None)  # is not asked again
        code._hash.cache_clear()
        assert hash_code(stage.run, stage.sections) == made
    for damage in ("", "{", "[]", '{"state": 1}', "\0"):
        (tmp_path / code.CACHE).write_text(damage)
        code._hash.cache_clear()
        assert hash_code(stage.run, stage.sections) == made
    code._hash.cache_clear()
    monkeypatch.setenv("NONIDEAL_CACHE", "/dev/null/no")
    assert hash_code(stage.run, stage.sections) == made
