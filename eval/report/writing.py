"""A report's three files: for people to read, for people to look into, for machines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reelgraph._atomic import replacing
from reelgraph.errors import EvalError
from reelgraph.eval.log import RunLog
from reelgraph.eval.report.markdown import markdown
from reelgraph.eval.report.page import page
from reelgraph.eval.report.summary import Report

__all__ = ["write_report"]


def write_report(
    report: Report, logs: Sequence[RunLog], folder: str | Path, *, name: str = "report"
) -> tuple[Path, Path, Path]:
    """Write a report as Markdown, as an HTML page and as JSON.

    Args:
        report: What `reelgraph.eval.report.summarize` made of the runs.
        logs: The runs, whose single answers the page shows.
        folder: Where to; created if it is not there.
        name: Of the files, without their ending.

    Returns:
        The files ``.md``, ``.html`` and ``.json``. Each appears complete or not at all; the
        same report gives the same bytes.

    Raises:
        EvalError: If a file cannot be written.
    """
    target = Path(folder)
    texts = {
        ".md": markdown(report),
        ".html": page(report, logs),
        ".json": report.model_dump_json(indent=1) + "\n",
    }
    paths = [target / f"{name}{ending}" for ending in texts]
    try:
        target.mkdir(parents=True, exist_ok=True)
        for path, text in zip(paths, texts.values(), strict=True):
            with replacing(path) as partial:
                partial.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EvalError(f"cannot write a report to {str(target)!r}: {error}") from error
    return paths[0], paths[1], paths[2]
