"""The real simulator against closed forms."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from spicelib import RawRead

from nonideal.spice import (
    LADDER,
    Deck,
    FailureKind,
    Ngspice,
    Result,
    SimulationFailed,
    SimulatorOptions,
    climb,
    ngspice,
    run,
    run_many,
)
from nonideal.spice.raw import IncompleteRaw, read_raw

pytestmark = pytest.mark.spice

TAU_S = 1e-6


def rc(options: SimulatorOptions, name: str = "rc", t_stop_s: float = 5e-6) -> Deck:
    """A capacitor of 1 nF charged through 1 kohm from 0 to 1 V."""
    text = (
        "* rc\nV1 in 0 1\n.include load.inc\n.save v(out) i(v1)\n"
        f"{options.lines()}{options.tran(t_stop_s, uic=True)}.end\n"
    )
    load = "* load\nR1 in out 1k\nC1 out 0 1n ic=0\n"
    return Deck(name, text, {"load.inc": load}, ("v(out)", "v1#branch"), t_stop_s)


def error_V(result: Result) -> float:
    return float(np.abs(result["v(out)"] - (1 - np.exp(-result.axis / TAU_S))).max())


def test_rc_charging_follows_its_closed_form_and_converges(real: Ngspice, tmp_path: Path) -> None:
    coarse = SimulatorOptions(reltol=1e-3, max_step_s=200e-9, chgtol_C=1e-14)
    errors = [
        error_V(run(rc(options), real, tmp_path, 20))
        for options in (coarse, coarse.tightened(2), coarse.tightened(4), coarse.tightened(8))
    ]
    assert errors[0] < 3e-3
    ratios = np.array(errors[:-1]) / np.array(errors[1:])
    assert ratios[-1] == pytest.approx(4, rel=0.4)  # trapezoidal: second order
    result = run(rc(SimulatorOptions()), real, tmp_path, 20)
    assert error_V(result) < 2e-5
    assert result.axis[-1] == pytest.approx(5e-6, rel=1e-9)
    assert result["i(V1)"][-1] == pytest.approx(-1e-3 * np.exp(-5), rel=1e-2)
    assert np.diff(result.axis).max() <= 10e-9 * 1.001
    assert 0 < result.seconds_cpu < 2


def test_every_rung_gives_the_same_charge(real: Ngspice, tmp_path: Path) -> None:
    deck = rc(SimulatorOptions(max_step_s=20e-9))
    for rung in LADDER:
        result = run(rung.apply(deck), real, tmp_path, 20, rung=rung.name)
        assert error_V(result) < 2e-4
        steps = np.diff(result.axis).max()
        assert steps <= 20e-9 * rung.step_factor * 1.001
        assert f".tran 2e-08 5e-06 0 {20e-9 * rung.step_factor:.12g} uic" in (
            tmp_path / f"rc+{rung.name}.cir"
        ).read_text() or (rung.step_factor == 1)


def test_the_deck_on_disk_runs_by_hand(real: Ngspice, tmp_path: Path) -> None:
    result = run(rc(SimulatorOptions()), real, tmp_path, 20)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".spiceinit", "load.inc", "rc.cir", "rc.log"]
    subprocess.run(
        [real.path, "-b", "-r", "hand.raw", "rc.cir"], cwd=tmp_path, check=False, capture_output=True
    )
    (plot,) = read_raw(tmp_path / "hand.raw")
    np.testing.assert_array_equal(plot["v(out)"], result["v(out)"])


DIVIDER = "* divider\nV1 in 0 dc 1 ac 1\nV2 b 0 2\nR1 in OUT 1k\nR2 OUT b 1k\n.save v(OUT) i(V1)\n"


def test_a_sweep_and_a_nested_sweep(real: Ngspice, tmp_path: Path) -> None:
    result = run(Deck("dc", DIVIDER + ".dc V1 0 1.8 0.1\n.end\n", vectors=("v(out)",)), real, tmp_path, 20)
    np.testing.assert_allclose(result.axis, np.linspace(0, 1.8, 19), atol=1e-12)
    np.testing.assert_allclose(result["v(out)"], result.axis / 2 + 1, atol=1e-9)
    nested = Deck("nest", DIVIDER + ".dc V1 0 1 0.5 V2 1 2 1\n.end\n", vectors=("v(out)",))
    result = run(nested, real, tmp_path, 20)
    np.testing.assert_allclose(result["v(out)"], [0.5, 0.75, 1.0, 1.0, 1.25, 1.5], atol=1e-9)


@pytest.mark.parametrize(
    "sweep", ["0 1.8 0.01", "0.43 1.36 0.03", "1.8 0 -0.1", "-0.3 0.9 0.05", "0 1 0.3", "0 1 0.0001"]
)
def test_our_count_of_points_is_ngspice_s(sweep: str, real: Ngspice, tmp_path: Path) -> None:
    deck = Deck("dc", DIVIDER + f".dc V1 {sweep}\n.end\n", vectors=("v(out)",))
    (analysis,) = deck.analyses()
    assert run(deck, real, tmp_path, 20).axis.size - analysis.least_points() in (0, 1)
    assert analysis.shortfall(np.zeros(analysis.least_points() - 1)) is not None


def test_several_analyses_and_spicelib_as_witness(real: Ngspice, tmp_path: Path) -> None:
    cards = ".ac dec 5 1 1meg\n.dc V1 0 1 0.1\n.tran 10n 5u\n.op\n.end\n"
    deck = Deck("all", DIVIDER + cards, vectors=("v(out)", "i(v1)"), t_stop_s=5e-6)
    result = run(deck, real, tmp_path, 20, keep_raw=True)
    assert len(result.plots) == 4
    with pytest.raises(LookupError, match="4 plots"):
        result["v(out)"]
    assert result.find("oper")["v(out)"].tolist() == [1.5]
    assert result.find("ac")["v(out)"] == pytest.approx(np.full(31, 0.5 + 0j))
    witness = RawRead(tmp_path / "all.raw", dialect="ngspice", verbose=False)
    for mine, theirs in zip(result.plots, witness.plots, strict=True):
        assert mine.title == theirs.raw_params["Plotname"]
        for name, values in mine.vectors.items():
            np.testing.assert_array_equal(values, theirs.get_trace(name).get_wave())

    content = (tmp_path / "all.raw").read_bytes()
    cut = tmp_path / "cut.raw"
    for length in [*range(0, len(content), 97), len(content) - 1]:
        cut.write_bytes(content[:length])
        try:
            plots = read_raw(cut)
        except IncompleteRaw:
            continue
        assert len(plots) < 4, "a cut file may only pass with fewer plots, which the verdict refuses"


def test_what_ngspice_cannot_do_is_a_failure(real: Ngspice, tmp_path: Path) -> None:
    loop = "* loop\nV1 in 0 1\nV2 in 0 2\n.save v(in)\n.tran 1n 1u\n.end\n"
    with pytest.raises(SimulationFailed) as caught:
        run(Deck("loop", loop, vectors=("v(in)",), t_stop_s=1e-6), real, tmp_path, 20)
    assert caught.value.kind == FailureKind.short
    with pytest.raises(SimulationFailed) as caught:
        climb(
            Deck("m", "* m\nM1 a a 0 0 nomodel\n.save v(a)\n.op\n.end\n", vectors=("v(a)",)),
            real,
            tmp_path,
            20,
        )
    assert caught.value.kind == FailureKind.no_output
    assert "can't find model 'nomodel'" in caught.value.tail
    with pytest.raises(SimulationFailed) as caught:
        run(Deck("v", DIVIDER + ".op\n.end\n", vectors=("v(nowhere)",)), real, tmp_path, 20)
    assert caught.value.kind == FailureKind.missing_vector


def test_parallel_runs_agree_with_single_ones(real: Ngspice, tmp_path: Path) -> None:
    decks = [rc(SimulatorOptions(max_step_s=(5 + i) * 1e-9), f"rc{i}") for i in range(6)]
    outcomes = run_many(decks, jobs=2, folder=tmp_path / "many", timeout_s=20, ngspice=real)
    for deck, outcome in zip(decks, outcomes, strict=True):
        assert isinstance(outcome, Result)
        np.testing.assert_array_equal(outcome["v(out)"], run(deck, real, tmp_path, 20)["v(out)"])


@pytest.fixture
def outside_tmp() -> Iterator[Path]:
    with TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


def no_compiler() -> str:
    raise FileNotFoundError("no C++ compiler found")


@pytest.mark.parametrize("launcher", ["compiled", "Python"])
def test_a_deck_forced_past_the_wall_reaches_nothing(
    real: Ngspice, tmp_path: Path, outside_tmp: Path, monkeypatch: pytest.MonkeyPatch, launcher: str
) -> None:
    """With the check of decks taken away: no program starts, nothing outside is written, nothing of the user's is read."""
    if launcher == "Python":
        monkeypatch.setattr("nonideal.files.compiled.find_compiler", no_compiler)
        monkeypatch.setattr("nonideal.spice.ngspice._confiner", ngspice._confiner.__wrapped__)
    elif "confine.py" in ngspice._confiner()[-1]:
        pytest.skip("no C++ compiler")
    if not real.confined:
        pytest.skip("this kernel has no Landlock: runs are not confined")
    monkeypatch.setattr("nonideal.spice.grammar.check_text", lambda deck, text: None)
    # Not below /tmp: what lies there can be read, for ngspice keeps a nameless file of its own in it.
    folder, outside = tmp_path / "decks", outside_tmp
    (outside / "secret").write_text("echo the secret\n")
    commands = [
        f"shell touch {outside}/hacked", f"shell echo hi > {outside}/hacked", "shell touch hacked", "shell kill -9 $PPID",
        f"echo hi > {outside}/hacked", "echo hi > hacked", f"source {outside}/secret", f"write {outside}/hacked",
        f"wrdata {outside}/hacked v(a)", f"cd {outside}", "set", f"codemodel {outside}/x.cm",
    ]  # fmt: skip
    for number, command in enumerate(commands):
        text = f"* t\nV1 a 0 1\nR1 a 0 1k\n*#{command}\n.save v(a)\n.op\n.end\n"
        with suppress(SimulationFailed):
            run(Deck(f"d{number}", text, vectors=("v(a)",)), real, folder, 20)
        assert "the secret" not in (folder / f"d{number}.log").read_text(), command
        names = {path.name for path in folder.iterdir() if path.suffix not in (".cir", ".log", ".raw")}
        assert names == {".spiceinit"}, command
        assert [path.name for path in outside.iterdir()] == ["secret"], command


def test_another_init_file_is_not_read(
    real: Ngspice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in (".spiceinit", "spice.rc", "spinit"):
        (other / name).write_text("echo not ours\n")
    for variable in ("SPICE_USERINIT_DIR", "SPICE_SCRIPTS", "SPICE_LIB_DIR", "HOME"):
        monkeypatch.setenv(variable, str(other))
    monkeypatch.chdir(other)
    result = run(rc(SimulatorOptions()), real, tmp_path / "decks", 20)
    assert error_V(result) < 2e-5
    assert "not ours" not in (tmp_path / "decks/rc.log").read_text()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (".model m nmos level=1 foo=3\nM1 a a 0 0 m w=1u l=1u\n", FailureKind.misread),
        ("V3 c 0 PWL(0 0 2n 1 1n 2)\nR3 c 0 1k\n", FailureKind.misread),
        (".subckt s a\nR1 a 0 1\n.ends\nX1 a 0 0 s\n", FailureKind.no_output),
    ],
)
def test_a_circuit_that_is_not_the_deck_s_is_a_failure(
    body: str, kind: FailureKind, real: Ngspice, tmp_path: Path
) -> None:
    text = f"* t\nV1 a 0 1\nR1 a 0 1k\n{body}.save v(a)\n.tran 1n 100n\n.end\n"
    with pytest.raises(SimulationFailed) as caught:
        climb(Deck("t", text, vectors=("v(a)",), t_stop_s=1e-7), real, tmp_path, 20)
    assert caught.value.kind == kind
    assert len(caught.value.attempts) == 1 + (kind == FailureKind.no_output)
