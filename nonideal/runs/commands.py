"""The one place where commands are built that are told to people: in messages, manifests and the report."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nonideal.runs.rundir import RunDir, command_of

if TYPE_CHECKING:
    from nonideal.experiment.experiment import Experiment

CHANGES = {
    ("data", "folder"): "data",
    ("training", "preset"): "preset",
    ("training", "accelerator"): "accelerator",
    ("training", "devices"): "devices",
}
"""Keys of an experiment that `nonideal train` sets -> its options."""
NO_OPTION = {"magic"}
"""Settings that are no options of a command: the version of a tool."""


def option_text(options: Mapping[str, Any]) -> str:
    """Options as they stand on a command line; what is None or False is not there, a tuple is told one by one."""
    given = [
        (name, one)
        for name, value in options.items()
        for one in (value if isinstance(value, tuple) else (value,))
    ]
    parts = [
        f" --{name}" if value is True else f" --{name} {shlex.quote(str(value))}"
        for name, value in given
        if value is not None and value is not False and name not in NO_OPTION
    ]
    return "".join(parts)


def measuring(stage: str, experiment: Experiment) -> dict[str, str]:
    """What a stage that measures columns needs on its line: every other command goes by what was measured."""
    measures = stage == "explore" or command_of(stage) == "characterize"
    return {"characterize-on": experiment.characterize.on} if measures else {}


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What the user asked for and a stage's own options do not hold: a command repeats it to make the same results.

    ``experiment`` as it was given, a name or a path ("": the experiment's name); ``samples`` of validation and ``changes``
    of the experiment, by section and key, where the command line set them. ``handed_in``: the options of `validate-post-layout` on
    a network trained elsewhere; that one command makes all of its results.
    """

    experiment: str = ""
    samples: int | None = None
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    handed_in: Mapping[str, Any] = field(default_factory=dict)

    @property
    def asked(self) -> dict[str, Any]:
        """All of it, for a manifest: what was asked then can be asked again."""
        return {
            "experiment": self.experiment,
            "samples": self.samples,
            "changes": {section: dict(values) for section, values in self.changes.items()},
            "handed_in": dict(self.handed_in),
        }

    def report(self, name: str, rundir: RunDir) -> str:
        """The command that writes the report of this directory."""
        return f"nonideal report{self.shared(name, rundir)}"

    def shared(self, name: str, rundir: RunDir) -> str:
        """What every command on this directory needs, for the experiment called ``name``."""
        if self.handed_in:
            return option_text({"experiment": self.experiment or None, "run-dir": str(rundir.path)})
        return rundir.options(name, self.experiment)

    def command(self, stage: str, experiment: Experiment, rundir: RunDir, options: Mapping[str, Any]) -> str:
        """The command that makes the results of ``stage`` with ``options``."""
        if self.handed_in:
            options = dict(self.handed_in) | {"samples": self.samples}
            return f"nonideal {command_of('validation')}{option_text(options)}{self.shared(experiment.name, rundir)}"
        own = measuring(stage, experiment) | dict(options)
        if stage == "validation":
            own["samples"] = self.samples
            own["compare"] = self.changes.get("validation", {}).get("compare")
        if stage == "explore":
            own["vary"] = _vary(self.changes.get("explore", {}))
            own["accuracy"] = self.changes.get("explore", {}).get("accuracy")
        if command_of(stage) == "yield":
            chips = self.changes.get("chips", {})
            hidden = chips.get("hidden")
            own |= {
                "chips": chips.get("chips"),
                "first-chip": chips.get("first_chip"),
                "spice-chips": chips.get("spice_chips"),
                "vary": _vary(chips),
                "hidden": None if hidden is None else ",".join(map(str, hidden)),
            }
        if stage == "conditions":
            own |= _conditions(self.changes.get("conditions", {}))
        if stage == "noise":
            noise = self.changes.get("noise", {})
            own |= {
                "column-runs": noise.get("column_runs"),
                "network-runs": noise.get("network_runs"),
                "low-corner": None if noise.get("low_corner_Hz") is None else number(noise["low_corner_Hz"]),
            }
        if command_of(stage) == "train":
            own |= {
                option: self.changes.get(section, {}).get(key) for (section, key), option in CHANGES.items()
            }
            seeds = self.changes.get("training", {}).get("seeds")
            own["seeds"] = None if seeds is None else ",".join(map(str, seeds))
        return f"nonideal {command_of(stage)}{self.shared(experiment.name, rundir)}{option_text(own)}"


def number(value: float) -> str:
    """A number as it stands on a command line, with all its digits: 5, 0.25, 2e-09."""
    return repr(float(value)).removesuffix(".0")


def _vary(section: Mapping[str, Any]) -> tuple[str, ...]:
    """The key ``vary`` of a section as the option ``--vary`` has it."""
    vary: Mapping[str, tuple[float, ...]] = section.get("vary") or {}
    return tuple(f"{key}={','.join(map(number, values))}" for key, values in vary.items())


def _offsets(values: tuple[float, ...] | None) -> str | None:
    return None if values is None else ",".join(map(number, values)) or "none"


def _conditions(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The section ``conditions`` as the options of `nonideal conditions` have it."""
    corners = changes.get("corners")
    temperatures = changes.get("temperatures_C")
    return {
        "corner": None if corners is None else ",".join(corner.value for corner in corners),
        "temperature": None if temperatures is None else ",".join(map(number, temperatures)),
        **{supply: _offsets(changes.get(f"{supply}_offsets_V")) for supply in ("vdd", "v0", "vsense")},
        "spice": changes.get("spice_samples"),
        "keep-sense": changes.get("track_sense") is False,
    }
