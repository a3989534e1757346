"""MVBench: twenty tasks of multiple choice, one file each; the form many others share.

Files as published: ``json/<task>.json`` (a list with ``video``, ``question``, ``candidates``,
``answer`` as text, and for some tasks ``start`` and ``end`` in seconds). The type is the task.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reelgraph.eval.benchmarks.question import Benchmark, Question
from reelgraph.eval.benchmarks.source import Row, Source

__all__ = ["read_mvbench"]

WHERE = "the folders json and video of https://huggingface.co/datasets/OpenGVLab/MVBench"


def read_mvbench(path: Path, split: str = "") -> Benchmark:
    """Read the questions of every task in the folder.

    Args:
        path: The folder, its folder ``json``, or the file of one task.
        split: Name of one task; ``""`` for all.

    Raises:
        EvalError: If there is no task, or a file is of another form.
    """
    source = Source(path, "MVBench", WHERE)
    questions = [q for file in _tasks(source, split) for q in _questions(source, file)]
    return Benchmark(name="mvbench", questions=tuple(questions), files=source.files)


def _tasks(source: Source, split: str) -> list[Path]:
    if source.path.is_file():
        return [source.path]
    folder = source.path / "json"
    found = sorted((folder if folder.is_dir() else source.path).glob("*.json"))
    chosen = [file for file in found if split in {"", "val", "test", file.stem}]
    return chosen or [source.need(f"{split or 'action_sequence'}.json")]


def _questions(source: Source, file: Path) -> Iterator[Question]:
    for number, row in enumerate(source.entries(file)):
        choices = row.texts("candidates")
        yield Question(
            id=f"{file.stem}_{number}",
            video=row.text("video"),
            text=row.text("question"),
            choices=choices,
            answer=row.position(row.text("answer"), choices),
            type=file.stem.replace("_", " "),
            during=_during(row),
        )


def _during(row: Row) -> tuple[float, float] | None:
    if row.optional("start") and row.optional("end"):
        return row.number("start"), row.number("end")
    return None
