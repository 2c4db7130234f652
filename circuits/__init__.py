"""What is built: synapse pair, neuron, crossbar, network, as netlists and as layout."""
