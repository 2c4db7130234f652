"""The trainings of an experiment: every variant on every seed, and how well each does."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from nonideal.files import write_json
from nonideal.runs.stage import Done, Work
from nonideal.stages.training_job import train_one


def train_variants(work: Work) -> Done:
    """Train every variant on every seed, side by side; write how well each does."""
    from joblib import delayed
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from nonideal.characterize.shift import Shifts
    from nonideal.pnn.metrics import FILE as METRICS
    from nonideal.pnn.native import kernel
    from nonideal.spice.workers import in_order

    training = work.experiment.training
    work.experiment.data.fetch(work.context.console.print)
    runs = [(variant, seed) for variant in training.variants for seed in training.seeds]

    def folder(variant: str, seed: int) -> Path:
        place = work.folder / variant
        return place if seed == training.seeds[0] else place / f"seed_{seed}"

    shifts = Shifts.load(work.rundir.shift) if work.experiment.sees_conditions else None
    jobs = min(work.context.jobs, len(runs))
    kernel()  # compiled here where it is not yet: once, and not by every worker
    results: list[dict[str, Any]] = []
    # One training shows its own epochs; several show how many are done. Where there are no bars every one tells its epochs by lines.
    alone = work.context.bars and len(runs) == 1
    with Progress(
        TextColumn("trainings", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=work.context.console,
        disable=alone or not work.context.bars,
    ) as bar:
        task = bar.add_task("trainings", total=len(runs))
        pending = in_order(
            jobs,
            (
                delayed(train_one)(
                    work.experiment,
                    work.rundir.model,
                    variant,
                    seed,
                    folder(variant, seed),
                    shifts=shifts,
                    show_progress=alone or not work.context.bars,
                )
                for variant, seed in runs
            ),
        )
        for result in pending:
            results.append(result)
            bar.advance(task)
            work.context.pulse.advance(len(results), len(runs))

    variants: dict[str, Any] = {}
    for variant in training.variants:
        mine = [r for (v, _), r in zip(runs, results, strict=True) if v == variant]
        variants[variant] = {
            "test_accuracy_median": median(r["test_accuracy"] for r in mine),
            "test_accuracy_first_seed": mine[0]["test_accuracy"],
            "conditions": {
                label: median(r["conditions"][label] for r in mine) for label in mine[0]["conditions"]
            },
            "seeds": [{k: v for k, v in r.items() if k not in ("weights", "data")} for r in mine],
        }
    summary = {
        "data_set": work.experiment.data.name,
        "data": results[0]["data"],
        "test_samples": results[0]["test_samples"],
        "variants": variants,
    }
    write_json(work.folder / "summary.json", summary)
    weights = [Path(r["weights"]) for r in results]
    tables = [path.with_name(METRICS) for path in weights]
    return Done((work.folder / "summary.json", *weights, *tables), summary)
