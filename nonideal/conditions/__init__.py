"""Where it runs: corners, temperatures and supplies, and what a network written for one condition does in the others."""
