"""NExT-GQA: questions of NExT-QA with the times that show the answer.

Files as published: ``val.csv`` (``video_id``; ``answer`` is the right option's text) and
``gsub_val.json`` (``{video: {duration, location: {qid: [[start, end], ...]}, fps}}``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reelgraph.eval.benchmarks.nextqa import GROUPS, OPTIONS, captions_beside, graphs_beside
from reelgraph.eval.benchmarks.question import Benchmark, Question
from reelgraph.eval.benchmarks.source import Row, Source

__all__ = ["read_nextgqa"]

WHERE = "val.csv and gsub_val.json are in https://github.com/doc-doc/NExT-GQA (datasets/nextgqa)"


def read_nextgqa(path: Path, split: str = "val") -> Benchmark:
    """Read the questions and their spans.

    Args:
        path: The folder, or the CSV file with the spans beside it.
        split: ``"val"`` or ``"test"``.

    Raises:
        EvalError: If a file is missing or of another form.
    """
    source = Source(path, "NExT-GQA", WHERE)
    rows = list(source.rows(source.questions(f"nextgqa_{split}.csv", f"{split}.csv")))
    file = source.need(f"gsub_{split}.json", f"nextgqa_gsub_{split}.json")
    told = {
        video: source.row(value, f"{video!r} of {str(file)!r}")
        for video, value in source.object(file).values.items()
    }
    return Benchmark(
        name="nextgqa",
        questions=tuple(_question(row, told) for row in rows),
        truth=graphs_beside(source),
        captions=captions_beside(source),
        files=source.files,
        groups=GROUPS,
    )


def _question(row: Row, told: Mapping[str, Row]) -> Question:
    video, qid = row.text("video_id", "video"), row.text("qid")
    choices = tuple(row.text(name) for name in OPTIONS)
    if (grounds := told.get(video)) is None:
        raise row.error(f"the spans name no video {video!r}")
    location = Row(grounds.values.get("location") or {}, f"{grounds.place}, location", "")
    return Question(
        id=f"{video}_{qid}",
        video=video,
        text=row.text("question"),
        choices=choices,
        answer=row.position(row.text("answer"), choices),
        type=row.text("type"),
        spans=location.spans(qid),
        duration_s=grounds.number("duration"),
    )
