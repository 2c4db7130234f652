"""Errors of the precheck: of its input, never of the tile."""


class PrecheckError(ValueError):
    """A file that was named cannot be read as what it should be; the message says which, where, and what to give."""
