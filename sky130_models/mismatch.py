"""How much two devices drawn alike differ: the library's own statistics, one number a device."""

from nonideal.sky130_models.corner import Corner
from nonideal.sky130_models.device import DeviceSize, check_size, find_device
from nonideal.sky130_models.errors import IllegalSize, PdkError
from nonideal.sky130_models.lean import known_lookup
from nonideal.sky130_models.library import assignments, read_section
from nonideal.sky130_models.pdk import Pdk
from nonideal.sky130_models.reduction import evaluate


def mismatch_sigma_V(
    pdk: Pdk, corner: Corner, device: str, w_um: float, l_um: float, *, fingers: float = 1, mult: float = 1
) -> float:
    """Standard deviation of a FET's threshold shift (`dvt` of the lean library), in V; W and L in um.

    It is A_vt / sqrt(W L mult) times the size factor in the device's own subcircuit, where it has one: what
    the library's mismatch section of that corner adds to delvto per standard deviation. `dvt = z * sigma`
    with z standard normal draws a device of that section; two of them differ by sqrt(2) sigma.

    Raises IllegalSize for a size the process forbids or a device that is no FET, PdkError if the library's
    mismatch section does not vary delvto.
    """
    known = find_device(device)
    if known.kind == "mim":
        raise IllegalSize(f"{known.name} has no threshold, see mismatch_sigma_rel")
    size = DeviceSize(known.name, w_um, l_um, fingers)
    low, high = _varied(pdk, corner, size, mult, "delvto")
    return abs(high - low)


def mismatch_sigma_rel(
    pdk: Pdk, corner: Corner, device: str, w_um: float, l_um: float, *, mult: float = 1
) -> float:
    """Standard deviation of a MIM capacitor's relative deviation (`dc` of the lean library); sides in um.

    Raises IllegalSize for a size the process forbids or a device that is no MIM capacitor, PdkError if the
    library's mismatch section does not vary it.
    """
    known = find_device(device)
    if known.kind != "mim":
        raise IllegalSize(f"{known.name} is no capacitor, see mismatch_sigma_V")
    nominal, high = _varied(pdk, corner, DeviceSize(known.name, w_um, l_um), mult, "c")
    return abs(high / nominal - 1)


def _varied(pdk: Pdk, corner: Corner, size: DeviceSize, mult: float, what: str) -> tuple[float, float]:
    """An element parameter in the mismatch section with every random deviate at 0, and at 1."""
    check_size(size.device, size.w_um, size.l_um, size.fingers)
    section = read_section(pdk.library, corner.mismatch_section)
    subcircuit = section.subcircuit(size.device)
    values = [assignments(element) for element in subcircuit.elements]
    if len(values) != 1 or what not in values[0]:
        raise PdkError(
            f"{section.library}: {size.device} is not one line with {what}, its mismatch is unknown"
        )
    lookup = known_lookup(section, subcircuit, size, mult)
    at_mean, at_sigma = (evaluate(values[0][what], lookup, deviate) for deviate in (0.0, 1.0))
    if at_mean == at_sigma:
        raise PdkError(f"{section.library}, section {section.name}: {what} of {size.device} does not vary")
    return at_mean, at_sigma
