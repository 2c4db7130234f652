"""The bias generator over corners, temperatures and supplies; its start; what spikes do to its lines.

    python bench/generator.py settle [--inferences 24]
    python bench/generator.py start
    python bench/generator.py kick
    python bench/generator.py area

``settle``: the loop closed, nothing derived anew, one transient a line, from the loop's reset. Currents are those of a unit of either polarity
and of a discharger at the reset level, against home; I/I_dis is what of them is left once the loop has set the common current. Capacitors off
the chip are left out, for lines behind them follow the loop more slowly than it settles. ``start``: how long after the supplies currents
stay within 1 %. ``kick``: by how much a unit's charge runs ahead (ns of its current) at a time after other units have begun to conduct.
``area``: of the devices with what stands between them, by cell, estimated.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from nonideal.characterize.generator import INFERENCES, Settled, everywhere, kick, start_up_s, survey
from nonideal.characterize.generator_bench import GeneratorBench
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.circuits.generator.area import areas_um2
from nonideal.circuits.generator.generator import Generator
from nonideal.circuits.generator.sizes import GeneratorSizes
from nonideal.sky130_models import Corner, find_pdk
from nonideal.spice import Cache, SimulatorOptions

LAYERS = 2
CAPACITORS_F = (0.0, 1e-10, 1e-9, 1e-8)
SPIKES = {"1 synapse of code 15": (15,), "5 of code 4": (4,) * 5, "4 of code 15": (15,) * 4}
AFTER_S = (20e-9, 100e-9, 300e-9, 990e-9)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("settle", "start", "kick", "area"))
    parser.add_argument("--inferences", type=int, default=INFERENCES)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("/tmp/generator"))
    given = parser.parse_args()
    if given.what == "area":
        area()
        return
    cache = Cache(given.out / "cache")
    bench = Workbench(find_pdk(), Corner.tt, SimulatorOptions(), given.jobs, 1800.0, cache)
    if given.what == "settle":
        settled(bench, bench_of(0.0), given.out, given.inferences)
    elif given.what == "start":
        started(bench, given.out)
    else:
        kicked(bench, given.out)


def bench_of(capacitor_F: float, layers: int = LAYERS) -> GeneratorBench:
    """The default generator, its lines with such capacitors."""
    design = Design.model_validate({"synapse": {"kind": "coded"}})
    sizes = GeneratorSizes(line_capacitor_F=capacitor_F)
    return GeneratorBench(Generator.of(sizes, design, layers), design)


def settled(bench: Workbench, made: GeneratorBench, folder: Path, count: int) -> None:
    """Print the table of ``everywhere``."""
    places = everywhere()
    found = survey(bench, made, places, folder / "settle", count=count)
    home = found[0]
    print(
        f"{'':22} inferences   replica    silent   I_N      I_P      I_dis    I_N/I_dis I_P/I_dis  static  control-middle"
    )
    print(
        f"{'':22} until 2 ns   ns         ns       home     home     home     home      home       uA      mV"
    )
    for place, one in zip(places, found, strict=True):
        print(f"{place.label:22} {row(one, home)}")
    print(
        f"home: {', '.join(f'I_{key} {1e9 * value:.3f} nA' for key, value in home.current_A.items())}; ",
        end="",
    )
    print(", ".join(f"{net} {volts:.4f} V" for net, volts in home.bias_V.items()))


def row(one: Settled, home: Settled) -> str:
    """A line of the table."""
    currents = " ".join(f"{one.current_A[key] / home.current_A[key]:8.4f}" for key in ("n", "p", "dis"))
    ratios = " ".join(f"{one.ratio(key) / home.ratio(key):9.4f}" for key in ("n", "p"))
    control_mV = 1e3 * (one.bias_V["control"] - one.bias_V["middle"])
    inferences = "-" if one.inferences is None else str(one.inferences)
    return (
        f"{inferences:>10} {1e9 * one.replica_s[-1]:9.2f} {1e9 * one.silent_s[-1]:9.2f}  {currents} {ratios} "
        f"{1e6 * one.static_A:9.2f} {control_mV:9.1f}"
    )


def started(bench: Workbench, folder: Path) -> None:
    """Print how long the start takes, by capacitor."""
    for capacitor_F in CAPACITORS_F[:3]:
        # The P line falls by its unit's threshold: some 2 ms for 1 nF.
        stop_s = 5e-5 + 5e6 * capacitor_F
        found = start_up_s(bench, bench_of(capacitor_F, 1), folder / "start", stop_s=stop_s)
        told = ", ".join(f"I_{key} {1e6 * value:.1f} us" for key, value in found.items())
        print(f"{1e9 * capacitor_F:6.1f} nF: {told}")


def kicked(bench: Workbench, folder: Path) -> None:
    """Print what spikes do to a unit that goes on, by polarity, capacitor and number of units."""
    print(f"{'':28} {'nF':>5}  " + " ".join(f"{1e9 * after:5.0f} ns" for after in AFTER_S))
    for polarity in "np":
        for told, codes in SPIKES.items():
            for capacitor_F in CAPACITORS_F:
                found = kick(bench, bench_of(capacitor_F, 1), polarity, codes, folder / "kick")
                moved = " ".join(f"{1e9 * found.after_s(after):8.3f}" for after in AFTER_S)
                print(f"{polarity}: {told:25} {1e9 * capacitor_F:5.1f} {moved}", flush=True)


def area() -> None:
    """Print the estimate of the area."""
    found = areas_um2(bench_of(0.0).generator)
    for name, area_um2 in found.items():
        print(f"{name:18} {area_um2:8.0f} um2")
    print(f"{'in all':18} {sum(found.values()):8.0f} um2")


if __name__ == "__main__":
    main()
