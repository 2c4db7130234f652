"""The paper's three networks, as options: what each takes of the physical model."""

from __future__ import annotations

from nonideal.characterize.jitter import LayerNoise
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import network_physics
from nonideal.pnn import checks
from nonideal.pnn.choices import Variant
from nonideal.pnn.discharger import Discharger
from nonideal.pnn.exact import Exact
from nonideal.pnn.network import NetworkOptions
from nonideal.pnn.rc_spike import Method
from nonideal.pnn.reversal import Reversal


def variant_options(
    variant: Variant,
    model: PhysicalModel,
    layer_sizes: tuple[int, ...],
    *,
    method: Method | None = None,
    sigma_spike: float = 0.0,
    classes: int | None = None,
    noise: tuple[LayerNoise, ...] = (),
) -> NetworkOptions:
    """The network of a variant: ``ann`` (|E_rev| = 100), ``pnn`` (one E_rev per sign), ``bottom_up``
    (the columns: beta by current, charges, coupling, firing stage).

    ``ann`` and ``pnn`` share the measured discharger; ``bottom_up`` takes every layer as its column was measured. ``method``
    defaults to exact evaluation; ``noise`` is what ``nonideal.characterize.jitter.network_noise`` gives.
    Raises ``NoColumn`` for ``bottom_up`` on a model without columns, ``BadParameter`` for an unknown variant
    and for sizes, noise or classes that no network has.

        options = nonideal.variant_options("pnn", nonideal.preset("sky130_tt"), (5, 5, 5))
    """
    reversal = variant_reversal(variant, model)
    layer_sizes = checks.layer_sizes(layer_sizes)
    return NetworkOptions(
        layer_sizes=layer_sizes,
        reversal=reversal,
        discharger=Discharger.from_model(model),
        method=method if method is not None else Exact(),
        sigma_spike=sigma_spike,
        classes=classes,
        noise=noise,
        physics=network_physics(model, layer_sizes) if variant == "bottom_up" else (),
    )


def variant_reversal(variant: Variant, model: PhysicalModel) -> Reversal:
    """The synapses of a variant, for networks that ``variant_options`` does not describe. Raises ``BadParameter`` for an unknown one.

    Example:

        reversal = nonideal.pnn.variant_reversal("bottom_up", nonideal.preset("sky130_tt"))    # beta by current
    """
    made = {
        "ann": lambda _: Reversal.ideal(),
        "pnn": Reversal.from_model,
        "bottom_up": Reversal.current_dependent,
    }
    return made[checks.one_of(variant, "variant", made)](checks.instance(model, "model", PhysicalModel))
