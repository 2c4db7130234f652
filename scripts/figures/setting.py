"""How much is measured: the documented figures, and a tiny form of them for tests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """How every network of the figures is trained: Adam, the rate falling as a half cosine over all steps."""

    sizes: tuple[int, ...] = (784, 200, 200, 10)
    samples: int = 60_000
    epochs: int = 2
    batch: int = 32
    rate: float = 1e-3
    sigma_spike: float = 0.01

    def __str__(self) -> str:
        sizes = "-".join(str(n) for n in self.sizes)
        return (
            f"{sizes}; {self.epochs} epochs of {self.samples} images; batch {self.batch}; Adam {self.rate:g}"
        )


@dataclass(frozen=True, slots=True)
class Setting:
    """Points of all figures.

    ``error_*``: neurons and samples of the layers, and the intervals and |E_rev| on them. ``cost_*``: sizes of the
    N -> N layer, its batch, and the largest N that the plain exact form is asked for. ``steps``: M of the trained
    networks. ``e_rev``: |E_rev| of the trained networks. ``search_images``: training images on which the scaling of
    an ANN's weights is chosen.
    """

    recipe: Recipe = Recipe()
    error_neurons: int = 100
    error_samples: int = 200
    error_steps: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 10, 15, 20, 30, 40, 60)
    error_e_rev: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0, 100.0)
    cost_sizes: tuple[int, ...] = (10, 30, 100, 300, 1000, 3000)
    cost_batch: int = 100
    cost_largest_plain_exact: int = 1000
    steps: tuple[int, ...] = (1, 2, 3, 4, 6, 10, 15)
    steps_seeds: int = 2
    e_rev: tuple[float, ...] = (1.0, 1.5, 2.0, 3.0, 4.0, 8.0, 16.0, 100.0)
    e_rev_seeds: int = 2
    search_images: int = 10_000


FULL = Setting()
TINY = Setting(
    recipe=Recipe(sizes=(784, 8, 10), samples=64, epochs=1),
    error_neurons=4,
    error_samples=5,
    error_steps=(1, 4, 16, 32),
    error_e_rev=(2.0,),
    cost_sizes=(8,),
    cost_batch=3,
    cost_largest_plain_exact=4,
    steps=(1, 4),
    steps_seeds=2,
    e_rev=(2.0,),
    e_rev_seeds=1,
    search_images=20,
)
