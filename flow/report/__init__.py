"""The report: what a run directory holds, what of it passes, and where each number comes from."""

from flow.report.errors import NothingToReport, ResultAltered, ResultUnreadable
from flow.report.spec import Verdict, verdicts
from flow.report.write import write_report

__all__ = ["NothingToReport", "ResultAltered", "ResultUnreadable", "Verdict", "verdicts", "write_report"]
