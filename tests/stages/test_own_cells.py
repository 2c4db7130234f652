"""Files of own cells through the command line: what may not be is told with its place, and nothing runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from nonideal.cli.main import main

PORTS = "axon axon_b dendrite bias_n bias_p vdd vss"
NFET, PFET = "sky130_fd_pr__nfet_01v8", "sky130_fd_pr__pfet_01v8"
SYNAPSE = f"""\
.subckt synapse {PORTS}
XMNM dendrite bias_n xn vss {NFET} w=1 l=0.25
XMNS xn axon vss vss {NFET} w=1 l=0.25
XMPM dendrite bias_p xp vdd {PFET} w=1 l=0.25
XMPS xp axon_b vdd vdd {PFET} w=1 l=0.25
.ends synapse
"""
DRIVER = f".subckt driver trigger phase out out_b vdd vss\nXM out out_b vss vss {NFET} w=1 l=0.15\n.ends\n"
NEURON = (
    f".subckt neuron dendrite spike spike_b phase reset reset_b iso iso_b v0 vdis vsense vdd vss\n"
    f"XMDI membrane vdis dx vss {NFET} w=1 l=0.5\nXdriver sense phase spike spike_b vdd vss driver\n.ends\n"
)
CASES = {
    "own_cell_shell": (
        f"{SYNAPSE}\n;#echo code ran in $inputdir > pwned\n!#shell id >> pwned\n".encode(),
        "cell.spice, line 8: `;#echo code ran in $inputdir > pwned`",
    ),
    "latin1": (
        "* synapse, W = 1 \xb5m, after J. M\xfcller\n".encode("latin1") + SYNAPSE.encode(),
        "cell.spice, line 1, byte 18 of it: byte 0xb5 is not UTF-8",
    ),
    "whole_file": (
        (SYNAPSE + DRIVER + NEURON).encode(),
        "cell.spice also holds driver and neuron, which would not replace ours",
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("command", ["characterize", "reproduce", "netlist"])
def test_a_cell_that_may_not_be_ends_a_command_before_anything_runs(
    case: str,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    content, told = CASES[case]
    (tmp_path / "cell.spice").write_bytes(content)
    (tmp_path / "mine.toml").write_text('name = "mine"\n[circuit.cells]\nsynapse = "cell.spice"\n')
    with pytest.raises(SystemExit) as ended:
        main([command, "--experiment", "mine.toml"])
    assert ended.value.code == 2
    assert told in " ".join(capsys.readouterr().err.split())
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["cell.spice", "mine.toml"]
