"""Reports of runs: Markdown, JSON, and one HTML page that shows every single answer."""

from __future__ import annotations

from reelgraph.eval.report.predictions import log_from_predictions, records_from_predictions
from reelgraph.eval.report.summary import Report, summarize
from reelgraph.eval.report.writing import write_report

__all__ = [
    "Report",
    "log_from_predictions",
    "records_from_predictions",
    "summarize",
    "write_report",
]
