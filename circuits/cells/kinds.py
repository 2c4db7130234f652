"""The kinds of synapse and of neuron that a network is built of. A new kind is a file of its own and a line here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import InitErrorDetails

from nonideal.circuits.cells.coded import CodedSizes
from nonideal.circuits.cells.contract import (
    CellSettings,
    Contract,
    Neuron,
    NeuronSettings,
    Synapse,
    SynapseSettings,
)
from nonideal.circuits.cells.driver import DriverSizes
from nonideal.circuits.cells.neuron import NeuronSizes, NeuronSizesMet4
from nonideal.circuits.cells.synapse import SynapseSizes

SYNAPSES: Final[dict[str, type[SynapseSettings]]] = {
    "pair": SynapseSizes,
    "coded": CodedSizes,
}
"""Kind of ``[circuit.synapse]`` -> its settings."""
NEURONS: Final[dict[str, type[NeuronSettings]]] = {
    "mim_met5": NeuronSizes,
    "mim_met4": NeuronSizesMet4,
}
"""Kind of ``[circuit.neuron]`` -> its settings."""
CLASSES: Final = frozenset(made.__name__ for table in (SYNAPSES, NEURONS) for made in table.values())
"""What stands in the places of errors beside keys: the class of the kind that was chosen."""
TABLES: Final[dict[str, Mapping[str, type[CellSettings]]]] = {"synapse": SYNAPSES, "neuron": NEURONS}


@dataclass(frozen=True, slots=True)
class Contracts:
    """The leaf cells of a network."""

    synapse: Synapse
    driver: Contract
    neuron: Neuron

    def __iter__(self) -> Iterator[Contract]:
        return iter((self.synapse, self.driver, self.neuron))


def kind_of(settings: CellSettings) -> str:
    """The name of the kind that these settings are of."""
    return next(name for table in TABLES.values() for name, made in table.items() if type(settings) is made)


def is_default(settings: CellSettings) -> bool:
    """Whether they are of the first kind of their table, which is meant where no ``kind`` is given."""
    return any(type(settings) is next(iter(table.values())) for table in TABLES.values())


def dumped(settings: CellSettings, **how: Any) -> dict[str, Any]:
    """As a dictionary that ``chosen`` takes; the default kind is not named, so that what is known of a circuit stays as it was."""
    named = {} if is_default(settings) else {"kind": kind_of(settings)}
    return named | settings.model_dump(**how)


def chosen(cell: str, given: Any) -> Any:
    """Settings of the kind that ``given`` (``kind`` among its keys, or none) names; what is no dictionary is passed on.

    Raises ``ValidationError``, whose places begin with the name of the class where one was chosen.
    """
    if not isinstance(given, Mapping):
        return given
    table = TABLES[cell]
    kind = given.get("kind", next(iter(table)))
    if not isinstance(kind, str) or kind not in table:
        expected = " or ".join(repr(name) for name in table)
        raise ValidationError.from_exception_data(
            cell,
            [InitErrorDetails(type="literal_error", loc=("kind",), input=kind, ctx={"expected": expected})],
        )
    made = table[kind]
    try:
        return made.model_validate({key: value for key, value in given.items() if key != "kind"})
    except ValidationError as error:
        found = [
            InitErrorDetails(
                type=one["type"],  # type: ignore[typeddict-item]
                loc=(made.__name__, *one["loc"]),
                input=one["input"],
                ctx=one.get("ctx", {}),
            )
            for one in error.errors(include_url=False)
        ]
        raise ValidationError.from_exception_data(cell, found) from error


def default_contracts() -> Contracts:
    """The default kinds at their default sizes."""
    return Contracts(SynapseSizes().contract(), DriverSizes().contract(), NeuronSizes().contract())


def contract_in(cell: str, circuit: Mapping[str, Any]) -> Contract | None:
    """What a section ``circuit`` of an experiment as it was read makes a leaf cell; None where it is the default, or its settings are wrong."""
    if cell not in TABLES:
        return None
    try:
        made = chosen(cell, circuit.get(cell, {}))
    except ValidationError:
        return None
    return made.contract() if isinstance(made, CellSettings) else None
