"""Scores of scene graphs against annotated ones, as a table for people."""

from __future__ import annotations

import math
from collections.abc import Iterator

from reelgraph.eval.metrics.scene_graph_recall import GraphScores, Key, Score
from reelgraph.eval.report.wording import UNKNOWN, percent

__all__ = ["graph_scores_table"]


def graph_scores_table(found: GraphScores) -> str:
    """Return scores as a Markdown table, with what they rest on below.

    Args:
        found: What `reelgraph.eval.metrics.scene_graph_recall.evaluate` returned. Items that
            neither side has are left out.
    """
    rows = [
        "| Item | Labels | tIoU above | Recall % | Precision % | F1 % | Macro recall % "
        "| Annotated | Predicted |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
        *(_row(key, score) for key, score in _ordered(found)),
    ]
    return "\n".join([*rows, "", _footing(found)]) + "\n"


def _ordered(found: GraphScores) -> Iterator[tuple[Key, Score]]:
    """Yield scores item by item, lenient before strict, strict times first."""
    items = ["object", "attribute", "relation", "triplet"]

    def place(key: Key) -> tuple[int, bool, float]:
        return items.index(key.item), key.strictness == "strict", -(key.tiou or 0.0)

    for key in sorted(found.scores, key=place):
        score = found.scores[key]
        if score.annotated or score.predicted:
            yield key, score


def _row(key: Key, score: Score) -> str:
    timed = key.item in {"relation", "triplet"}
    time = ("any" if key.tiou is None else f"{key.tiou:g}") if timed else ""
    rates = (score.micro.recall, score.micro.precision, score.micro.f1, score.macro.recall)
    cells = [
        key.item,
        key.strictness,
        time,
        *(percent(rate, 1) for rate in rates),
        str(score.annotated),
        str(score.predicted),
    ]
    return f"| {' | '.join(cells)} |"


def _footing(found: GraphScores) -> str:
    labelled = UNKNOWN if math.isnan(found.labelled) else f"{percent(found.labelled, 1)} %"
    judged = "all pairs of labels were judged"
    if found.unjudged:
        judged = f"{found.unjudged} pairs of labels were not judged and count as mismatches"
    return (
        f"{found.videos} videos; judge {found.judge}; {judged}; {labelled} of the annotated "
        "objects have a predicted label. Recall, precision and F1 are over the items of all "
        "videos; macro recall is the mean over videos."
    )
