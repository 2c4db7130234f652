"""The file of a user's own cell: parsed, its parameters and helper subcircuits resolved, and written anew as devices alone.

    cell = own_cell("synapse", text, ports, file="my_synapse.spice")
    cell.text()                     # `.subckt synapse ...` of lines that are made here; nothing of the file's own text

A file may hold subcircuits, `.param`, `.model` and lines of X, R, C, D, V, I, E and G devices (see ``parse``). What else it holds is
refused by file, line and text.
"""

from nonideal.circuits.cell_file.cell import Cell, Element, Model
from nonideal.circuits.cell_file.errors import CellFileError
from nonideal.circuits.cell_file.expand import own_cell
from nonideal.circuits.cell_file.parse import CellFile, parse_cell_file

__all__ = ["Cell", "CellFile", "CellFileError", "Element", "Model", "own_cell", "parse_cell_file"]
