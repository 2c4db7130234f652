"""The command line. Heavy imports happen inside the commands, so that help is instant."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from nonideal.cli.ending import Ending, told_to_end
from nonideal.cli.exit_code import ExitCode, exit_code_of
from nonideal.cli.options import (
    AcceleratorOption,
    ChipOption,
    ChipsOption,
    ClipOption,
    Common,
    DataOption,
    DebugOption,
    DevicesOption,
    ExperimentArgument,
    Extractor,
    ExtractorOption,
    FirstChipOption,
    ForceOption,
    HiddenOption,
    JsonOption,
    KeepSenseOption,
    Kind,
    NetlistOption,
    OverrideOption,
    SamplesOption,
    SpiceChipsOption,
    SpiceOption,
    TemperatureOption,
    VaryOption,
    with_common,
)
from nonideal.cli.output import console, finish, print_json, report_error
from nonideal.cli.streams import OutputClosed, OutputFailed, guarded

app = typer.Typer(
    name="nonideal",
    help="Co-design of analog in-memory computing: characterise silicon, train its physics, write back.",
    epilog="Exit codes: 0 pass, 1 out of spec, 2 bad input, 3 tool or PDK missing, "
    "4 simulator or tool failed or disk full, "
    "129 hung up, 130 interrupted, 141 output closed, 143 terminated.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(epilog="Example: nonideal characterize --experiment iris --corner tt,ff,ss,sf,fs")
@with_common
def characterize(
    common: Common,
    *,
    extractor: ExtractorOption = Extractor.kpex,
    override: OverrideOption = False,
    force: ForceOption = False,
) -> None:
    """Sweep the circuit in ngspice, measure its columns and fit the physical model (model.json)."""
    with common.session(force=force) as opened:
        outcomes = opened.characterize(extractor.value, override=override)
    finish(outcomes, common.as_json)


@app.command(
    epilog="Example: nonideal explore --vary neuron.mim_w_um+neuron.mim_l_um=5,7,9 --vary timing.hold_s=2e-9,5e-9"
)
@with_common
def explore(
    common: Common,
    *,
    vary: VaryOption = None,
    extractor: ExtractorOption = Extractor.kpex,
    force: ForceOption = False,
) -> None:
    """Rank design choices by spike-time error, area and energy, each measured anew (table.csv, pareto.png)."""
    from nonideal.stages.explore import vary_from_options

    changes = {"explore": {"vary": vary_from_options(vary or ()) or None}}
    with common.session(force=force, like="schematic", changes=changes) as opened:
        outcomes = opened.explore(extractor.value)
    finish(outcomes, common.as_json)


@app.command(epilog="Example: nonideal conditions --corner tt,ss --temperature -40,27,125 --spice 3")
@with_common
def conditions(
    common: Common,
    *,
    temperature: TemperatureOption = None,
    spice: SpiceOption = None,
    keep_sense: KeepSenseOption = False,
    force: ForceOption = False,
) -> None:
    """Characterise corners and temperatures, and try the trained network in each (table.csv, conditions.png)."""
    from dataclasses import replace

    from nonideal.stages.conditions import section_from_options

    changes = {
        "conditions": section_from_options(common.corner, temperature, spice, False if keep_sense else None)
    }
    # Here corners are what is compared, in one run directory, not where the whole command runs.
    with replace(common, corner=None).session(force=force, like="schematic", changes=changes) as opened:
        outcomes = opened.conditions()
    finish(outcomes, common.as_json)


@app.command("yield", epilog="Example: nonideal yield --experiment iris --chips 1000 --spice-chips 20")
@with_common
def yield_(
    common: Common,
    *,
    chips: ChipsOption = None,
    first_chip: FirstChipOption = None,
    spice_chips: SpiceChipsOption = None,
    netlist: NetlistOption = Kind.schematic,
    vary: VaryOption = None,
    hidden: HiddenOption = None,
    force: ForceOption = False,
) -> None:
    """Draw chips: what fraction classifies as well as the model, as written and trimmed (yield.csv, yield.png)."""
    from nonideal.cli.options import sizes
    from nonideal.stages.explore import vary_from_options

    asked = {
        "chips": chips,
        "first_chip": first_chip,
        "spice_chips": spice_chips,
        "vary": vary_from_options(vary or ()) or None,
        "hidden": None if hidden is None else sizes("--hidden", hidden),
    }
    with common.session(force=force, like=netlist.value, changes={"chips": asked}) as opened:
        outcomes = opened.chips(netlist.value)
    finish(outcomes, common.as_json)


@app.command(epilog="Example: nonideal calibrate --chip 7")
@with_common
def calibrate(
    common: Common,
    *,
    chip: ChipOption,
    netlist: NetlistOption = Kind.schematic,
    force: ForceOption = False,
) -> None:
    """Measure chips in SPICE, trim their biases to the converters' steps, and write their netlists."""
    with common.session(force=force, like=netlist.value) as opened:
        outcomes = opened.calibrate(chip, netlist.value)
    finish(outcomes, common.as_json)


@app.command(epilog="Example: nonideal train mnist --data data/mnist")
@with_common
def train(
    common: Common,
    name: ExperimentArgument = None,
    *,
    data: DataOption = None,
    accelerator: AcceleratorOption = None,
    devices: DevicesOption = None,
    force: ForceOption = False,
) -> None:
    """Train every variant on every seed, on the physical model (weights.safetensors). Needs a simulator only to train for other conditions."""
    changes = {
        "data": {"folder": None if data is None else str(data)},
        "training": {"accelerator": accelerator and accelerator.value, "devices": devices},
    }
    with common.session(name, force=force, changes=changes) as opened:
        outcomes = opened.run(("shift", "training"))
    finish(outcomes, common.as_json)


@app.command(
    epilog="Example: nonideal netlist --weights weights.safetensors --model model.json --out network.spice"
)
@with_common
def netlist(
    common: Common,
    *,
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights",
            help="Any weights: ours, a plain .safetensors, .pt or .pth of a state_dict, .npz or .npy; without it, the experiment's own.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="The netlist to write, with --weights; its mapping goes beside it as .csv."
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            help="The physical model, with --weights: a file, or a name such as sky130_tt (default: the experiment's).",
        ),
    ] = None,
    clip: ClipOption = False,
    force: ForceOption = False,
) -> None:
    """Turn trained weights into bias voltages and a SPICE network (network.spice, mapping.csv)."""
    from nonideal.cli.own_files import write_given
    from nonideal.experiment.errors import BadOption

    if (weights is None) != (out is None):
        raise BadOption(
            "--weights and --out belong together: give both, or neither for the experiment's own weights"
        )
    if weights is not None and out is not None:
        summary = write_given(
            common.experiment,
            weights=weights,
            out=out,
            model=model,
            run_dir=common.run_dir,
            corner=common.corner,
            clip=clip,
            force=force,
        )
        if common.as_json:
            print_json(summary)
        else:
            counts = f"{summary['synapses']} synapses, {summary['clipped']} clipped, {summary['off']} off"
            console().print(f"{out}: {counts}; mapping in {summary['mapping']}, pins in {summary['pins']}")
            if summary["order"] is not None:
                order = f"layers in the order {', '.join(summary['order'])}"
                left = f"; left out: {', '.join(summary['left_out'])}" if summary["left_out"] else ""
                console().print(f"{order}{left}; {summary['realised']}", markup=False)
            for note in (summary["circuit_unknown"], summary["model_unknown"]):
                if note is not None:
                    console().print(f"note: {note}", markup=False)
        return
    if model is not None:
        raise BadOption("--model belongs to --weights and --out")
    with common.session(force=force) as opened:
        outcomes = opened.run(("netlist",), {"netlist": {"clip": True}} if clip else None)
    finish(outcomes, common.as_json)


@app.command(epilog="Example: nonideal layout --layers 32,32 --out layouts/32x32")
@with_common
def layout(
    common: Common,
    *,
    layers: Annotated[
        str | None,
        typer.Option(
            "--layers",
            help="Any layer sizes, inputs first, as 32,32 (with --out); default: the experiment's.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The folder for GDS, layer properties and reports, with --layers."),
    ] = None,
    netlist: NetlistOption = Kind.schematic,
    extractor: ExtractorOption = Extractor.kpex,
    override: OverrideOption = False,
    force: ForceOption = False,
) -> None:
    """Draw the network, check it (DRC, LVS) and, with --netlist pex-c or pex-rc, extract its parasitics."""
    from nonideal.cli.own_files import draw_given
    from nonideal.experiment.errors import BadOption
    from nonideal.stages.layout import layout_options

    if (layers is None) != (out is None):
        raise BadOption(
            "--layers and --out belong together: give both, or neither for the experiment's own network"
        )
    options = layout_options(netlist.value, extractor.value, override=override)
    if layers is not None and out is not None:
        summary = draw_given(
            common.experiment, layers=layers, out=out, options=options, jobs=common.jobs, force=force
        )
        if common.as_json:
            print_json(summary)
        else:
            console().print(
                f"{out}: {summary['devices']} devices, {summary['area_um2']:.0f} um2, "
                f"{summary['drc_violations']} DRC violations, LVS {'matches' if summary['lvs_matched'] else 'DIFFERS'}"
            )
        return
    with common.session(force=force) as opened:
        outcomes = opened.run(("layout",), {"layout": options})
    finish(outcomes, common.as_json)


@app.command(epilog="Example: nonideal validate-post-layout --netlist schematic --jobs 2")
@with_common
def validate_post_layout(
    common: Common,
    context: typer.Context,
    *,
    netlist: NetlistOption = Kind.schematic,
    samples: SamplesOption = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights",
            help="A network trained elsewhere (with --model and --data), in a run directory of its own.",
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", help="The physical model it was trained on: a file, or a name such as sky130_tt."
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option("--data", help="Its samples: a CSV, Parquet or .npz file, or a set's name, as iris."),
    ] = None,
    clip: ClipOption = False,
    force: ForceOption = False,
) -> None:
    """Simulate the written-back networks in ngspice and compare their spikes with the models'."""
    from nonideal.experiment.errors import BadOption

    if weights is not None and model is not None and data is not None:
        from nonideal.cli.own_network import Trained

        asked = Trained(weights, model, data, netlist=netlist.value, clip=clip)
        named = context.get_parameter_source("experiment")
        own = None if named is None or named.name == "DEFAULT" else common.experiment
        finish(asked.validate(common, own, samples=samples, force=force), common.as_json)
        return
    if clip or any(given is not None for given in (weights, model, data)):
        raise BadOption(
            "--weights, --model and --data belong together (--clip to them): give all three, or none for the experiment's own network"
        )
    with common.session(force=force, samples=samples) as opened:
        outcomes = opened.run(("validation",), {"validation": {"netlist": netlist.value}})
    finish(outcomes, common.as_json)


@app.command(epilog="Example: nonideal report --experiment iris")
@with_common
def report(
    common: Common,
    *,
    samples: SamplesOption = None,
) -> None:
    """Write report.html and report.md on whatever stages were run."""
    with common.session(samples=samples) as opened:
        reports = opened.reports()
    finish([], common.as_json, reports)


@app.command(epilog="Example: nonideal reproduce --experiment iris --samples 5")
@with_common
def reproduce(
    common: Common,
    *,
    netlist: NetlistOption = Kind.pex_rc,
    extractor: ExtractorOption = Extractor.kpex,
    samples: SamplesOption = None,
    override: OverrideOption = False,
    force: ForceOption = False,
) -> None:
    """Run the whole loop: characterize, train, netlist, layout, validate, report. Continues where it was."""
    with common.session(force=force, samples=samples, like=netlist.value) as opened:
        outcomes, reports = opened.loop(netlist.value, extractor.value, override=override)
    finish(outcomes, common.as_json, reports)


@app.command(epilog="Example: nonideal doctor --json")
def doctor(as_json: JsonOption = False, debug: DebugOption = False) -> None:
    """Say what was found (ngspice, PDK, torch, kpex ...) and what to do about what was not."""
    from nonideal.cli.doctor import examine, table, width_of

    findings = examine()
    if as_json:
        print_json({"findings": [f.as_json() for f in findings], "ok": all(f.fine for f in findings)})
    else:
        out = console()
        out.print(table(findings), width=width_of(out))
    if not all(f.fine for f in findings):
        raise typer.Exit(ExitCode.missing)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every declared exception becomes one message and an exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        with told_to_end() as ending, guarded():
            _run(arguments, ending)
    except OutputClosed:
        sys.exit(ExitCode.closed_pipe)
    except OutputFailed as error:
        report_error(error, ExitCode.tool_failed, as_json=False)
        sys.exit(ExitCode.tool_failed)


def _run(arguments: list[str], ending: Ending) -> None:
    as_json = "--json" in arguments
    try:
        app(args=arguments, prog_name="nonideal")
    except SystemExit as ended:
        if ended.code == ExitCode.interrupted:
            _end(ending, as_json)
        raise
    except OutputFailed:
        raise
    except Exception as error:
        if ending.number is not None:  # what was cut off may say so in its own way
            _end(ending, as_json)
        code = exit_code_of(error)
        if code is None or "--debug" in arguments:
            import traceback

            traceback.print_exc()
        report_error(error, code, as_json)
        sys.exit(code if code is not None else ExitCode.tool_failed)


def _end(ending: Ending, as_json: bool) -> NoReturn:
    report_error(KeyboardInterrupt(ending.told), ExitCode(ending.code), as_json)
    sys.exit(ending.code)


if __name__ == "__main__":
    main()
