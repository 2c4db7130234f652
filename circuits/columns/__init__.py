"""A network simulated column by column: each dendrite with its neuron, cut out of the extracted netlist."""
