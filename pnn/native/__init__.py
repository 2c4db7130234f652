"""The native kernel: built with the system's compiler at first use, kept in a cache folder."""

from nonideal.pnn.native.build import Kernel, kernel, kernel_name
from nonideal.pnn.native.call import (
    available,
    doubles,
    first_derivatives,
    function,
    is_transformed,
    layer_arguments,
    pointer,
)

__all__ = [
    "Kernel",
    "available",
    "doubles",
    "first_derivatives",
    "function",
    "is_transformed",
    "kernel",
    "kernel_name",
    "layer_arguments",
    "pointer",
]
