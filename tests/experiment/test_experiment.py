from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonideal.characterize.errors import NoSpread
from nonideal.characterize.spread import Spread
from nonideal.characterize.variation import layer_variation
from nonideal.experiment.data import Data
from nonideal.experiment.errors import ExperimentError
from nonideal.experiment.experiment import Experiment, load_experiment, parse_experiment
from nonideal.experiment.units import UNITS, convert, same_quantity, split
from nonideal.pnn.checkpoint import load_header
from nonideal.pnn.errors import DataError
from nonideal.pnn.images import IDX_FILES
from nonideal.pnn.matrices import load_matrices
from nonideal.pnn.options import TrainingOptions
from nonideal.pnn.presets import preset
from nonideal.pnn.variation import Variation
from nonideal.stages.training_job import spread_of, train_one

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"


def problems(data: dict[str, object]) -> list[str]:
    with pytest.raises(ExperimentError) as caught:
        parse_experiment({"name": "x", **data}, "x.toml")
    assert str(caught.value).startswith("x.toml: ")
    return caught.value.problems


def test_every_shipped_experiment_loads_under_its_file_name() -> None:
    files = sorted(EXPERIMENTS.glob("*.toml"))
    assert {"iris", "wine"} <= {f.stem for f in files}
    for file in files:
        assert load_experiment(str(file)).name == file.stem


def test_iris_is_the_papers_experiment() -> None:
    iris = load_experiment("iris")
    assert iris.training.layers == (5, 5, 5)
    assert iris.data.test_samples == iris.validation.samples == 50
    assert len(iris.training.seeds) == 5
    assert iris.training.loss.early_spike == 0.2
    assert iris.circuit.timing.t_circ_s == 1e-6


def test_iris_states_the_defaults_where_it_says_so() -> None:
    iris = load_experiment("iris")
    bare = Experiment(name="iris")
    assert iris.model_copy(update={"spec": bare.spec}) == bare


def test_other_experiments_differ_in_data_and_layers() -> None:
    wine = load_experiment("wine")
    assert (wine.data.set, wine.training.layers) == ("wine", (14, 6, 3))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"sead": 1}, ["sead = 1", "unknown key", "'seed'"]),
        ({"circut": {"timing": {}}}, ["[circut]", "'circuit'"]),
        ({"training": {"epoch": 5}}, ["training.epoch = 5", "'epochs'"]),
        ({"training": {"corner": "tt"}}, ["training.corner = 'tt'", "belongs to [process]"]),
        ({"circuit": {"timing": {"t_circ_us": 1}}}, ["t_circ_us = 1", "given in s", "t_circ_s = 1e-06"]),
        ({"circuit": {"timing": {"t_circ": 1e-6}}}, ["circuit.timing.t_circ", "needs its unit", "t_circ_s"]),
        ({"circuit": {"supplies": {"vdd_mV": 1800}}}, ["vdd_mV = 1800", "write vdd_V = 1.8"]),
        ({"circuit": {"supplies": {"vdd_V": 2.5}}}, ["supplies.vdd_V = 2.5", "1.98", "unit of this key is V"]),
        ({"simulator": {"abstol_fA": 10}}, ["abstol_fA", "abstol_A = 1e-14"]),
        ({"circuit": {"supplies": {"v0_V": "1.3 V"}}}, ["supplies.v0_V = '1.3 V'", "bare number in V"]),
        ({"circuit": {"timing": {"t_circ_s": 1e-12}}}, ["t_circ_s = 1e-12", "greater than or equal to", "unit of this key is s"]),
        ({"circuit": {"timing": {"guard_s": 50}}}, ["guard_s = 50", "less than", "unit of this key is s"]),
        ({"circuit": {"supplies": {"v0_V": 1.7, "vdd_V": 1.65}}}, ["v0_V = 1.7", "vdd_V = 1.65"]),
        ({"process": {"corner": "tf"}}, ["process.corner = 'tf'", "did you mean 'tt'"]),
        ({"training": {"variants": ["pn"]}}, ["training.variants[0] = 'pn'", "'pnn'"]),
        ({"training": {"layers": [5]}}, ["training.layers = [5]", "at least 2"]),
        ({"training": {"layers": [5, 0, 5]}}, ["training.layers[1] = 0"]),
        ({"training": {"seeds": [1, 1]}}, ["training.seeds = [1, 1]", "twice"]),
        ({"data": {"set": "irs"}}, ["data.set = 'irs'", "iris, wine"]),
        ({"validation": {"samples": 80}}, ["validation.samples = 80", "data.test_samples = 50"]),
        ({"training": {"variants": ["pnn"]}, "validation": {"mappings": ["bottom_up"]}}, ["bottom_up", "training.variants"]),
        ({"characterize": {"draws": 20}}, ["characterize.draws = 20", "at least 50, or 0"]),
        ({"characterize": {"on": "pex"}}, ["characterize.on = 'pex'", "'pex-rc'"]),
        ({"spec": {"bottom_up": {"hidden_rmse_max_ns": 1}}}, ["bottom_up.hidden_rmse_max_ns = 1", "hidden_rmse_max_s = 1e-09"]),
        ({"validation": {"current_scale": {"low": 2.0, "high": 1.5}}}, ["low = 2.0", "high = 1.5"]),
        ({"simulator": {"reltol": 5}}, ["reltol = 5", "between"]),
        ({"name": "a.b; shell rm"}, ["';'", "deck"]),
        ({"name": "../up"}, ["name = '../up'"]),
    ],
)  # fmt: skip
def test_a_problem_names_key_value_and_way_out(data: dict[str, object], told: list[str]) -> None:
    (line,) = problems(data)
    for words in told:
        assert words in line


def test_all_problems_are_told_at_once_and_followups_are_not() -> None:
    found = problems({"sead": 1, "circuit": {"timing": {"t_circ_us": 1}}, "training": {"variants": ["x"]}})
    assert len(found) == 3
    with pytest.raises(ExperimentError, match="2 problems"):
        parse_experiment(
            {"nam": "x", "sead": 1}, "x.toml"
        )  # the misspelt name is not also reported as missing


def test_levels_that_follow_the_supply_are_numbers_downstream() -> None:
    low = parse_experiment({"name": "x", "circuit": {"supplies": {"vdd_V": 1.6}}}, "x.toml")
    assert low.section("circuit.supplies") == {
        "vdd_V": 1.6,
        "v0_V": 1.15,
        "vsense_V": 0.75,
        "temperature_C": 27.0,
    }


def test_missing_name_is_described() -> None:
    with pytest.raises(ExperimentError, match=r"name is missing: names the run directory"):
        parse_experiment({}, "x.toml")


def test_file_errors_name_the_file(write_toml: Callable[[str, str], Path], tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"broken\.toml: not valid TOML.*line 2"):
        load_experiment(str(write_toml("broken", 'name = "broken"\nseed = = 1\n')))
    with pytest.raises(ExperimentError, match=r"other\.toml: name = 'iris', but the file is called"):
        load_experiment(str(write_toml("other", 'name = "iris"\n')))
    (tmp_path / "latin.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(ExperimentError, match="not UTF-8"):
        load_experiment(str(tmp_path / "latin.toml"))
    with pytest.raises(ExperimentError, match="no such file"):
        load_experiment(str(tmp_path / "none.toml"))


def test_unknown_experiment_names_the_nearest() -> None:
    with pytest.raises(ExperimentError, match="did you mean 'iris'"):
        load_experiment("irsi", folders=(EXPERIMENTS,))


def test_toml_without_optional_sections_is_whole(write_toml: Callable[[str, str], Path]) -> None:
    loaded = load_experiment(str(write_toml("bare", 'name = "bare"\n')))
    assert loaded == Experiment(name="bare")


def test_simulator_options_take_the_circuits_temperature() -> None:
    experiment = parse_experiment({"name": "x", "simulator": {"reltol": 1e-5}}, "x.toml")
    options = experiment.simulator.options(85.0)
    assert (options.reltol, options.temperature_C) == (1e-5, 85.0)


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)), st.floats(1e-3, 1e3))
def test_units_convert_there_and_back(unit: str, other: str, value: float) -> None:
    if UNITS[unit][0] == UNITS[other][0]:
        assert convert(convert(value, unit, other), other, unit) == pytest.approx(value, rel=1e-9)
        assert same_quantity(f"x_{unit}", f"x_{other}") == (unit != other)
    else:
        assert not same_quantity(f"x_{unit}", f"x_{other}")


def test_split_leaves_keys_without_unit_alone() -> None:
    assert split("t_circ_us") == ("t_circ", "us")
    assert split("layers") == ("layers", "")
    assert split("s") == ("s", "")


def test_sizes_that_the_process_lacks_are_refused_before_anything_runs() -> None:
    circuit = {
        "synapse": {"memory_n": {"w_um": 0.1, "l_um": 0.25}},
        "neuron": {"sense_p": {"w_um": 1.001, "l_um": 0.15}},
    }
    with pytest.raises(ExperimentError) as told:
        parse_experiment({"name": "x", "circuit": circuit}, "x.toml")
    message = str(told.value)
    assert "circuit.synapse.memory_n: sky130_fd_pr__nfet_01v8: W = 0.1 um is outside 0.42..100 um" in message
    assert "circuit.neuron.sense_p: sky130_fd_pr__pfet_01v8_hvt: W = 1.001 um is off" in message


def test_presets_need_a_name() -> None:
    with pytest.raises(ExperimentError, match="sky130_tt"):
        parse_experiment({"name": "x", "training": {"preset": "sky13"}}, "x.toml")


def test_images_lie_in_a_folder_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Data().place is None
    monkeypatch.delenv("NONIDEAL_DATA", raising=False)
    assert Data(set="mnist").place == Path("data/mnist")
    monkeypatch.setenv("NONIDEAL_DATA", str(tmp_path))
    assert Data(set="mnist").place == tmp_path / "mnist"
    assert Data(set="mnist", folder="here").place == Path("here")


def test_missing_images_are_fetched_with_a_message_or_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    Data().fetch(said.append)
    with pytest.raises(
        DataError, match=r"files of mnist are not in .*nowhere.*--data, or \$NONIDEAL_DATA/mnist"
    ):
        Data(set="mnist", folder=str(tmp_path / "nowhere")).fetch(said.append)
    assert not said
    fetched: list[tuple[str, Path]] = []
    monkeypatch.setattr(
        "nonideal.pnn.images.download_openml", lambda name, place: fetched.append((name, place))
    )
    Data(set="mnist", folder=str(tmp_path), download=True).fetch(said.append)
    assert fetched == [("mnist", tmp_path)]
    assert said == [f"mnist is not in {tmp_path}: fetching it from OpenML"]
    for file in IDX_FILES:
        (tmp_path / f"{file}.gz").touch()
    Data(set="mnist", folder=str(tmp_path)).fetch(said.append)
    assert len(said) == len(fetched) == 1


def test_every_option_of_the_trainer_is_an_experiments_key() -> None:
    told = {
        "epochs": 7, "batch_size": 3, "learning_rate": 0.5, "schedule": "cosine", "loss": {"tau_soft": 0.5},
        "firing_promotion": 1e-5, "log_every_epochs": 4, "checkpoint_every_s": 1.0, "tensorboard": False,
        "accelerator": "auto", "devices": 2, "network": {"neuron": "ttfs", "layers": [4, 3]},
    }  # fmt: skip
    training = parse_experiment({"name": "x", "training": told}, "x.toml").training
    options = training.model_copy(update={"full_scale": "largest"}).options(3, bits=4)
    same = [name for name, value in options if value == TrainingOptions.model_fields[name].default]
    assert same == ["variation"]  # not of time-to-first-spike neurons


def test_training_on_drawn_chips_takes_the_measured_spread(spread: Spread) -> None:
    told = {"variation": {"chips": 4, "tail": 0.5, "scale": 0.1}, "layers": [3, 7, 2]}
    experiment = parse_experiment({"name": "x", "training": told}, "x.toml")
    model = preset("sky130_tt").model_copy(update={"spread": spread})
    layers = spread_of(experiment, model, (3, 7))
    assert layers == (layer_variation(model, 3), layer_variation(model, 7))
    variation = experiment.training.options(3, layers).variation
    assert variation == Variation(layers=layers, chips=4, tail=0.5, scale=0.1)
    bare = Experiment(name="x")
    assert spread_of(bare, model, (5, 5)) == ()
    assert bare.training.options(3).variation is None
    with pytest.raises(NoSpread, match=r"\[training.variation\]: .* set characterize.draws"):
        spread_of(experiment, preset("sky130_tt").model_copy(update={"spread": None}), (3, 7))
    shipped = experiment.changed({"training": {"preset": "sky130_tt"}})
    with pytest.raises(NoSpread, match=r"preset sky130_tt knows no mismatch: leave training.preset out"):
        spread_of(shipped, preset("sky130_tt").model_copy(update={"spread": None}), (3, 7))


def test_weights_of_a_coded_circuit_say_so(tmp_path: Path) -> None:
    told = {"epochs": 2, "tensorboard": False, "full_scale": "largest"}
    experiment = parse_experiment(
        {"name": "x", "circuit": {"synapse": {"kind": "coded", "bits": 3}}, "training": told}, "x.toml"
    )
    preset("sky130_tt").save(tmp_path / "model.json")
    trained = train_one(experiment, tmp_path / "model.json", "pnn", 1, tmp_path / "trained")
    found = load_matrices(trained.weights)
    assert (load_header(trained.weights).network.bits, found.bits) == (3, 3)
    assert trained.seed.full_scale == found.full_scales
    assert [int(abs(code).max()) for code in found.codes] == [7, 7]


def test_a_coded_circuit_trains_codes_and_no_other_does() -> None:
    told = {
        "name": "x",
        "circuit": {"synapse": {"kind": "coded", "bits": 5}},
        "training": {"full_scale": 1.5},
    }
    experiment = parse_experiment(told, "x.toml")
    options = experiment.training.options(1, bits=experiment.bits)
    assert (experiment.bits, options.bits, options.full_scale) == (5, 5, 1.5)
    assert experiment.section("bits") == 5
    analog = Experiment(name="x")
    assert (analog.bits, analog.training.options(1, bits=analog.bits).bits) == (None, None)
    with pytest.raises(
        ExperimentError, match=r"training.full_scale = 1.5 is of weights that are codes, .*leave it out"
    ):
        parse_experiment({"name": "x", "training": {"full_scale": 1.5}}, "x.toml")
    for wrong in (0, -1.0, "smallest"):
        with pytest.raises(ExperimentError, match=r"training.full_scale"):
            parse_experiment(told | {"training": {"full_scale": wrong}}, "x.toml")


def test_the_command_line_changes_keys_but_none() -> None:
    experiment = Experiment(name="x")
    changed = experiment.changed(
        {"data": {"folder": "here"}, "training": {"devices": 2, "accelerator": None}}
    )
    assert (changed.data.folder, changed.training.devices, changed.training.accelerator) == ("here", 2, "cpu")
    assert experiment.changed({"data": {"folder": None}}) == experiment


@pytest.mark.parametrize(
    ("training", "told"),
    [
        (
            {"layers": [5, 3], "network": {"layers": [3]}},
            ["layers and [training.network] exclude each other"],
        ),
        ({"variation": {"chips": 0}}, ["training.variation.chips = 0", "greater than"]),
        ({"variation": {"tail": 1.5}}, ["training.variation.tail = 1.5", "less than"]),
        ({"variation": {"scale": -1}}, ["training.variation.scale = -1", "greater than"]),
        ({"variation": {"spread": 0.3}}, ["training.variation.spread = 0.3", "unknown key"]),
        (
            {"variation": {}, "network": {"neuron": "ttfs", "layers": [3]}},
            ["[training.variation] is for RC-Spike neurons", "leave the section out"],
        ),
        (
            {"spike_noise": "measured", "network": {"neuron": "ttfs", "layers": [3]}},
            ["is of RC-Spike neurons", "give spike_noise_norm"],
        ),
        ({"firing_promotion": 1e-5}, ["firing_promotion is for network.neuron = 'ttfs'"]),
        (
            {"network": {"layers": [{"conv": 4, "kernal": 3}, 3]}},
            ["network.layers[0].kernal = 3", "'kernel'"],
        ),
        ({"network": {"layers": [{"pool": 0}, 3]}}, ["network.layers[0].pool = 0", "greater than"]),
        ({"network": {"layers": ["conv4", 3]}}, ["network.layers[0] = 'conv4'", "{ conv = channels }"]),
        ({"network": {"layers": [{"conv": 4}, 3]}}, ["data.set = mnist", "bias_axon = false"]),
        (
            {"network": {"neuron": "ttfs", "layers": [3]}, "method": "dstd", "dstd_order": 3},
            ["no third-order form"],
        ),
    ],
)
def test_a_network_that_cannot_be_is_refused(training: dict[str, object], told: list[str]) -> None:
    (line,) = problems({"training": training})
    for words in told:
        assert words in line


def test_a_tile_makes_no_bias_that_the_data_has_not() -> None:
    wine = load_experiment("wine_tile")
    data = {"set": "wine", "test_samples": 45, "bias_axon": False}
    (line,) = problems({**wine.model_dump(exclude_unset=True), "data": data})
    assert "tapeout.bias_on_tile = true" in line
    assert "data.bias_axon = false" in line


def test_layers_must_fit_the_image() -> None:
    data = {"set": "mnist", "encoding": "inverted", "bias_axon": False}
    (line,) = problems({"data": data, "training": {"network": {"layers": [{"pool": 5}, {"pool": 6}, 10]}}})
    assert "nothing is left of the image after layer 2" in line
    cnn = load_experiment("mnist_cnn")
    assert cnn.training.network is not None
    assert cnn.training.network.layers[0].conv == 16
    again = Experiment.model_validate_json(cnn.model_dump_json(exclude_unset=True))
    assert again == cnn


def test_pixels_are_pooled_for_images_that_they_divide() -> None:
    assert load_experiment("mnist14").data.image_shape == (1, 14, 14)
    (line,) = problems({"data": {"set": "mnist", "pool": 3}})
    assert "pool = 3: mnist has 28 x 28 pixels, choose one of 1, 2, 4, 7, 14, 28" in line
    (line,) = problems({"data": {"set": "iris", "pool": 2}})
    assert "data.pool is about images" in line


def test_experiments_are_in_the_wheel() -> None:
    setuptools = pytest.importorskip("setuptools")
    settings = tomllib.loads((EXPERIMENTS.parent / "pyproject.toml").read_text())["tool"]["setuptools"]
    packages = setuptools.find_namespace_packages(str(EXPERIMENTS.parent), **settings["packages"]["find"])
    assert f"nonideal.{EXPERIMENTS.name}" in packages
    assert "*.toml" in settings["package-data"]["*"]


def test_a_name_is_looked_for_here_and_then_beside_the_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_experiment("mnist").training.layers == (784, 400, 400, 10)
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments/mnist.toml").write_text('name = "mnist"\nseed = 5\n')
    assert load_experiment("mnist").seed == 5


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a = " + b"[" * 5000 + b"]" * 5000, "nested too deeply"),
        (b"[" + b".".join([b"a"] * 20_000) + b"]", ""),
        (b"seed = " + b"9" * 5000, "not valid TOML: Exceeds the limit"),
        (b'name = "a\0b"', "line 1, byte 10 of it: a NUL byte"),
        (b'name = "a\\u0000b"', "name"),
        (b'name = "a"\n# \xe4', "line 2, byte 3 of it: byte 0xe4 is not UTF-8"),
        (b"[training]\nbatch_size = 1e25", "training.batch_size"),
        (b"[training]\nlearning_rate = nan", "training.learning_rate = nan: not a number: give a finite one"),
    ],
)
def test_no_text_for_an_experiment_is_a_defect(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(content)
    with pytest.raises(ExperimentError) as caught:
        load_experiment(str(path))
    assert told in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_an_experiment(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b'\xef\xbb\xbfname = "a"\r\n')
    assert load_experiment(str(tmp_path / "a.toml")).name == "a"
