"""The marked places of the documentation as Markdown, each from its results file. No run directory is looked at here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

Json = Mapping[str, Any]

PAPER_RMSE_S = {"pnn": 1.97e-9, "ann": 39.04e-9}
"""Output spike times, model against SPICE, schematic: arXiv:2412.09010, section 7."""
PAPER_MODEL: Json = {
    "lambda_per_V": (0.41, 0.75, 0.177),
    "e_rev": (2.80, -1.53),
    "v_switch_V": 0.428,
    "vdis_V": 0.554,
}
"""Section 6 of the same."""
SAID = {
    "bottom_up": "**bottom_up**: nothing fitted to the network, no factor, no trimming",
    "pnn": "**pnn**: one factor on all currents, as in the paper",
    "ann": "**ann**: trained without knowing the silicon; best scale of positive and negative currents",
}


def readme(numbers: Json) -> str:
    """Three numbers."""
    kind = numbers["netlist"]
    network = numbers["validation"][kind]["mappings"]
    best = network["bottom_up"]
    rmse = best["output_s"]
    if "ann" in network:
        other = network["ann"]["output_s"]
        compared = (
            f"**{_ns(other)}** is how far a network is off on the same layout that was trained without knowing the silicon, with the best two "
            f"factors on its currents that the columns' model finds: {other / rmse:.0f} times as far."
        )
    else:
        other = numbers["validation"]["schematic"]["mappings"]["ann"]["output_s"]
        compared = (
            f"**{_ns(other)}** is how far a network is off that was trained without knowing the silicon, on the schematic, "
            "with the best two factors on its currents."
        )
    spice, model = _percent(best["accuracy_spice"]), _percent(best["accuracy_model"])
    return "\n".join(
        (
            f"- **{_ns(rmse)}** rms: spikes of the output layer in SPICE, on the extracted netlist ({kind}), against those that the model promised. "
            "Nothing was fitted to the network.",
            f"- {compared}",
            f"- **{best['missed']} missed, {best['extra']} extra** spikes, and {spice} of the samples right in SPICE, {model} in the model.",
            "",
            _source(numbers),
        )
    )


def iris(numbers: Json) -> str:
    """The tables of a whole run: spike times, characterisation and layout, seconds."""
    return "\n\n".join(
        (_source(numbers), _spike_times(numbers), _model_and_layout(numbers), _effort(numbers))
    )


def paper(numbers: Json) -> str:
    """The spike times of a run that compares as the paper does."""
    return f"{_source(numbers)}\n\n{_spike_times(numbers)}"


def blind(numbers: Json) -> str:
    """The row of ``bottom_up`` on the extracted netlist."""
    row = numbers["validation"][numbers["netlist"]]["mappings"]["bottom_up"]
    shown = [_ns(row[key]) for key in ("hidden_s", "output_s", "used_s", "mean_s")]
    head = ["network", "hidden", "output", "outputs in use", "mean, output", "missed / extra"]
    network = f"{numbers['experiment']}, {numbers['corner']}, {numbers['netlist']}"
    unpaired = f"{row['missed']} / {row['extra']}"
    return f"{_source(numbers)}\n\n{_table(head, [[network, *shown, unpaired]])}"


def training_bench(bench: Json) -> str:
    """The rows of bench/training.json but those on drawn chips."""
    rows = [row for row in bench["rows"] if not row["name"].startswith("variation-aware")]
    return f"{_bench_source(bench)}\n\n{_bench_table(rows)}"


def variation_bench(bench: Json) -> str:
    """The rows on drawn chips."""
    rows = [row for row in bench["rows"] if row["name"].startswith("variation-aware")]
    return f"{_bench_source(bench)}\n\n{_bench_table(rows)}"


def codes_bench(bench: Json) -> str:
    """Steps whose weights are codes."""
    source = _bench_source(bench).replace(
        "make bench-training", 'python bench/training.py --only "coded step" --out bench/coded_steps.json'
    )
    return f"{source}\n\n{_bench_table(bench['rows'])}"


def codes(bench: Json) -> str:
    """Accuracy by bits: a table for each data set."""
    tables = []
    for name in dict.fromkeys(row["set"] for row in bench["rows"]):
        rows = [row for row in bench["rows"] if row["set"] == name]
        bits = sorted({row["bits"] for row in rows if row["bits"] is not None})
        found: dict[tuple[str, str], dict[int | None, str]] = {}
        for row in rows:
            full_scale = "" if row["full_scale"] is None else str(row["full_scale"])
            way = "analog" if row["bits"] is None else "trained" if row["trained"] else "rounded"
            found.setdefault((way, full_scale), {})[row["bits"]] = _median_and_worst(row["accuracy"])
        analog = found.pop(("analog", ""))[None]
        lines = [[full_scale, way, *(cells[b] for b in bits)] for (way, full_scale), cells in found.items()]
        samples, seeds = rows[0]["test_samples"], len(rows[0]["accuracy"])
        tables.append(
            f"**{name}**, {samples} samples (one is {100 / samples:.2g} points), {seeds} seeds. Analog weights: {analog}.\n\n"
            + _table(["full scale", "", *(f"{b} bits and sign" for b in bits)], lines)
        )
    made = f"torch {bench['torch']}, kernel {bench['kernel']}"
    source = (
        f"`{bench['command']}`, {bench['date']}: {bench['variant']} on the preset {bench['model']}, {made}."
    )
    return "\n\n".join((source, *tables))


BLOCKS: dict[str, tuple[str, Callable[[Json], str]]] = {
    "readme": ("docs/numbers/iris.json", readme),
    "iris": ("docs/numbers/iris.json", iris),
    "iris paper": ("docs/numbers/iris_paper.json", paper),
    "blind": ("docs/numbers/iris.json", blind),
    "training bench": ("bench/training.json", training_bench),
    "codes bench": ("bench/coded_steps.json", codes_bench),
    "codes": ("bench/codes.json", codes),
    "variation bench": ("bench/training.json", variation_bench),
}
"""Name of a marked place -> the results file it is filled from, and how."""


def _source(numbers: Json) -> str:
    tools = ", ".join(
        f"{tool} {numbers['versions'][tool]}" for tool in ("nonideal", "ngspice", "klayout-pex")
    )
    where = f"{numbers['experiment']}, {numbers['samples']} held-out samples, {numbers['corner']}, sidewalls {numbers['sidewall']}"
    left_out = f"; {numbers['left_out']}" if "left_out" in numbers else ""
    return f"`{numbers['command']}` of {numbers['date']}{left_out}: {where}; {tools}."


def _spike_times(numbers: Json) -> str:
    kinds = list(numbers["validation"])
    mappings = [
        name for name in SAID if any(name in numbers["validation"][kind]["mappings"] for kind in kinds)
    ]

    def cells(of: Callable[[Json], str], names: list[str]) -> list[str]:
        found = [
            [
                (name, of(numbers["validation"][kind]["mappings"][name]))
                for name in names
                if name in numbers["validation"][kind]["mappings"]
            ]
            for kind in kinds
        ]
        return [
            "; ".join(f"{name} {text}" if len(names) > 1 else text for name, text in row) for row in found
        ]

    def whole(key: str, show: Callable[[float], str]) -> list[str]:
        return [show(numbers["validation"][kind][key]) for kind in kinds]

    rows = [
        [
            f"rmse of output spike times, {SAID[name]}",
            _ns(PAPER_RMSE_S.get(name)),
            *cells(lambda row: _ns(row["output_s"]), [name]),
        ]
        for name in mappings
    ]
    rows += [
        ["hidden layer", "", *cells(lambda row: _ns(row["hidden_s"]), mappings)],
        ["outputs in use only", "", *cells(lambda row: _ns(row["used_s"]), mappings)],
        ["mean error, output (SPICE − model)", "", *cells(lambda row: _ns(row["mean_s"]), mappings)],
        ["missed / extra spikes", "", *cells(lambda row: f"{row['missed']} / {row['extra']}", mappings)],
        ["factors on positive / negative currents", "", *cells(_factors, mappings)],
        ["accuracy in SPICE (in the model)", "", *cells(_accuracy, mappings)],
        ["energy an inference (V_dd and V_0 rails)", "", *cells(lambda row: f"{1e12 * row['energy_J']:.1f} pJ", mappings)],
        ["numerical floor", "", *whole("floor_s", _ns)],
        ["CPU seconds a sample", "", *whole("seconds_per_sample", lambda value: f"{value:.1f}")],
    ]  # fmt: skip
    return _table(["", "paper, schematic", *kinds], rows)


def _model_and_layout(numbers: Json) -> str:
    model, layout = numbers["model"], numbers["layout"]
    lambdas, reversal = PAPER_MODEL["lambda_per_V"], PAPER_MODEL["e_rev"]
    voltages = [(told["v_switch_V"], told["vdis_V"]) for told in (PAPER_MODEL, model)]
    matches = "match" if layout["lvs_matched"] else "no match"
    rows = [
        ["λ_N, λ_P, λ_dis (1/V)", _list(lambdas, ".3g"), _list(model["lambda_per_V"], ".3f")],
        ["E_rev+, E_rev− (V_th)", _list(reversal, ".2f"), _list(model["e_rev"], ".2f")],
        ["V_switch, V_dis_b (V)", *(_list(told, ".3f") for told in voltages)],
        ["firing formula, rms", "", _ns(model["firing_rms_s"])],
        ["layout, devices", "", f"{layout['width_um']:.1f} × {layout['height_um']:.1f} µm, {layout['devices']}"],
        ["design rules, LVS", "", f"{layout['drc_violations']} violations of {layout['drc_rules']} rules, {matches}"],
        ["extracted", "", f"{layout['resistors_extracted']} R, {layout['capacitors_extracted']} C"],
        ["after reduction", "", f"{layout['resistors']} R, {layout['capacitors']} C"],
        ["test accuracy, median of the seeds", "", "; ".join(f"{name} {_percent(value)}" for name, value in numbers["training"].items())],
    ]  # fmt: skip
    return _table(["characterised, drawn, trained", "paper", "here"], rows)


def _effort(numbers: Json) -> str:
    stages = ", ".join(f"{stage} {seconds:.0f}" for stage, seconds in numbers["seconds"].items())
    return f"Seconds by stage, on a machine shared with other work: {stages}."


def _bench_source(bench: Json) -> str:
    where = bench["machine"]
    return (
        f"`make bench-training`, {where['date']}: {where['processor']} ({where['capability']}), "
        f"{where['threads']} thread, torch {where['torch']}, kernel {where['kernel']}. Ratios are of the shortest times."
    )


def _bench_table(rows: list[Json]) -> str:
    return _table(
        ["row", "target", "measured"],
        [[row["name"], row["target"], f"{_ratio(row['ratio'])} {row['reference']}{', ' if row['note'] else ''}{row['note']}"] for row in rows],
    )  # fmt: skip


def _median_and_worst(accuracy: list[float]) -> str:
    return f"{100 * median(accuracy):.3g} ({100 * min(accuracy):.3g})"


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f} ×" if ratio >= 0.5 else f"1/{1 / ratio:.3g} of"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _ns(value_s: float | None) -> str:
    if value_s is None:
        return ""
    value_ns = 1e9 * value_s
    return f"{value_ns:.2f} ns" if abs(value_ns) < 10 else f"{value_ns:.1f} ns"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _accuracy(row: Json) -> str:
    return f"{_percent(row['accuracy_spice'])} ({_percent(row['accuracy_model'])})"


def _factors(row: Json) -> str:
    scale = row["scale"]
    return f"{scale['positive']:.3f} / {scale['negative']:.3f}"


def _list(values: Any, form: str) -> str:
    return ", ".join(format(value, form).replace("-", "−") for value in values)
