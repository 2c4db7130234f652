"""A simulator that misbehaves as the deck tells it to: `* fake: MODE` in the deck.

It is called as ngspice is, and writes ngspice's binary format. Every start leaves a line in `<deck>.starts`.
"""

import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

T_STOP = 1e-6


def raw(
    points: int = 11,
    names: tuple[str, ...] = ("time", "v(out)", "i(v1)"),
    bad: float | None = None,
    times: list[float] | None = None,
) -> bytes:
    """A transient of `points` over 10 equal steps to T_STOP; `bad` stands in the last vector's middle."""
    lines = "".join(f"\t{i}\t{name}\t{'time' if i == 0 else 'voltage'}\n" for i, name in enumerate(names))
    header = (
        f"Title: * fake\nDate: today\nPlotname: Transient Analysis\nFlags: real\n"
        f"No. Variables: {len(names)}\nNo. Points: {points}\nVariables:\n{lines}Binary:\n"
    )
    values = []
    for i in range(points):
        row = [T_STOP * (i if times is None else times[i]) / 10] + [float(i)] * (len(names) - 1)
        if bad is not None and i == points // 2:
            row[-1] = bad
        values += row
    return header.encode() + struct.pack(f"<{len(values)}d", *values)


def hang() -> None:
    """With a grandchild, both deaf to SIGTERM, their numbers in `pids`."""
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    grandchild = subprocess.Popen([sys.executable, "-I", "-S", "-c", code])
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with Path(os.environ.get("FAKE_PIDS", "pids")).open("a") as file:
        file.write(f"{os.getpid()} {grandchild.pid}\n")
    time.sleep(600)


def misbehave(mode: str, out: Path) -> None:
    """Without a word to the results."""
    if mode == "log":
        while True:
            print("x" * 2**20)
    if mode == "file":
        with out.open("wb") as file:
            while True:
                file.write(b"x" * 2**20)
    if mode == "memory":
        b"x" * 2**40
    if mode == "burn":
        while True:
            pass
    if mode == "pipe":
        os.mkfifo(out)
        sys.exit(0)
    if mode == "environment":
        print("\n".join(f"{name}={value}" for name, value in sorted(os.environ.items())))
    if mode == "litter":
        (out.parent / "litter").write_text("left")
    if mode.startswith("says:"):
        print(mode.removeprefix("says:").replace("_", " "))


def main() -> int:
    if "--version" in sys.argv:
        print("** ngspice-99.1 : Circuit level simulation program")
        return 0
    out, deck = Path(sys.argv[sys.argv.index("-r") + 1]), Path(sys.argv[-1])
    text = deck.read_text()
    mode = text.split("* fake:")[1].split()[0]
    starts = Path(deck.name.split("+")[0].removesuffix(".cir") + ".starts")
    with starts.open("a") as file:
        file.write(deck.name + "\n")
    first = len(starts.read_text().splitlines()) == 1
    print("Note: this is the fake, mode", mode.split(":")[0], flush=True)
    if mode == "exit1":
        out.write_bytes(raw())
        return 1
    if mode == "crash" or (mode == "flaky" and first):
        out.write_bytes(raw()[:-30])
        os.kill(os.getpid(), signal.SIGSEGV)
    if mode == "hang":
        hang()
    if mode == "nothing":
        return 0
    if mode == "empty":
        out.write_bytes(b"")
        return 0
    if mode == "needs_gear" and "method=gear" not in text:
        out.write_bytes(raw(points=7))
        return 0
    if mode == "slow":
        time.sleep(0.2)
    misbehave(mode, out)
    good = raw()
    contents = {
        "backwards": raw(times=[*range(6), 4, *range(7, 11)]),
        "stands": raw(times=[*range(6), 5, *range(7, 11)]),
        "negative": raw(times=[-1, *range(1, 11)]),
        "late": raw(times=[5, 6, 7, 8, 9, 9.2, 9.4, 9.6, 9.8, 9.9, 10]),
        "beyond": raw(times=[*range(10), 11]),
        "twice": good + good,
        "unasked": good + good.replace(b"Transient Analysis", b"Operating Point"),
        "huge": good.replace(b"No. Points: 11", b"No. Points: " + b"9" * 15),
        "endless": good.replace(b"No. Points: 11", b"No. Points: " + b"9" * 5000),
        "wide": good.replace(b"No. Variables: 3", b"No. Variables: " + b"9" * 14),
        "none": good.replace(b"No. Variables: 3", b"No. Variables: 0"),
        "garbage": bytes(range(256)) * 40,
        "tail": good + b"more",
        "short": raw(points=10),
        "truncated": raw()[:-8],
        "no_points": raw(points=0),
        "nan": raw(bad=float("nan")),
        "inf": raw(bad=float("-inf")),
        "missing": raw(names=("time", "v(out)")),
    }
    out.write_bytes(contents.get(mode, raw()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
