"""Video-MME: questions with lettered options on short, medium and long videos.

Files as published: ``test-00000-of-00001.parquet`` (needs the extra ``table``), or the same rows
as JSON or JSON lines: ``video_id``, ``duration`` (short, medium, long), ``videoID``,
``question_id``, ``task_type``, ``question``, ``options`` (``"A. ..."``), ``answer`` (a letter).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from reelgraph._optional import require
from reelgraph.eval.benchmarks.question import Benchmark, Question
from reelgraph.eval.benchmarks.source import Row, Source

__all__ = ["read_videomme"]

WHERE = (
    "test-00000-of-00001.parquet and the videos are in "
    "https://huggingface.co/datasets/lmms-lab/Video-MME (folder videomme)"
)
_LETTERED = re.compile(r"^\(?([A-Z])[.):]\s*")


def read_videomme(path: Path, split: str = "") -> Benchmark:
    """Read the questions; the type is the task.

    Args:
        path: The folder, or the file.
        split: ``"short"``, ``"medium"`` or ``"long"``; ``""`` for all.

    Raises:
        EvalError: If the file is missing or of another form.
        MissingDependencyError: If it is Parquet and pyarrow is not installed.
    """
    source = Source(path, "Video-MME", WHERE)
    names = ("test-00000-of-00001.parquet", "videomme.jsonl", "videomme.json", "test.json")
    rows = _rows(source, source.questions(*names))
    kept = [r for r in rows if split in {"", "val", "test", r.optional("duration")}]
    questions = tuple(_question(row) for row in kept)
    return Benchmark(name="videomme", questions=questions, files=source.files)


def _rows(source: Source, file: Path) -> Iterable[Row]:
    if file.suffix == ".parquet":
        return _table(source, file)
    return source.json_lines(file) if file.suffix == ".jsonl" else source.entries(file)


def _table(source: Source, file: Path) -> list[Row]:
    require("pyarrow", extra="table", feature="reading Parquet")
    parquet = require("pyarrow.parquet", extra="table", feature="reading Parquet")
    source.read(file)
    rows = parquet.read_table(file).to_pylist()
    return [source.row(row, f"row {n} of {str(file)!r}") for n, row in enumerate(rows)]


def _question(row: Row) -> Question:
    choices = tuple(_LETTERED.sub("", option) for option in row.texts("options"))
    letter = row.text("answer").upper()
    place = ord(letter[0]) - ord("A") if len(letter) == 1 else -1
    if not 0 <= place < len(choices):
        raise row.error(f"'answer' must be the letter of an option, got {letter!r}")
    return Question(
        id=row.text("question_id"),
        video=row.text("videoID", "video_id"),
        text=row.text("question"),
        choices=choices,
        answer=place,
        type=row.optional("task_type"),
    )
