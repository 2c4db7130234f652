"""How long nets take to route, and how long their wires are.

    python bench/routing.py [--seed 1] [--largest 400]

Pins on li1 and met1 lie at random, those of a net near each other as in a placed block; nothing else is drawn. One line each: size, nets, pins,
seconds of the processor, length of all wires over the half perimeter of each net's pins (no wire is shorter), cuts a pin.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator

from nonideal.circuits.box import Box
from nonideal.circuits.routing import Net, Wire, route

BLOCKS = ((30.0, 20.0, 30), (60.0, 40.0, 100), (150.0, 60.0, 400))
SPREAD = 0.08
"""Standard deviation of a net's pins over the block's size."""
CUTS = {"mcon", "via", "via2", "via3"}
APART_UM = 0.9


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--largest", type=int, default=BLOCKS[-1][2], help="nets of the largest block")
    options = parser.parse_args()
    route((0, 0, 5, 5), [])  # compiled before the clock runs
    print(f"{'block':>12} {'nets':>5} {'pins':>5} {'seconds':>8} {'length':>7} {'cuts':>5}")
    for width, height, count in BLOCKS:
        if count <= options.largest:
            nets = list(placed(options.seed, width, height, count))
            began = time.process_time()
            wires = route((0, 0, width, height), nets)
            seconds = time.process_time() - began
            pins = sum(len(net.pins) for net in nets)
            cuts = sum(box.layer in CUTS for wire in wires for box in wire.boxes)
            ratio = sum(map(length, wires)) / sum(map(half_perimeter, nets))
            size = f"{width:g} x {height:g}"
            print(f"{size:>12} {count:5} {pins:5} {seconds:8.2f} {ratio:7.3f} {cuts / pins:5.2f}")


def placed(seed: int, width: float, height: float, count: int) -> Iterator[Net]:
    """Nets of two to ten pins, three on average."""
    chance = random.Random(seed)
    places: list[tuple[float, float]] = []
    for number in range(count):
        x, y = chance.uniform(2, width - 2), chance.uniform(2, height - 2)
        pins: list[tuple[Box, ...]] = []
        many = min(2 + int(chance.expovariate(0.8)), 10)
        while len(pins) < many:
            px = round(min(max(chance.gauss(x, width * SPREAD), 1), width - 1), 2)
            py = round(min(max(chance.gauss(y, height * SPREAD), 1), height - 1), 2)
            if all(abs(px - a) > APART_UM or abs(py - b) > APART_UM for a, b in places):
                places.append((px, py))
                layer = chance.choice(("li1", "met1"))
                pins.append(
                    (Box(layer, *(round(v, 3) for v in (px - 0.17, py - 0.15, px + 0.17, py + 0.15))),)
                )
        yield Net(f"n{number}", tuple(pins))


def length(wire: Wire) -> float:
    """Of the centre lines of its metal, in um."""
    metal = [box for box in wire.boxes if box.layer not in CUTS]
    return sum(abs((box.x1 - box.x0) - (box.y1 - box.y0)) for box in metal)


def half_perimeter(net: Net) -> float:
    """Of the box round the centres of a net's pins, in um."""
    boxes = [pin[0] for pin in net.pins]
    across = max(box.x for box in boxes) - min(box.x for box in boxes)
    return across + max(box.y for box in boxes) - min(box.y for box in boxes)


if __name__ == "__main__":
    main()
