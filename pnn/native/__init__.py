"""The native kernel: built with the system's compiler at first use, kept in a cache folder."""

from nonideal.pnn.native.build import Kernel, kernel, kernel_name
from nonideal.pnn.native.call import available, doubles, function, layer_arguments, pointer

__all__ = [
    "Kernel",
    "available",
    "doubles",
    "function",
    "kernel",
    "kernel_name",
    "layer_arguments",
    "pointer",
]
