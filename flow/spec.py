"""What a result must reach to pass: limits from the experiment file, measured values, verdicts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

REFERENCE = "ann"


class Spec(BaseModel):
    """Limits on the validation; a limit left out is not checked.

    They hold for every mapping but ``ann``, the reference that the others must beat by ``ann_ratio_min``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    output_rmse_max_s: Annotated[float, Field(gt=0.0, le=1e-3)] | None = None
    ann_ratio_min: Annotated[float, Field(gt=0.0)] | None = None
    numerical_floor_max_s: Annotated[float, Field(gt=0.0, le=1e-3)] | None = None
    accuracy_spice_min: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    missed_and_extra_spikes_max: Annotated[int, Field(ge=0)] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One limit and what was measured. A value that could not be measured (None) does not pass."""

    parameter: str
    unit: str
    measured: float | None
    minimum: float | None = None
    maximum: float | None = None

    @property
    def passed(self) -> bool:
        """Inside its limits."""
        if self.measured is None:
            return False
        low = self.minimum is None or self.measured >= self.minimum
        return low and (self.maximum is None or self.measured <= self.maximum)

    def as_json(self) -> dict[str, Any]:
        """For summaries."""
        return asdict(self) | {"passed": self.passed}


def judge(spec: Spec, summary: dict[str, Any]) -> list[Verdict]:
    """A verdict for every limit that ``spec`` sets on a validation's summary."""
    mappings: dict[str, Any] = summary["mappings"]
    verdicts = []
    for name, mapping in mappings.items():
        if name == REFERENCE:
            continue
        rmse = mapping["spike_time_rmse_s"]["output"]
        if spec.output_rmse_max_s is not None:
            verdicts.append(
                Verdict(f"{name}: output spike-time RMSE", "s", rmse, maximum=spec.output_rmse_max_s)
            )
        if spec.ann_ratio_min is not None and REFERENCE in mappings:
            reference = mappings[REFERENCE]["spike_time_rmse_s"]["output"]
            ratio = reference / rmse if reference is not None and rmse else None
            verdicts.append(Verdict(f"{name}: RMSE of ann over it", "", ratio, minimum=spec.ann_ratio_min))
        if spec.accuracy_spice_min is not None:
            accuracy = mapping["accuracy_spice"]
            verdicts.append(
                Verdict(f"{name}: accuracy in SPICE", "", accuracy, minimum=spec.accuracy_spice_min)
            )
        if spec.missed_and_extra_spikes_max is not None:
            count = mapping["missed_spikes"] + mapping["extra_spikes"]
            limit = spec.missed_and_extra_spikes_max
            verdicts.append(Verdict(f"{name}: missed and extra spikes", "", count, maximum=limit))
    if spec.numerical_floor_max_s is not None:
        floor = summary["numerical_floor_s"]
        verdicts.append(Verdict("numerical floor", "s", floor, maximum=spec.numerical_floor_max_s))
    return verdicts
