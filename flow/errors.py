"""What can go wrong between the rooms; every message names the file, key or process and the way out."""

from __future__ import annotations

from pathlib import Path


class FlowError(Exception):
    """Base of the room's exceptions."""


class ExperimentError(FlowError):
    """An experiment file that cannot be used. ``problems`` holds one line for each thing wrong with it."""

    def __init__(self, source: str, problems: list[str]) -> None:
        self.source = source
        self.problems = problems
        many = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(
            f"{source}: {problems[0]}" if len(problems) == 1 else f"{source}: {len(problems)} problems{many}"
        )


class RunDirBusy(FlowError):
    """Another process works in the run directory."""


class RunDirError(FlowError):
    """A run directory cannot be made or written."""


class StageInputMissing(FlowError):
    """A stage was asked for whose input does not exist yet."""

    def __init__(self, stage: str, missing: Path, command: str) -> None:
        super().__init__(f"{stage} needs {missing}, which does not exist: run `{command}` first")


class StageInputStale(FlowError):
    """A stage was asked for whose input stands from other settings than the experiment's."""

    def __init__(self, stage: str, path: Path, changed: list[str], command: str) -> None:
        super().__init__(
            f"{stage} needs {path}, which was made otherwise ({', '.join(changed)}): run `{command}` again first"
        )


class StageInputAltered(FlowError):
    """A stage was asked for whose input is not the file any more that its maker's manifest records."""

    def __init__(self, stage: str, path: Path, manifest: Path, command: str) -> None:
        super().__init__(
            f"{stage} needs {path}, which was altered or damaged after it was made (its SHA-256 is not the one in {manifest}): run "
            f"`{command}` to make it again. A file of your own is taken as it is in a folder without {manifest.name}"
        )


class NoCircuit(FlowError):
    """A stage was asked for whose circuit does not exist for the experiment's network."""

    def __init__(self, stage: str, experiment: str) -> None:
        super().__init__(
            f"{stage}: experiment {experiment} trains convolutions or TTFS neurons ([training.network]); there is a circuit "
            "for fully connected RC-Spike layers (training.layers) only. The commands train and report work"
        )


class RequirementMissing(FlowError):
    """A tool, package or PDK that the command needs is not installed."""


class BadOption(FlowError):
    """A command-line option has a value that cannot be used."""


class Mismatched(FlowError):
    """Files that do not belong together: a model of another circuit or corner."""
