"""What tests of several rooms share: the real tools where there are any, and one characterisation on them.

`make test` runs modules side by side in several processes. What is real and dear is made by one of them, and read by the others
(`once`, `known`).
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock

from nonideal.files import write_bytes

if TYPE_CHECKING:
    from nonideal.characterize.column import Column
    from nonideal.characterize.model import PhysicalModel
    from nonideal.characterize.options import CharacterizeOptions
    from nonideal.characterize.spread import Spread
    from nonideal.characterize.stage import Characterization
    from nonideal.characterize.workbench import Workbench
    from nonideal.spice import Cache

pytest_plugins = ("tests.tiny",)

WorkbenchMaker = Callable[..., "Workbench"]
Once = Callable[[str, Callable[[], Any]], Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules with slow tests come first: where several processes share the modules, the last one is then a short one.

    Of those that share simulations one comes before all others, the rest after the slow ones that share none: what the first process
    simulates is then known when the others ask.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    sharing = {item.path for item in items if "known" in getattr(item, "fixturenames", ())}
    both = [item.path for item in items if item.path in slow & sharing]
    first = next((path for path in both if path.stem == "test_loop"), both[0] if both else None)
    items.sort(key=lambda item: (item.path != first, item.path not in slow, item.path in sharing))


def side_by_side() -> bool:
    """Whether this process is one of several that share the tests."""
    return "PYTEST_XDIST_WORKER" in os.environ


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run of the tests have, and no other run."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if side_by_side() else own) / "common"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def once(common: Path) -> Once:
    """``once(name, make)``: what ``make`` gives, made by the process that asks first; the others wait, and read it."""

    def made(name: str, make: Callable[[], Any]) -> Any:
        path = common / f"{name}.pickle"
        with FileLock(common / f"{name}.lock"):
            if not path.exists():
                write_bytes(path, pickle.dumps(make()))
        return pickle.loads(path.read_bytes())

    return made


@pytest.fixture(scope="session")
def known(common: Path) -> Cache:
    """Simulations by their content, for benches that several tests run: each is run once, whoever asks."""
    from nonideal.spice import Cache

    return Cache(common / "simulations")


@pytest.fixture(scope="session")
def make_workbench() -> WorkbenchMaker:
    """A workbench on the installed simulator and PDK, tt unless told; skips where one is missing."""
    from nonideal.characterize.workbench import Workbench
    from nonideal.sky130_models import Corner, PdkMissing, find_pdk
    from nonideal.spice import SimulatorMissing, SimulatorOptions, find_ngspice

    try:
        find_ngspice()
        pdk = find_pdk()
    except (SimulatorMissing, PdkMissing) as error:
        pytest.skip(str(error))
    jobs = 1 if side_by_side() else min(2, os.cpu_count() or 1)

    def make(corner: Corner = Corner.tt, cache: Cache | None = None, timeout_s: float = 120.0) -> Workbench:
        return Workbench(pdk, corner, SimulatorOptions(), jobs, timeout_s, cache=cache)

    return make


@pytest.fixture(scope="session")
def coarse() -> CharacterizeOptions:
    """Sweeps of half as many points as the stage makes: one choice for all tests, so that they share the simulations."""
    from nonideal.characterize.options import CharacterizeOptions

    return CharacterizeOptions(bias_step_V=0.025, membrane_step_V=0.05)


@pytest.fixture(scope="session")
def characterization(
    make_workbench: WorkbenchMaker,
    coarse: CharacterizeOptions,
    known: Cache,
    once: Once,
    tmp_path_factory: pytest.TempPathFactory,
) -> Characterization:
    """The default design at tt on real SPICE, swept coarsely."""
    from nonideal.characterize.stage import characterize
    from nonideal.circuits.design import Design

    folder = tmp_path_factory.mktemp("characterization") / "decks"
    return once(
        "characterization", lambda: characterize(make_workbench(cache=known), Design(), coarse, folder)
    )


@pytest.fixture
def column() -> Column:
    """A column of round numbers, five axons."""
    from nonideal.characterize.column import Column, TurnOn
    from nonideal.characterize.estimate import estimate

    return Column(
        netlist="pex-rc",
        axons=5,
        vdis_V=0.552,
        v_0_V=estimate(1.298, 0.0, "V"),
        v_th_V=estimate(0.9, 2e-4, "V"),
        discharge_norm=estimate(0.157, 1e-3, "1"),
        membrane_F=estimate(130e-15, 2e-17, "F"),
        coupling_F=estimate(0.2e-15, 4e-18, "F"),
        positive=TurnOn(delay_s=estimate(2.5e-10, 4e-11, "s"), charge_C=estimate(-1.8e-17, 5e-18, "C")),
        negative=TurnOn(delay_s=estimate(2e-10, 5e-11, "s"), charge_C=estimate(-2.4e-17, 4e-18, "C")),
        driver_delay_s=estimate(1.4e-10, 1e-13, "s"),
        spike_load_s=estimate(7e-11, 4e-12, "s"),
        firing_rms_s=1.8e-10,
        turn_on_rms_V=8e-5,
        check_rms_s=6e-10,
        check_spikes=12,
    )


@pytest.fixture
def spread() -> Spread:
    """Mismatch of round numbers: sigma(ln I) is 0.3 / sqrt(1 + |w| / 4) and 0.2 / sqrt(1 + |w| / 20), a weight being 110 nA."""
    import numpy as np

    from nonideal.characterize.estimate import Estimate, estimate
    from nonideal.characterize.spread import LibraryCheck, NeuronSpread, Response, Spread, SynapseSpread

    weight = np.geomspace(0.02, 3.0, 9)

    def drawn(value: float) -> Estimate:
        return estimate(value, value / 20, "1")

    def synapse(memory: str, select: str, weak: float, bend: float) -> SynapseSpread:
        return SynapseSpread(
            memory=memory,
            select=select,
            memory_gain=estimate(-1.0, 1e-4, "1"),
            ln_current=tuple(np.log(110e-9 * weight)),
            select_slope_per_V=tuple(-0.004 * weight),
            select_curvature_per_V2=(-0.1,) * 9,
            sigma_ln_current=tuple(drawn(weak / np.sqrt(1.0 + w / bend)) for w in weight),
            sigma_lambda_rel=tuple(drawn(0.01 * w) for w in weight),
            residual_ln_current=(1e-4,) * 9,
            draws=200,
        )

    def response(slope: float, unit: str = "1/V") -> Response:
        return Response(slope=estimate(slope, abs(slope) / 1000, unit), curvature=0.0)

    fet, capacitor = "sky130_fd_pr__nfet_01v8 1 x 0.25", "sky130_fd_pr__cap_mim_m3_2 7 x 7"
    return Spread(
        sigmas={
            "synapse": {"MNM": 0.0124, "MNS": 0.0124, "MPM": 0.0117, "MPS": 0.0117},
            "neuron": {"MDI": 0.007, "MSB": 0.012, "CM": 0.00066},
            "driver": {"MN1": 0.02},
        },
        positive=synapse("MNM", "MNS", 0.3, 4.0),
        negative=synapse("MPM", "MPS", 0.2, 20.0),
        neuron=NeuronSpread(
            ln_ramp={"MDI": response(-22.0)},
            threshold={"MSB": response(-1.25), "CM": response(0.8, "1")},
            threshold_with_ramp={"MSB": estimate(-0.4, 0.005, "1/V")},
            sigma_ln_ramp=drawn(0.15),
            sigma_threshold=drawn(0.02),
            residual_s=1.7e-10,
            draws=199,
            left_out=1,
        ),
        library=(
            LibraryCheck(
                device=fet,
                sigma=0.0124,
                library_mean=-3e-4,
                library_sigma=0.0125,
                draws=1000,
                confidence=0.99975,
                agrees=True,
            ),
            LibraryCheck(
                device=capacitor,
                sigma=6.6e-4,
                library_mean=2e-5,
                library_sigma=9e-4,
                draws=1000,
                confidence=0.99975,
                agrees=False,
            ),
        ),
        seed=20260,
    )


@pytest.fixture(scope="session")
def noisy_model() -> PhysicalModel:
    """The model that ships, with the noise of the default design, measured and rounded."""
    import numpy as np

    from nonideal.characterize.estimate import estimate
    from nonideal.characterize.noise import Noise, RampNoise, SenseNoise, SynapseNoise
    from nonideal.pnn.presets import preset

    model = preset("sky130_tt")
    weight = np.array([0.02, 0.1, 0.4, 1.0, 2.0])
    current_A = weight * model.unit_current_A()
    shot = 2 * 1.602e-19 * current_A

    def synapse(
        ratio: list[float], slope: float, flicker: float, flicker_slope: float, exponent: float
    ) -> SynapseNoise:
        return SynapseNoise(
            ln_current=tuple(np.log(current_A)),
            white=tuple(estimate(x, x / 500, "A^2/Hz") for x in ratio * shot),
            white_slope_per_V=(slope,) * 5,
            flicker=tuple(estimate(x, x / 500, "A^2/Hz") for x in flicker * current_A**2),
            flicker_slope_per_V=(flicker_slope,) * 5,
            exponent=exponent,
            shot_ratio=tuple(ratio),
        )

    noise = Noise(
        temperature_C=27.0,
        positive=synapse([2.2, 2.0, 1.8, 1.64, 1.5], 0.38, 3.9e-7, 0.34, 0.84),
        negative=synapse([0.58, 0.42, 0.39, 0.42, 0.47], -0.6, 1e-7, -0.46, 1.0),
        silent_A2_per_Hz=2.4e-29,
        ramp=RampNoise(
            per_charge_s_per_C=estimate(1.14e7, 1e4, "s/C"),
            white_s=estimate(2.6e-12, 5e-15, "s^2/s"),
            white_delay_s=49e-9,
            flicker=estimate(3.0e-7, 3e-10, "1/Hz"),
            flicker_delay_s=37e-9,
            exponent=0.84,
        ),
        sense={
            "MSN": SenseNoise(white_s2=1.4e-19, flicker_s=1.7e-11, window_s=81e-9, exponent=1.2),
            "MSB": SenseNoise(white_s2=1.0e-19, flicker_s=3.4e-11, window_s=74e-9, exponent=1.0),
            "driver_MN1": SenseNoise(white_s2=5e-22, flicker_s=0.0, window_s=8e-9, exponent=0.84),
        },
        grid_error=0.01,
    )
    return model.model_copy(update={"noise": noise})


@pytest.fixture(scope="session")
def chip_model() -> PhysicalModel:
    """The model that ships, with the mismatch of the default design, measured on 200 draws and rounded."""
    import numpy as np

    from nonideal.characterize.estimate import Estimate, estimate
    from nonideal.characterize.spread import NeuronSpread, Response, Spread, SynapseSpread
    from nonideal.pnn.presets import preset

    def about(value: float, unit: str = "1") -> Estimate:
        return estimate(value, abs(value) / 20, unit)

    def synapse(
        memory: str, select: str, gain: float, slope: list[float], curvature: float, sigma: list[float]
    ) -> SynapseSpread:
        return SynapseSpread(
            memory=memory,
            select=select,
            memory_gain=about(gain),
            ln_current=tuple(np.linspace(-20.0, -15.0, 5)),
            select_slope_per_V=tuple(slope),
            select_curvature_per_V2=(curvature,) * 5,
            sigma_ln_current=tuple(about(value) for value in sigma),
            sigma_lambda_rel=(about(0.01),) * 5,
            residual_ln_current=(1e-4,) * 5,
            draws=200,
        )

    def response(slope: float, curvature: float = 0.0) -> Response:
        return Response(slope=about(slope, "1/V"), curvature=curvature)

    leaf = {"MN1": 0.0204, "MN2": 0.0204, "MP1": 0.0151, "MP2": 0.0151, "MN3": 0.0204, "MP3": 0.0107}
    neuron = {
        "MISN": 0.0204, "MISP": 0.0151, "MDUN": 0.0442, "MDUP": 0.0214, "CM": 0.000657, "MRN": 0.0554, "MRP": 0.0233,
        "MDI": 0.00715, "MDE": 0.0554, "MSN": 0.0109, "MSP": 0.0219, "MSB": 0.0122,
    }  # fmt: skip
    spread = Spread(
        sigmas={
            "synapse": {"MNM": 0.0124, "MNS": 0.0124, "MPM": 0.0117, "MPS": 0.0117},
            "driver": leaf,
            "neuron": neuron | {f"driver_{path}": sigma for path, sigma in leaf.items()},
        },
        positive=synapse(
            "MNM", "MNS", -1.0013, [-0.001, -0.001, -0.002, -0.005, -0.011], -0.115,
            [0.306, 0.297, 0.283, 0.262, 0.238],
        ),
        negative=synapse(
            "MPM", "MPS", -0.981, [0.0107, 0.0053, 0.0038, 0.0124, 0.034], -0.2, [0.234, 0.202, 0.183, 0.18, 0.173]
        ),
        neuron=NeuronSpread(
            ln_ramp={"MDI": response(-21.8, -12.8)},
            threshold={
                "CM": response(0.803), "MDI": response(-0.771, 5.65), "MSN": response(-1.1), "MSB": response(-1.26, 3.3),
                "MSP": response(-0.012), "MISP": response(0.0115), "driver_MN1": response(0.029), "driver_MP1": response(0.018),
            },
            threshold_with_ramp={"MSB": about(-0.412, "1/V")},
            sigma_ln_ramp=about(0.154),
            sigma_threshold=about(0.0186),
            residual_s=1.7e-10,
            draws=200,
        ),
        library=(),
        seed=20260,
    )  # fmt: skip
    return preset("sky130_tt").model_copy(update={"spread": spread})
