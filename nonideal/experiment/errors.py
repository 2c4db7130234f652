"""What can be wrong with what is asked; every message names the file, key or option and the way out."""

from __future__ import annotations


class WorkflowError(Exception):
    """Base of the room's exceptions."""


class ExperimentError(WorkflowError):
    """An experiment file that cannot be used. ``problems`` holds one line for each thing wrong with it."""

    def __init__(self, source: str, problems: list[str]) -> None:
        self.source = source
        self.problems = problems
        many = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(
            f"{source}: {problems[0]}" if len(problems) == 1 else f"{source}: {len(problems)} problems{many}"
        )


class RequirementMissing(WorkflowError):
    """A tool, package or PDK that the command needs is not installed."""


class BadOption(WorkflowError):
    """A command-line option has a value that cannot be used."""


class Mismatched(WorkflowError):
    """Files that do not belong together: a model of another circuit or corner."""
