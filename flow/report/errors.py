"""What can go wrong with a report."""

from __future__ import annotations

from flow.errors import FlowError


class NothingToReport(FlowError):
    """The run directory holds no results at all."""


class ResultUnreadable(FlowError):
    """A result file is there but cannot be read."""
