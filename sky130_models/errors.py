"""What can go wrong in this room."""


class PdkMissing(RuntimeError):
    """No sky130 device library was found; the message says where one was looked for and how to get one."""


class PdkError(RuntimeError):
    """A library (or one of this package's own tables) does not parse, or lacks what was asked of it."""


class IllegalSize(ValueError):
    """A device that the process does not have, or one drawn at a size it does not allow."""
