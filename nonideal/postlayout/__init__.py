"""Whether it is true: the written-back network in SPICE, its spikes against those the model promised."""
