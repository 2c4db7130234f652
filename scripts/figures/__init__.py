"""The figures of docs/results/training.md: what is measured (``setting``), where rows are kept (``table``), one module a figure."""
