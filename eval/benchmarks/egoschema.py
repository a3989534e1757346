"""EgoSchema: long first-person video; the subset whose 500 answers are public.

Files as published: ``questions.json`` (a list with ``q_uid``, ``question``, ``option 0`` to
``option 4``) and ``subset_answers.json`` (``{q_uid: index}``). Videos are ``<q_uid>.mp4``.
"""

from __future__ import annotations

from pathlib import Path

from reelgraph.eval.benchmarks.question import Benchmark, Question
from reelgraph.eval.benchmarks.source import Row, Source

__all__ = ["read_egoschema"]

WHERE = "questions.json and subset_answers.json are in https://github.com/egoschema/EgoSchema"
OPTIONS = tuple(f"option {number}" for number in range(5))


def read_egoschema(path: Path, split: str = "subset") -> Benchmark:
    """Read the questions of the subset, in the order of the file.

    Args:
        path: The folder, or the file of the questions with the answers beside it.
        split: ``"subset"``, or ``"full"`` for all questions, most of them without answer.

    Raises:
        EvalError: If a file is missing or of another form.
    """
    source = Source(path, "EgoSchema", WHERE)
    rows = list(source.entries(source.questions("questions.json")))
    file = source.need("subset_answers.json")
    answers = source.object(file)
    kept = [row for row in rows if split == "full" or row.text("q_uid") in answers]
    return Benchmark(
        name="egoschema",
        questions=tuple(_question(row, answers) for row in kept),
        files=source.files,
    )


def _question(row: Row, answers: Row) -> Question:
    uid = row.text("q_uid")
    choices = tuple(row.text(name) for name in OPTIONS)
    return Question(
        id=uid,
        video=uid,
        text=row.text("question"),
        choices=choices,
        answer=answers.index(uid, choices) if uid in answers else None,
    )
