"""The report: what a run directory holds, what of it passes, and where each number comes from."""

from nonideal.report.write import write_report
from nonideal.runs.errors import NothingToReport, ResultAltered, ResultUnreadable
from nonideal.runs.spec import Verdict, verdicts

__all__ = ["NothingToReport", "ResultAltered", "ResultUnreadable", "Verdict", "verdicts", "write_report"]
