"""What can be wrong with a file before anybody asks what it means."""

from __future__ import annotations


class UnreadableFile(ValueError):
    """A file that is not there, is no regular file, is too large, or does not hold what it should; the message names place and way out."""
