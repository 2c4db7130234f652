"""The leaf cells: synapse pair, neuron, driver, as netlists."""
