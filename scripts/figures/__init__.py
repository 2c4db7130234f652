"""The figures of docs/training.md: what is measured (``setting``), where rows are kept (``table``), one module a figure."""
