"""IntentQA: why people in everyday videos do what they do.

Files as published: ``val.csv`` (``video_id``; ``answer`` is an index; options in ``a0`` to
``a4``; types CW, CH and TP&TN). The videos are those of NExT-QA.
"""

from __future__ import annotations

from pathlib import Path

from reelgraph.eval.benchmarks.nextqa import OPTIONS, captions_beside, graphs_beside
from reelgraph.eval.benchmarks.question import Benchmark, Question
from reelgraph.eval.benchmarks.source import Row, Source

__all__ = ["read_intentqa"]

WHERE = "val.csv is in https://github.com/JoseponLee/IntentQA (datasets/IntentQA)"
GROUPS = {"CW": "causal", "CH": "causal", "TP": "temporal", "TN": "temporal", "TP&TN": "temporal"}


def read_intentqa(path: Path, split: str = "val") -> Benchmark:
    """Read the questions.

    Args:
        path: The folder, or the CSV file.
        split: ``"train"``, ``"val"`` or ``"test"``.

    Raises:
        EvalError: If the file is missing or of another form.
    """
    source = Source(path, "IntentQA", WHERE)
    names = (f"intentqa_{split}.csv", f"{split}.csv", "intentqa_sample.csv")
    rows = source.rows(source.questions(*names))
    return Benchmark(
        name="intentqa",
        questions=tuple(_question(row) for row in rows),
        truth=graphs_beside(source),
        captions=captions_beside(source),
        files=source.files,
        groups=GROUPS,
    )


def _question(row: Row) -> Question:
    video = row.text("video_id", "video")
    choices = tuple(row.text(name) for name in OPTIONS)
    return Question(
        id=f"{video}_{row.text('qid')}",
        video=video,
        text=row.text("question"),
        choices=choices,
        answer=row.index("answer", choices),
        type=row.text("type"),
    )
