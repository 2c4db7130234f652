"""What can go wrong with a report."""

from __future__ import annotations

from flow.errors import FlowError


class NothingToReport(FlowError):
    """The run directory holds no results at all."""


class ResultUnreadable(FlowError):
    """A result file is there but cannot be read."""


class ResultAltered(FlowError):
    """Files of a run directory are not what their stages made; the report that shows them is written, and says so."""
