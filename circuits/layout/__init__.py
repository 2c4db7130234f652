"""The drawn circuit: hierarchical cells, each a function of its sizes."""
