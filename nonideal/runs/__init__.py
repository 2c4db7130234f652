"""What is kept: run directories, manifests, locks, what code a result comes from, and results as typed objects."""
