"""The trainings of an experiment: every variant on every seed, and how well each does."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from nonideal.runs.stage import Done, Work
from nonideal.runs.summaries.training import SeedSummary, TrainingSummary, VariantSummary
from nonideal.stages.training_job import Trained, train_one


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
    results: list[Trained] = []
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

    first = results[0]
    summary = TrainingSummary(
        data_set=work.experiment.data.name,
        data=first.origin,
        test_samples=first.test_samples,
        variants={
            variant: over_seeds([r.seed for (v, _), r in zip(runs, results, strict=True) if v == variant])
            for variant in training.variants
        },
    )
    summary.save(work.folder / "summary.json")
    weights = [result.weights for result in results]
    tables = [path.with_name(METRICS) for path in weights]
    return Done((work.folder / "summary.json", *weights, *tables), summary)


def over_seeds(seeds: list[SeedSummary]) -> VariantSummary:
    """A variant's numbers, from those of its seeds: medians, and the first one's own."""
    labels = seeds[0].conditions or {}
    return VariantSummary(
        test_accuracy_median=median(seed.test_accuracy for seed in seeds),
        test_accuracy_first_seed=seeds[0].test_accuracy,
        conditions={label: median((seed.conditions or {})[label] for seed in seeds) for label in labels},
        seeds=tuple(seeds),
    )
