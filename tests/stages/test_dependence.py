"""What of the experiment a stage's code reads is what its manifest records: else a result stands that another setting would change."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from nonideal.experiment.experiment import Experiment
from nonideal.runs.code import closure
from nonideal.runs.stage import Stage
from nonideal.stages.table import STAGES

Path = tuple[str, ...]
ELSEWHERE = {
    ("name",): "is the run directory's, and stands in heads of netlists",
    ("training", "variants"): "decides whose weights are read: recorded as an input file",
    ("training", "seeds"): "recorded as seeds",
    ("drawn_mapping",): "decides whose mask is drawn: recorded as an input file",
}
"""What may be read and is no setting of the manifest."""
COMPUTED: dict[Path, tuple[Path, ...]] = {
    ("sees_conditions",): (("training", "variation"),),
    ("mappings",): (("validation", "mappings"), ("validation", "compare"), ("training", "variants")),
    ("bits",): (("circuit", "synapse"),),
    ("fan_outs",): (("training", "layers"), ("training", "network"), ("characterize", "on")),
    ("columns",): (("training", "layers"), ("training", "network"), ("characterize", "axons")),
}
"""Properties of an experiment, and what they are made of."""
WHOLE = {"at", "changed", "model_copy", "section"}
"""Methods that give the experiment itself."""


class Reads(ast.NodeVisitor):
    """The paths below ``experiment`` that one function reads; local names that stand for a part of it are followed."""

    def __init__(self) -> None:
        self.parts: dict[str, Path] = {"experiment": ()}
        self.found: set[Path] = set()

    def path_of(self, node: ast.expr) -> Path | None:
        if isinstance(node, ast.Name):
            return self.parts.get(node.id)
        if isinstance(node, ast.Attribute):
            if node.attr == "experiment":
                return ()
            inner = self.path_of(node.value)
            return None if inner is None else (*inner, node.attr)
        return None

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=True))
            for name, value in pairs:
                path = self.path_of(value)
                if isinstance(name, ast.Name) and path is not None:
                    self.parts[name.id] = path
                else:
                    self.visit(value)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.take(self.path_of(node))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        path = self.path_of(node)
        if path is None:
            self.visit(node.value)
        self.take(path)

    def take(self, path: Path | None) -> None:
        if path and path[0] not in WHOLE:
            self.found.add(path)


def reads(stage: Stage) -> Iterator[tuple[str, Path]]:
    """Where in the code of a stage, and what of the experiment."""
    for definition, statements in closure(stage.run, stage.sections).found.items():
        if not definition.module.startswith(
            ("nonideal.experiment.", "nonideal.stages.")
        ) or definition.module in ("nonideal.experiment.sections", "nonideal.experiment.training"):
            continue
        for statement in statements:
            for node in ast.walk(statement):
                if isinstance(node, ast.FunctionDef):
                    found = Reads()
                    found.generic_visit(node)
                    yield from ((f"{definition.module}.{node.name}", path) for path in found.found)


def real(path: Path) -> Path:
    """A path as far as it names settings: not a method of what is set."""
    kind: object = Experiment
    for place, name in enumerate(path):
        fields = getattr(kind, "model_fields", {})
        if name not in fields:
            return path[: max(place, 1)]
        kind = fields[name].annotation
    return path


@pytest.mark.parametrize("stage", STAGES.values(), ids=lambda stage: stage.name)
def test_what_a_stage_reads_of_the_experiment_is_recorded(stage: Stage) -> None:
    recorded = {tuple(section.split(".")) for section in stage.sections}
    missing = set()
    for where, path in reads(stage):
        for one in COMPUTED.get(real(path), (real(path),)):
            known = any(one[: len(section)] == section for section in recorded)
            if not known and real(path) not in recorded and one not in ELSEWHERE:
                missing.add(f"{where}: {'.'.join(path)}")
    assert missing == set()


def test_the_reading_is_seen() -> None:
    found = Reads()
    code = """
def stage(work):
    training, (a, b) = work.experiment.training, other
    chosen = training.network
    seeds, design = training.seeds, experiment.circuit
    return f(chosen.layers, seeds[0], design, [x.y for x in experiment.chips.vary])
"""
    found.generic_visit(ast.parse(code).body[0])
    assert found.found == {
        ("training", "network", "layers"),
        ("training", "seeds"),
        ("circuit",),
        ("chips", "vary"),
    }


def test_every_section_is_one() -> None:
    experiment = Experiment(name="x")
    for stage in STAGES.values():
        for section in stage.sections:
            experiment.section(section)
