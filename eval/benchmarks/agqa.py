"""AGQA 2.0: open questions on Charades videos, made from Action Genome's graphs.

Files as published: ``test_balanced.txt`` and ``train_balanced.txt`` (JSON: ``{id: {question,
answer, video_id, ans_type, structural, semantic, ...}}``). Answers are short and are right only
if they equal the expected one (`reelgraph.eval.scoring`). Videos are Charades' ``<video>.mp4``.
"""

from __future__ import annotations

from pathlib import Path

from reelgraph.eval.benchmarks.question import Benchmark, Question
from reelgraph.eval.benchmarks.source import Row, Source

__all__ = ["read_agqa"]

WHERE = (
    "AGQA_balanced.zip (test_balanced.txt) is linked from "
    "https://cs.stanford.edu/people/ranjaykrishna/agqa/; videos: Charades at 480p"
)


def read_agqa(path: Path, split: str = "test") -> Benchmark:
    """Read the balanced questions; the type is the structure of the question.

    Args:
        path: The folder, or the file.
        split: ``"train"`` or ``"test"``.

    Raises:
        EvalError: If the file is missing or of another form.
    """
    source = Source(path, "AGQA 2.0", WHERE)
    split = "test" if split == "val" else split
    file = source.questions(f"{split}_balanced.txt", f"{split}_balanced.json")
    content = source.object(file)
    questions = [
        _question(str(number), source.row(value, f"question {number!r} of {str(file)!r}"))
        for number, value in content.values.items()
    ]
    return Benchmark(name="agqa", questions=tuple(questions), files=source.files)


def _question(number: str, row: Row) -> Question:
    return Question(
        id=number,
        video=row.text("video_id"),
        text=row.text("question"),
        answer=row.text("answer"),
        type=row.optional("structural") or row.optional("ans_type"),
    )
