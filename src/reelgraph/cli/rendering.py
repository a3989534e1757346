"""Answers, graphs and tracks as people read them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from reelgraph.cli.terminal import errors_console, results_console, show_table

if TYPE_CHECKING:
    from reelgraph.agent import Answer
    from reelgraph.graph.schema import Interval
    from reelgraph.graph.temporal import TemporalGraph

__all__ = [
    "human_size",
    "plain_table",
    "remark",
    "show_answer",
    "show_question",
    "span",
    "uncertain_labels",
]


def show_answer(answer: Answer, graph: TemporalGraph, video: Path, *, chosen: str) -> None:
    """Print an answer, its evidence, how sure it is, and what to do about guessed labels.

    Args:
        answer: What to show.
        graph: The graph that was asked.
        video: The file, for the command in the tip.
        chosen: What "auto" picked and why; empty to leave remarks out.
    """
    console = results_console()
    console.print(Text(answer.text, style="bold"))
    if answer.choice is not None:
        console.print(f"Choice: {answer.choice.text}")
    if answer.evidence:
        show_table(_evidence_table(answer))
    sure = "does not know" if answer.abstained else f"{answer.confidence:.0%} sure"
    console.print(Text(f"{answer.model or 'model'}: {sure}", style="dim"))
    for claim in answer.unsupported:
        console.print(Text(f"Not shown by the graph: {claim}", style="yellow"))
    if chosen:
        remark(chosen)
        _tip(answer, graph, video)


def show_question(question: str) -> None:
    """Print a question above its answer."""
    results_console().print(Text(question, style="italic"))


def uncertain_labels(graph: TemporalGraph, ids: set[int] | None = None) -> list[str]:
    """Return the names of objects whose label is a guess."""
    return [
        graph.name(item.id)
        for item in graph.objects()
        if item.uncertain and (ids is None or item.id in ids)
    ]


def remark(text: str) -> None:
    """Print a line that is no part of the result."""
    errors_console().print(Text(text, style="dim"), soft_wrap=True)


def span(interval: Interval) -> str:
    """Return an interval as people write it."""
    if interval.duration == 0:
        return f"{interval.start:.2f} s"
    return f"{interval.start:.2f} - {interval.end:.2f} s"


def human_size(size: float) -> str:
    """Return a number of bytes as people write it.

    Example:
        >>> human_size(0), human_size(1536), human_size(5_000_000_000)
        ('0 B', '1.5 kB', '5.0 GB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def plain_table(*headings: str) -> Table:
    """Return an empty table that also reads well in a pipe."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _evidence_table(answer: Answer) -> Table:
    table = plain_table("When", "What", "Relation")
    for item in answer.evidence:
        table.add_row(span(item.interval), Text(item.sentence), item.relation or "-")
    return table


def _tip(answer: Answer, graph: TemporalGraph, video: Path) -> None:
    """Say which labels in the answer are guesses, and the command that corrects them."""
    involved = {i for item in answer.evidence for i in item.objects}
    guessed = uncertain_labels(graph, involved or None)
    if not guessed:
        return
    some = ", ".join(guessed[:6]) + (", ..." if len(guessed) > 6 else "")
    number = guessed[0].rpartition("#")[2]
    command = f"reelgraph ask {shlex.quote(str(video))} ... --label {number}=NAME"
    remark(f"Labels are guesses: {some}. Correct them: {command}")
