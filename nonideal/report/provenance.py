"""Where each number comes from: files, manifests, and the commands that remake them."""

from __future__ import annotations

import json

from nonideal.report.blocks import Block, Details, Text
from nonideal.report.table import Table, numbers, words
from nonideal.report.units import duration
from nonideal.runs.results import OPTIONAL, Results
from nonideal.runs.spec import Verdict

SHORT = 12


def provenance(results: Results, found: list[Verdict]) -> tuple[Block, ...]:
    """Tables of numbers, stages, versions and files; the settings folded away."""
    blocks: list[Block] = [
        Text(
            f"All files lie in the run directory `{results.path}`. A number is remade by its stage's command."
        ),
        _numbers(found),
        _stages(results),
    ]
    if results.manifests:
        blocks += [_versions(results), _files(results)]
    blocks += [
        Details(
            f"Settings and inputs of {stage} ({stage}/manifest.json)",
            json.dumps(manifest.inputs.model_dump(mode="json"), indent=1, ensure_ascii=False),
        )
        for stage, manifest in results.manifests.items()
    ]
    return tuple(blocks)


def _numbers(found: list[Verdict]) -> Table:
    return Table(
        title="The numbers of the verdict",
        columns=words("Number", "File and key", "Stage"),
        rows=tuple((v.parameter, f"`{v.source}`", v.stage) for v in found),
        note="The command of each stage stands in the next table.",
    )


def _stages(results: Results) -> Table:
    rows = []
    for stage in results.stages:
        manifest = results.manifests.get(stage)
        if manifest is not None:
            seeds = (
                ", ".join(f"{name} {value}" for name, value in manifest.inputs.seeds.items()) or "none drawn"
            )
            state = "complete"
            rows.append(
                (
                    stage,
                    state,
                    f"`{manifest.command or results.command(stage)}`",
                    manifest.started[:16].replace("T", " "),
                    duration(manifest.seconds),
                    seeds,
                    manifest.inputs.key[:SHORT],
                )
            )
        elif results.handed_in(stage):
            told = ", ".join(f"`{path.relative_to(results.path)}`" for path in results.handed_in(stage))
            rows.append((stage, "handed in", told, "", "", "", ""))
        elif results.has(stage):
            rows.append((stage, "not complete", f"`{results.command(stage)}`", "", "", "", ""))
        elif stage not in OPTIONAL:
            rows.append((stage, "not run", f"`{results.command(stage)}`", "", "", "", ""))
    return Table(
        title="Stages",
        columns=(
            *words("Stage", "State", "Command", "Started (UTC)"),
            *numbers("Took"),
            *words("Seeds", "Inputs (hash)"),
        ),
        rows=tuple(rows),
        note="The hash covers settings, seeds, input files, tools and code: equal hashes, equal results.",
    )


def _versions(results: Results) -> Table:
    found: dict[str, dict[str, list[str]]] = {}
    for stage, manifest in results.manifests.items():
        for tool, version in manifest.versions.items():
            found.setdefault(tool, {}).setdefault(version, []).append(stage)
    rows = []
    for tool, versions in found.items():
        for version, stages in versions.items():
            rows.append((tool, f"`{version}`" if len(version) > 40 else version, ", ".join(stages)))
    return Table("Versions", words("Tool", "Version", "Used by"), tuple(rows))


def _files(results: Results) -> Table:
    rows = [
        (stage, f"`{stage}/{name}`", sha256[:SHORT])
        for stage, manifest in results.manifests.items()
        for name, sha256 in manifest.outputs.items()
    ]
    return Table(
        title="Files",
        columns=words("Stage", "File", "SHA-256 (first 12 digits)"),
        rows=tuple(rows),
    )
