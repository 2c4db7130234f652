"""Speed and memory of the trainer: writes bench/training.json.

    python bench/training.py [--mnist FOLDER] [--rounds N] [--only WORD] [--out FILE]

Every row compares a training step (forward, loss, backward, Adam; the ``layer`` rows without Adam) with a
reference, the two interleaved in one process on one thread, in CPU seconds of that thread (other programs
disturb them less than wall time): ``ours_s`` and ``reference_s`` are minima over the rounds, ``ratio`` their
quotient, the medians stand beside them. Peak memory is the resident high-water mark above the process
before the first step, in a process of its own. Without MNIST files random images of the same share of black
pixels are used, and the rows say so. What is timed is in ``timing``, a subject a file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import torch
from timing import chips, codes, convolutions, images, layer, noise, peers, steps, third_order
from timing.plan import Plan

from nonideal.pnn.native import kernel_name

SUBJECTS = (steps, chips, codes, noise, peers, third_order, layer, convolutions)


def machine() -> dict[str, object]:
    """What the numbers depend on."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        model = next(
            (x.split(":")[1].strip() for x in cpuinfo.read_text().splitlines() if x.startswith("model name")),
            model,
        )
    return {
        "processor": model, "cores": os.cpu_count(), "threads": torch.get_num_threads(), "torch": torch.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(), "kernel": kernel_name(), "python": platform.python_version(),
        "load": os.getloadavg()[0], "date": datetime.now(UTC).date().isoformat(),
    }  # fmt: skip


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mnist", type=Path, help="folder with the four MNIST files")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--only", default="", help="renew only rows whose name holds this")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("training.json"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"kernel: {kernel_name()}", flush=True)
    plan = Plan(images.load(arguments.mnist), arguments.rounds, arguments.only)
    where, finished = machine(), kept(arguments.out, plan)
    for subject in SUBJECTS:
        for row in subject.rows(plan):
            finished.append(asdict(row))
            write(arguments.out, {"machine": where, "rows": finished})
    print(arguments.out)


def kept(path: Path, plan: Plan) -> list[dict[str, object]]:
    """Rows of an earlier run that are not to be timed again."""
    if not plan.only or not path.is_file():
        return []
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    return [row for row in rows if not plan.wants(row["name"])]


def write(path: Path, results: dict[str, object]) -> None:
    """Whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    os.replace(part, path)


if __name__ == "__main__":
    main()
