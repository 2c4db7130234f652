"""The report: what a run directory holds, what of it passes, and where each number comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nonideal.files.lazy import lazy

if TYPE_CHECKING:
    from nonideal.report.write import write_report
    from nonideal.runs.errors import NothingToReport, ResultAltered, ResultUnreadable
    from nonideal.runs.spec import Verdict, verdicts
else:
    __getattr__, __dir__ = lazy(__name__)

__all__ = ["NothingToReport", "ResultAltered", "ResultUnreadable", "Verdict", "verdicts", "write_report"]
