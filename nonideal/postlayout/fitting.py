"""What is fitted before networks are compared: the dischargers' bias, and the factor on a mapping's currents."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch

from nonideal.characterize.trim import Trim, trim_discharger
from nonideal.circuits.network.inference import Inference
from nonideal.circuits.network.mapping import map_weights
from nonideal.circuits.network.testbench import Circuit
from nonideal.pnn import Reversal
from nonideal.pnn.draw import drawn_by_class
from nonideal.postlayout.errors import SamplesFailed
from nonideal.postlayout.plan import BLIND
from nonideal.postlayout.prediction import unclipped_times
from nonideal.postlayout.runner import Runner
from nonideal.postlayout.scale import STEP, Scale, mapping_rmse, model_scale, refine
from nonideal.spice import Failure


def trim(runner: Runner) -> Trim | None:
    """The bias of all dischargers on an extracted netlist; None on the schematic, and where nothing is fitted."""
    plan = runner.plan
    if plan.netlist == "schematic" or not any(map(plan.fitted, plan.networks)):
        return None
    off = map_weights(
        [np.zeros((n, m)) for m, n in pairwise(plan.circuit.topology.layers)],
        plan.model,
        design=plan.circuit.design,
    )
    found = trim_discharger(plan.circuit, off.biases("off"), runner.simulate)
    runner.say(
        f"discharger bias {plan.circuit.vdis_V:.4f} V on the schematic, {found.vdis_V:.4f} V on the {plan.netlist} netlist"
    )
    return found


def scale_of(runner: Runner, mapping: str, circuit: Circuit) -> Scale:
    """The factors with which a mapping is written back: 1 where nothing is fitted, else found on training samples: in SPICE, or on the model.

    Raises ``SamplesFailed`` as ``_calibrated`` does.
    """
    plan = runner.plan
    if mapping in BLIND:
        return Scale(1.0, 1.0)
    if not plan.fitted(mapping):
        runner.say(
            f"{mapping}: the current scale that the columns' model finds on the training samples; none is searched in SPICE"
        )
        (silicon,) = (plan.networks[name] for name in sorted(BLIND & set(plan.networks)))
        return model_scale(
            mapping,
            plan.networks[mapping],
            silicon,
            plan.dataset.train_x,
            low=plan.scale_low,
            high=plan.scale_high,
            step=plan.scale_step,
        )
    runner.say(f"{mapping}: finding the current scale on {runner.plan.calibration_samples} training samples")
    return _calibrated(runner, mapping, circuit)


def _calibrated(runner: Runner, mapping: str, circuit: Circuit) -> Scale:
    """The mapping's scale, from training samples that are drawn by class.

    Raises ``SamplesFailed`` when fewer than half of them gave a result.
    """
    plan = runner.plan
    t_circ_s = plan.model.t_circ_s
    network = plan.networks[mapping]
    chosen = drawn_by_class(plan.dataset.train_y, plan.calibration_samples)
    start = model_scale(
        mapping,
        network,
        Reversal.current_dependent(plan.model),
        plan.dataset.train_x,
        low=plan.scale_low,
        high=plan.scale_high,
        step=plan.scale_step,
    )
    inputs = plan.dataset.train_x[torch.from_numpy(chosen)]
    promised = unclipped_times(network, inputs)[-1]

    def error(scales: list[Scale]) -> list[float]:
        outcomes: list[Inference | Failure] = []
        for scale in scales:
            tag = f"scale_{mapping}_{round(1e4 * scale.positive)}_{round(1e4 * scale.negative)}"
            outcomes += runner.infer(circuit, runner.biases(tag, mapping, scale)[0], inputs.numpy())
        errors = []
        for k in range(len(scales)):
            part = outcomes[k * len(inputs) : (k + 1) * len(inputs)]
            good = [i for i, outcome in enumerate(part) if isinstance(outcome, Inference)]
            failed = [outcome for outcome in part if isinstance(outcome, Failure)]
            if failed:
                first = f"first {failed[0].name}: {failed[0].message} ({failed[0].folder})"
                told = f"mapping {mapping}: {len(failed)} of {len(part)} calibration samples failed in SPICE, {first}"
                if len(failed) > len(good):
                    raise SamplesFailed(told)
                runner.say(f"{told}; the scale is found without them")
            last = [outcome.times_s[-1] for outcome in part if isinstance(outcome, Inference)]
            seen = np.stack(last) / t_circ_s
            errors.append(mapping_rmse(promised[good], seen) * t_circ_s)
        return errors

    if plan.netlist == "schematic":
        return refine(start, error)
    return refine(start, error, expected=1.1, steps=(0.08, STEP))
