"""What can go wrong with a run directory; every message names the file or process and the way out."""

from __future__ import annotations

from pathlib import Path

from nonideal.experiment.errors import WorkflowError


class NothingToReport(WorkflowError):
    """The run directory holds no results at all."""


class ResultUnreadable(WorkflowError):
    """A result file is there but cannot be read."""


class ResultAltered(WorkflowError):
    """Files of a run directory are not what their stages made; the report that shows them is written, and says so."""


class RunDirBusy(WorkflowError):
    """Another process works in the run directory."""


class RunDirError(WorkflowError):
    """A run directory cannot be made or written."""


class StageInputMissing(WorkflowError):
    """A stage was asked for whose input does not exist yet; ``without``: the command that does not need it, where there is one."""

    def __init__(self, stage: str, missing: Path, command: str, without: str = "") -> None:
        told = f"{stage} needs {missing}, which does not exist: run `{command}` first"
        super().__init__(f"{told}, or do without it: `{without}`" if without else told)


class StageInputStale(WorkflowError):
    """A stage was asked for whose input stands from other settings than the experiment's."""

    def __init__(self, stage: str, path: Path, changed: list[str], command: str) -> None:
        super().__init__(
            f"{stage} needs {path}, which was made otherwise ({', '.join(changed)}): run `{command}` again first"
        )


class StageInputAltered(WorkflowError):
    """A stage was asked for whose input is not the file any more that its maker's manifest records."""

    def __init__(self, stage: str, path: Path, manifest: Path, command: str) -> None:
        super().__init__(
            f"{stage} needs {path}, which was altered or damaged after it was made (its SHA-256 is not the one in {manifest}): run "
            f"`{command}` to make it again. A file of your own is taken as it is in a folder without {manifest.name}"
        )


class NoCircuit(WorkflowError):
    """A stage was asked for whose circuit does not exist for the experiment's network."""

    def __init__(self, stage: str, experiment: str) -> None:
        super().__init__(
            f"{stage}: experiment {experiment} trains convolutions or TTFS neurons ([training.network]); there is a circuit "
            "for fully connected RC-Spike layers (training.layers) only. The commands train and report work"
        )
