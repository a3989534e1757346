"""Runs of an evaluation as people read them in a terminal."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from reelgraph.cli.rendering import plain_table, remark
from reelgraph.cli.terminal import results_console, show_table
from reelgraph.errors import EvalError

if TYPE_CHECKING:
    from reelgraph.eval import Record, RunLog
    from reelgraph.eval.report import Report
    from reelgraph.eval.stats import Difference

__all__ = ["show_comparisons", "show_list", "show_question", "show_summary"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_UNKNOWN = "?"


def show_summary(log: RunLog) -> None:
    """Print how often each arm was right, with its interval by video."""
    table = plain_table("arm", "questions", "right", "95% by video", "unread", "failed", "seconds")
    for arm in log.arms:
        table.add_row(arm, *_summary(log.of(arm)))
    show_table(table)


def _summary(records: Sequence[Record]) -> list[str]:
    from reelgraph.eval.stats import accuracy

    scored = [record for record in records if record.correct is not None]
    right, interval = "-", "-"
    if scored:
        found = accuracy([bool(r.correct) for r in scored], [r.cluster for r in scored])
        right = f"{100 * found.value:.1f} %"
        if not math.isnan(found.low):
            interval = f"{100 * found.low:.1f} to {100 * found.high:.1f}"
    unread = sum(not record.parsed and record.error is None for record in records)
    failed = sum(record.error is not None for record in records)
    seconds = sum(record.seconds for record in records)
    return [str(len(records)), right, interval, str(unread), str(failed), f"{seconds:.0f}"]


def show_comparisons(report: Report) -> None:
    """Print the paired differences of a report, then the same by question type."""
    table = plain_table("", "difference", "95% by video", "won", "lost", "McNemar", "by video")
    for item in report.comparisons:
        table.add_row(f"{item.first} - {item.second}", *_difference(item.difference))
        for part in item.types:
            table.add_row(f"  {part.group}", *_difference(part.difference))
    show_table(table)
    remark("won and lost: questions that only the first or only the second arm got right")


def _difference(found: Difference) -> list[str]:
    estimate = found.estimate
    low, high = (f"{100 * bound:+.1f}" for bound in (estimate.low, estimate.high))
    return [
        f"{100 * estimate.value:+.1f}",
        "-" if math.isnan(estimate.low) else f"{low} to {high}",
        str(found.mcnemar.only_first),
        str(found.mcnemar.only_second),
        _p_value(found.mcnemar.p_value),
        _p_value(found.sign_flip_p),
    ]


def _p_value(value: float) -> str:
    if math.isnan(value):
        return "-"
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def show_list(log: RunLog, ids: Sequence[str]) -> None:
    """Print questions, one a line, with the arms that got them right."""
    by_id: dict[str, dict[str, Record]] = {}
    for record in log.records:
        by_id.setdefault(record.question_id, {})[record.arm] = record
    table = plain_table("question", "type", *log.arms, "asked")
    for key in ids:
        answers = by_id[key]
        one = next(iter(answers.values()))
        marks = [_mark(answers.get(arm)) for arm in log.arms]
        table.add_row(key, one.type, *marks, one.question)
    show_table(table)
    remark(f"{len(ids)} of {len(by_id)} questions")


def show_question(log: RunLog, question_id: str) -> None:
    """Print all that is known of one question.

    Raises:
        EvalError: If the run has no such question.
    """
    records = [record for record in log.records if record.question_id == question_id]
    if not records:
        known = {record.question_id for record in log.records}
        near = (
            ", ".join(difflib.get_close_matches(question_id, sorted(known), n=3, cutoff=0.3))
            or "none"
        )
        raise EvalError(f"the run has no question {question_id!r}; near are: {near}")
    _show_asked(records[0])
    for record in records:
        _show_answer(record)
    _show_graphs(log, records)


def _show_asked(record: Record) -> None:
    console = results_console()
    kind = f"{record.type}, " if record.type else ""
    console.print(Text(record.question, style="bold"))
    console.print(Text(f"{record.question_id} ({kind}video {record.video})", style="dim"))
    for index, choice in enumerate(record.choices):
        mark = "*" if index == record.gold else " "
        console.print(f" {mark} {_LETTERS[index]}. {choice}")
    if not record.choices:
        console.print(f" * {record.gold}")
    if record.gold_spans:
        console.print(f"   to be seen {_spans(record.gold_spans)}")


def _show_answer(record: Record) -> None:
    console = results_console()
    said = _said(record)
    sure = "" if record.confidence is None else f", {record.confidence:.0%} sure"
    head = Text.assemble((f"\n{record.arm}", "bold"), f"  {_mark(record)}  {said}{sure}")
    console.print(head)
    if record.text and record.text != said:
        console.print(f"   {record.text}")
    if record.error is not None:
        console.print(Text(f"   failed: {record.error}", style="red"))
    evidence = record.evidence
    for relation, span, sentence in zip(
        evidence.relations, evidence.intervals, evidence.sentences, strict=True
    ):
        console.print(f"   {_spans([span])}  {sentence}" + (f" ({relation})" if relation else ""))


def _show_graphs(log: RunLog, records: Sequence[Record]) -> None:
    """Print each graph that was asked, once."""
    from reelgraph.eval.log import graph_text

    console = results_console()
    arms: dict[str, list[str]] = {}
    for record in records:
        if record.graph_text:
            arms.setdefault(record.graph_text, []).append(record.arm)
    for record in records:
        if record.graph_text in arms and arms[record.graph_text][0] == record.arm:
            console.print(Text(f"\nGraph of {', '.join(arms[record.graph_text])}", style="bold"))
            console.print(graph_text(log, record) or "(its text is not in the run's folder)")


def _said(record: Record) -> str:
    if record.prediction is None:
        return "abstained" if record.abstained else "no answer"
    if record.choices and isinstance(record.prediction, int):
        return f"{_LETTERS[record.prediction]}. {record.choices[record.prediction]}"
    return str(record.prediction)


def _mark(record: Record | None) -> str:
    if record is None:
        return ""
    if record.error is not None:
        return "failed"
    return _UNKNOWN if record.correct is None else "right" if record.correct else "wrong"


def _spans(spans: Sequence[tuple[float, float]]) -> str:
    return ", ".join(f"{start:.2f}-{end:.2f} s" for start, end in spans)
