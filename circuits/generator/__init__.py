"""The bias generator: from one reference current to the gate lines of all synapses, V_dis and V_sense, as netlists."""
