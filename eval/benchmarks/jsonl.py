"""One's own questions: JSON lines, one question each.

::

    {"id": "q1", "video": "clip.mp4", "question": "Who hands the ball?",
     "choices": ["the man", "the woman"], "answer": 0, "type": "who",
     "spans": [[3.0, 5.2]], "during": [0, 10], "graph": "graphs/clip.json"}

``video``, ``question`` and ``answer`` are needed. ``answer`` is the index of an option or its
text; without ``choices`` it is the expected text, or a list of texts that are all right.
``id`` is by default the video's name and the number of the line. ``video`` and ``graph`` are
paths from the file's folder; ``graph`` is in any form that `reelgraph.graph.formats` reads.
"""

from __future__ import annotations

from pathlib import Path

from reelgraph.eval.benchmarks.material import ListedGraphs
from reelgraph.eval.benchmarks.nextqa import captions_beside
from reelgraph.eval.benchmarks.question import Benchmark, Question
from reelgraph.eval.benchmarks.source import Row, Source

__all__ = ["read_jsonl"]

WHERE = "your own file with one question a line, see docs/evaluation.md"


def read_jsonl(path: Path, split: str = "") -> Benchmark:
    """Read the questions.

    Args:
        path: The file, or a folder with ``questions.jsonl`` or ``<split>.jsonl``.
        split: Name of the file in the folder.

    Raises:
        EvalError: If the file is missing or of another form.
    """
    source = Source(path, "questions as JSON lines", WHERE)
    file = source.questions(*([f"{split}.jsonl"] if split else []), "questions.jsonl")
    questions = [_question(row, number, file) for number, row in enumerate(source.json_lines(file))]
    listed = any(question.graph for question in questions)
    return Benchmark(
        name="jsonl",
        questions=tuple(questions),
        truth=ListedGraphs() if listed else None,
        captions=captions_beside(source),
        files=source.files,
    )


def _question(row: Row, number: int, file: Path) -> Question:
    video = row.text("video")
    choices = row.texts("choices") if row.values.get("choices") else ()
    answer, also = _answer(row, choices)
    during = _during(row)
    return Question(
        id=row.optional("id") or f"{Path(video).stem}_{number + 1}",
        video=video,
        text=row.text("question"),
        choices=choices,
        answer=answer,
        also_right=also,
        type=row.optional("type"),
        spans=row.spans("spans"),
        during=during,
        duration_s=row.number("duration_s") if "duration_s" in row else None,
        graph=file.parent / row.text("graph") if row.values.get("graph") else None,
    )


def _answer(row: Row, choices: tuple[str, ...]) -> tuple[int | str, tuple[str, ...]]:
    """Return the right answer and further right ones."""
    value = row.values.get("answer")
    if isinstance(value, list) and value and not choices:
        return str(value[0]), tuple(str(other) for other in value[1:])
    if choices and isinstance(value, str) and not value.isdecimal():
        return row.position(value, choices), ()
    return (row.index("answer", choices) if choices else row.text("answer")), ()


def _during(row: Row) -> tuple[float, float] | None:
    if not row.values.get("during"):
        return None
    return Row({"during": [row.values["during"]]}, row.place, "").spans("during")[0]
