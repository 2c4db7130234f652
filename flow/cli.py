"""The command line. Heavy imports happen inside the commands, so that help is instant."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from flow.exit_code import ExitCode, exit_code_of
from flow.options import (
    AcceleratorOption,
    CornerOption,
    DataOption,
    DebugOption,
    DevicesOption,
    ExperimentArgument,
    ExperimentOption,
    Extractor,
    ExtractorOption,
    ForceOption,
    JobsOption,
    JsonOption,
    Kind,
    NetlistOption,
    OverrideOption,
    RunDirOption,
    SamplesOption,
    SchedulerOption,
)
from flow.output import console, finish, print_json, report_error

app = typer.Typer(
    name="nonideal",
    help="Co-design of analog in-memory computing: characterise silicon, train its physics, write back.",
    epilog="Exit codes: 0 pass, 1 out of spec, 2 bad input, 3 tool or PDK missing, "
    "4 simulator or tool failed, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(epilog="Example: nonideal characterize --experiment iris --corner tt,ff,ss,sf,fs")
def characterize(
    *,
    experiment: ExperimentOption = "iris",
    jobs: JobsOption = None,
    corner: CornerOption = None,
    scheduler: SchedulerOption = None,
    run_dir: RunDirOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Sweep the circuit in ngspice and fit the physical model (model.json)."""
    from flow.session import session

    with session(
        experiment, run_dir=run_dir, jobs=jobs, corner=corner, scheduler=scheduler, force=force
    ) as opened:
        outcomes = opened.run(("characterization",))
    finish(outcomes, as_json)


@app.command(epilog="Example: nonideal train mnist --data data/mnist")
def train(
    name: ExperimentArgument = None,
    *,
    experiment: ExperimentOption = "iris",
    data: DataOption = None,
    accelerator: AcceleratorOption = None,
    devices: DevicesOption = None,
    jobs: JobsOption = None,
    corner: CornerOption = None,
    scheduler: SchedulerOption = None,
    run_dir: RunDirOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Train every variant on every seed, on the physical model (weights.safetensors). Needs no simulator."""
    from flow.session import session

    with session(
        name or experiment,
        run_dir=run_dir,
        jobs=jobs,
        corner=corner,
        scheduler=scheduler,
        force=force,
        changes={
            "data": {"folder": None if data is None else str(data)},
            "training": {"accelerator": accelerator and accelerator.value, "devices": devices},
        },
    ) as opened:
        outcomes = opened.run(("training",))
    finish(outcomes, as_json)


@app.command(
    epilog="Example: nonideal netlist --weights weights.safetensors --model model.json --out network.spice"
)
def netlist(
    *,
    experiment: ExperimentOption = "iris",
    weights: Annotated[
        Path | None,
        typer.Option("--weights", help="Any trained weights file; without it, the experiment's own."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="The netlist to write, with --weights; its mapping goes beside it as .csv."
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", help="The physical model, with --weights (default: the experiment's)."),
    ] = None,
    clip: Annotated[
        bool,
        typer.Option(
            "--clip",
            help="Clip weights outside the realisable range (they are counted) instead of refusing them.",
        ),
    ] = False,
    jobs: JobsOption = None,
    corner: CornerOption = None,
    scheduler: SchedulerOption = None,
    run_dir: RunDirOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Turn trained weights into bias voltages and a SPICE network (network.spice, mapping.csv)."""
    from flow.errors import BadOption
    from flow.session import session, write_given

    if (weights is None) != (out is None):
        raise BadOption(
            "--weights and --out belong together: give both, or neither for the experiment's own weights"
        )
    if weights is not None and out is not None:
        summary = write_given(
            experiment, weights=weights, out=out, model=model, run_dir=run_dir, corner=corner, clip=clip
        )
        if as_json:
            print_json(summary)
        else:
            counts = f"{summary['synapses']} synapses, {summary['clipped']} clipped"
            console().print(f"{out}: {counts}; mapping in {summary['mapping']}")
        return
    if model is not None:
        raise BadOption("--model belongs to --weights and --out")
    with session(
        experiment, run_dir=run_dir, jobs=jobs, corner=corner, scheduler=scheduler, force=force
    ) as opened:
        outcomes = opened.run(("netlist",), {"netlist": {"clip": True}} if clip else None)
    finish(outcomes, as_json)


@app.command(epilog="Example: nonideal layout --layers 32,32 --out layouts/32x32")
def layout(
    *,
    experiment: ExperimentOption = "iris",
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
    jobs: JobsOption = None,
    corner: CornerOption = None,
    scheduler: SchedulerOption = None,
    run_dir: RunDirOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Draw the network, check it (DRC, LVS) and, with --netlist pex-c or pex-rc, extract its parasitics."""
    from flow.errors import BadOption
    from flow.layout import layout_options
    from flow.session import draw_given, session

    if (layers is None) != (out is None):
        raise BadOption(
            "--layers and --out belong together: give both, or neither for the experiment's own network"
        )
    drawn_only = Kind.schematic if layers is not None else netlist
    options = layout_options(drawn_only.value, extractor.value, override=override)
    if layers is not None and out is not None:
        summary = draw_given(experiment, layers=layers, out=out, override=override)
        if as_json:
            print_json(summary)
        else:
            console().print(
                f"{out}: {summary['devices']} devices, {summary['area_um2']:.0f} um2, "
                f"{summary['drc_violations']} DRC violations, LVS {'matches' if summary['lvs_matched'] else 'DIFFERS'}"
            )
        return
    with session(
        experiment, run_dir=run_dir, jobs=jobs, corner=corner, scheduler=scheduler, force=force
    ) as opened:
        outcomes = opened.run(("layout",), {"layout": options})
    finish(outcomes, as_json)


@app.command(epilog="Example: nonideal validate-post-layout --netlist schematic --jobs 2")
def validate_post_layout(
    *,
    experiment: ExperimentOption = "iris",
    netlist: NetlistOption = Kind.schematic,
    samples: SamplesOption = None,
    jobs: JobsOption = None,
    corner: CornerOption = None,
    scheduler: SchedulerOption = None,
    run_dir: RunDirOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Simulate the written-back networks in ngspice and compare their spikes with the models'."""
    from flow.session import session

    with session(
        experiment,
        run_dir=run_dir,
        jobs=jobs,
        corner=corner,
        scheduler=scheduler,
        force=force,
        samples=samples,
    ) as opened:
        outcomes = opened.run(("validation",), {"validation": {"netlist": netlist.value}})
    finish(outcomes, as_json)


@app.command(epilog="Example: nonideal report --experiment iris")
def report(
    *,
    experiment: ExperimentOption = "iris",
    corner: CornerOption = None,
    samples: SamplesOption = None,
    jobs: JobsOption = None,
    scheduler: SchedulerOption = None,
    run_dir: RunDirOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write report.html and report.md on whatever stages were run."""
    from flow.session import session

    with session(
        experiment, run_dir=run_dir, jobs=jobs, corner=corner, scheduler=scheduler, samples=samples
    ) as opened:
        reports = opened.reports()
    finish([], as_json, reports)


@app.command(epilog="Example: nonideal reproduce --experiment iris --samples 5")
def reproduce(
    *,
    experiment: ExperimentOption = "iris",
    netlist: NetlistOption = Kind.pex_rc,
    extractor: ExtractorOption = Extractor.kpex,
    samples: SamplesOption = None,
    override: OverrideOption = False,
    jobs: JobsOption = None,
    corner: CornerOption = None,
    scheduler: SchedulerOption = None,
    run_dir: RunDirOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Run the whole loop: characterize, train, netlist, layout, validate, report. Continues where it was."""
    from flow.session import session

    with session(
        experiment,
        run_dir=run_dir,
        jobs=jobs,
        corner=corner,
        scheduler=scheduler,
        force=force,
        samples=samples,
    ) as opened:
        outcomes, reports = opened.loop(netlist.value, extractor.value, override=override)
    finish(outcomes, as_json, reports)


@app.command(epilog="Example: nonideal doctor --json")
def doctor(as_json: JsonOption = False, debug: DebugOption = False) -> None:
    """Say what was found (ngspice, PDK, torch, kpex ...) and what to do about what was not."""
    from flow.doctor import examine, table

    findings = examine()
    if as_json:
        print_json({"findings": [f.as_json() for f in findings], "ok": all(f.fine for f in findings)})
    else:
        console().print(table(findings))
    if not all(f.fine for f in findings):
        raise typer.Exit(ExitCode.missing)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every declared exception becomes one message and an exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        app(args=arguments, prog_name="nonideal")
    except SystemExit as ended:
        if ended.code == ExitCode.interrupted:
            told = "interrupted; what is finished is kept, and the same command goes on from there"
            report_error(KeyboardInterrupt(told), ExitCode.interrupted, "--json" in arguments)
        raise
    except Exception as error:
        code = exit_code_of(error)
        if code is None or "--debug" in arguments:
            import traceback

            traceback.print_exc()
        report_error(error, code, "--json" in arguments)
        sys.exit(code if code is not None else ExitCode.tool_failed)


if __name__ == "__main__":
    main()
