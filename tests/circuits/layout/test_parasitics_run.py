"""Our own extraction as a run: a process of its own, its limits, the cache, the options, what is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from nonideal.circuits.extraction import (
    NO_REDUCTION,
    ExtractionOptions,
    ExtractorMissing,
    Progress,
    Sidewall,
    extract,
    extraction_key,
    read_progress,
)
from nonideal.circuits.extraction.kpex import PINNED, Kpex, Run
from nonideal.circuits.extraction.parasitics import (
    extract_parasitics,
    find_native,
)
from nonideal.circuits.extraction.parasitics.exchange import read_arrays
from nonideal.circuits.extraction.parasitics.library import Native
from nonideal.circuits.extraction.parasitics.run import run_native
from nonideal.circuits.layout.errors import ExtractionFailed
from nonideal.cli.exit_code import ExitCode, exit_code_of
from nonideal.experiment.experiment import Experiment
from nonideal.spice.errors import Interrupted
from tests.circuits.layout.structures import KPEX, ports_and_devices


def test_an_extraction_tells_who_made_it_and_is_kept(native: Native, tmp_path: Path) -> None:
    ports, devices = ports_and_devices("1-1")

    def run(sidewall: Sidewall) -> Any:
        return extract(
            KPEX / "1-1.lvsdb.gz", ports, devices, folder=tmp_path / "run", cache=tmp_path / "cache", native=native,
            options=ExtractionOptions(extractor="nonideal", sidewall=sidewall, reduction=NO_REDUCTION),
        )  # fmt: skip

    found = run("full")
    found.write(tmp_path)
    told = json.loads((tmp_path / "pex.json").read_text())
    assert (told["extractor"], told["sidewall"], told["cached"]) == ("nonideal", "full", False)
    assert set(told["tools"]) == {"nonideal", "sky130A", "klayout"}
    again = run("full")
    assert again.cached
    assert again.text == found.text
    assert not run("halved").cached


def test_every_run_says_the_same(native: Native, tmp_path: Path) -> None:
    """Whatever Python's hashes are: names of nodes, order and values."""
    program = (
        "import sys; from pathlib import Path; from nonideal.circuits.extraction.parasitics import extract_parasitics\n"
        "sys.stdout.write(extract_parasitics(Path(sys.argv[1]), mode='RC').text())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program, str(KPEX / "1-1.lvsdb.gz")],
            env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("0", "1", "2", "3")
    }  # fmt: skip
    assert len(said) == 1


def in_a_process(native: Native, folder: Path, database: Path, **given: Any) -> Run:
    given = {"mode": "RC", "sidewall": "full", "timeout_s": 100.0} | given
    return run_native(native, database, folder / "run", **given)


def test_a_process_of_its_own_says_the_same(native: Native, tmp_path: Path) -> None:
    """And tells its stages, and what it cost."""
    made = in_a_process(native, tmp_path, KPEX / "1-1.lvsdb.gz", sidewall="halved")
    here = extract_parasitics(KPEX / "1-1.lvsdb.gz", mode="RC", sidewall="halved", native=native)
    assert read_arrays(made.netlist).text() == here.text()
    assert 0 < made.seconds_cpu < 60
    assert read_progress(made.netlist.parent, "nonideal", "RC") == Progress("netlist", pytest.approx(0.9))


def test_what_the_process_refuses_is_told_as_it_says_it(native: Native, tmp_path: Path) -> None:
    (tmp_path / "x.lvsdb").write_text("nothing")
    with pytest.raises(ExtractionFailed, match=rf"^{tmp_path}/x\.lvsdb: there is no circuit in it$"):
        in_a_process(native, tmp_path, tmp_path / "x.lvsdb")


def test_time_and_memory_are_limited(native: Native, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = KPEX / "8-8.lvsdb.gz"
    with pytest.raises(ExtractionFailed, match=r"not done after 0\.3 s"):
        in_a_process(native, tmp_path, database, timeout_s=0.3)
    monkeypatch.setenv("NONIDEAL_MEMORY_GB", "0.3")
    with pytest.raises(ExtractionFailed, match=r"more memory than 0\.3 GB; set NONIDEAL_MEMORY_GB"):
        in_a_process(native, tmp_path, database)
    assert not (tmp_path / "run/extracted.npz").exists()


def test_it_ends_when_nobody_wants_it(native: Native, tmp_path: Path) -> None:
    stop = Event()
    stop.set()
    with pytest.raises(Interrupted):
        in_a_process(native, tmp_path, KPEX / "8-8.lvsdb.gz", stop=stop)


def test_a_damaged_library_is_told(native: Native, tmp_path: Path) -> None:
    (tmp_path / "kernel.so").write_bytes(b"no library")
    with pytest.raises(ExtractionFailed, match=r"the extraction ended with code 1(.|\n)*kernel\.so"):
        in_a_process(replace(native, library=tmp_path / "kernel.so"), tmp_path, KPEX / "1-1.lvsdb.gz")


def test_extractors_are_kept_apart(native: Native, tmp_path: Path) -> None:
    """In the cache: by who extracted, by the version of its code and of its constants."""
    (tmp_path / "x.lvsdb").write_text("database")
    tools = (
        native,
        replace(native, sources_sha256="0"),
        replace(native, technology_sha256="0"),
        Kpex(tmp_path / "kpex", PINNED),
    )
    assert len({extraction_key(tmp_path / "x.lvsdb", ExtractionOptions(), tool) for tool in tools}) == 4


def test_it_is_the_default() -> None:
    assert ExtractionOptions().extractor == Experiment(name="x").extraction.extractor == "nonideal"


def test_options_of_kpex_are_not_ours() -> None:
    with pytest.raises(ValueError, match="nonideal"):
        ExtractionOptions(extractor="nonideal", halo_um=4.0)


def test_without_a_compiler_it_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setenv("NONIDEAL_CACHE", str(tmp_path))
    with pytest.raises(ExtractorMissing, match=r"no-such-compiler.*--extractor kpex") as caught:
        find_native()
    assert exit_code_of(caught.value) == ExitCode.missing
