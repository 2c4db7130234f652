"""A network of cells: mapped, written as a netlist, drawn as a chip, put under stimulus."""
