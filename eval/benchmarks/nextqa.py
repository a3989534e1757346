"""NExT-QA: multiple choice and open-ended questions on causes, order and description.

Files as published: ``val.csv`` (multiple choice: ``answer`` is an index, options in ``a0`` to
``a4``), ``nextoe/val.csv`` (open: ``answer`` and ``additional_ref_answer`` are texts), and
``map_vid_vidorID.json``, which names the video files. ``graphs.json`` (VidOR relations in the
form of `reelgraph.graph.formats.vidstg`) and ``captions_1fps.json`` are used if they are there.
"""

from __future__ import annotations

from pathlib import Path

from reelgraph.eval.benchmarks.material import graphs_at, read_captions
from reelgraph.eval.benchmarks.question import Benchmark, GraphSource, Question
from reelgraph.eval.benchmarks.source import Row, Source

__all__ = ["GROUPS", "OPTIONS", "captions_beside", "graphs_beside", "read_nextoe", "read_nextqa"]

WHERE = (
    "val.csv is in https://github.com/doc-doc/NExT-QA (dataset/nextqa) and open-ended in "
    "https://github.com/doc-doc/NExT-OE (dataset/nextqa/); videos are those of VidOR"
)
OPTIONS = ("a0", "a1", "a2", "a3", "a4")
GROUPS = {
    **dict.fromkeys(("CW", "CH"), "causal"),
    **dict.fromkeys(("TN", "TC", "TP"), "temporal"),
    **dict.fromkeys(("DC", "DL", "DO", "DB"), "descriptive"),
}
"""The three groups that NExT-QA reports, by type."""


def read_nextqa(path: Path, split: str = "val") -> Benchmark:
    """Read the multiple-choice questions.

    Args:
        path: The folder, or the CSV file.
        split: ``"train"``, ``"val"`` or ``"test"``.

    Raises:
        EvalError: If the file is missing or of another form.
    """
    source = Source(path, "NExT-QA", WHERE)
    rows = source.rows(source.questions(f"{split}.csv", f"nextqa/{split}.csv"))
    questions = tuple(_choice_question(row) for row in rows)
    return _benchmark("nextqa", source, questions)


def read_nextoe(path: Path, split: str = "val") -> Benchmark:
    """Read the open-ended questions, which are scored by WUPS.

    Args:
        path: The folder, or the CSV file.
        split: ``"train"``, ``"val"`` or ``"test"``.

    Raises:
        EvalError: If the file is missing or of another form.
    """
    source = Source(path, "NExT-OE", WHERE)
    names = (f"nextoe/{split}.csv", f"nextoe_{split}.csv", f"{split}.csv")
    questions = tuple(_open_question(row) for row in source.rows(source.questions(*names)))
    return _benchmark("nextoe", source, questions)


def graphs_beside(source: Source) -> GraphSource | None:
    """Return the graphs of ``graphs.json`` in a benchmark's folder, if it is there."""
    path = source.find("graphs.json")
    if path is None:
        return None
    source.read(path)
    return graphs_at(path)


def captions_beside(source: Source) -> dict[str, tuple[tuple[float, str], ...]]:
    """Return the captions of ``captions_1fps.json`` in a benchmark's folder, if it is there."""
    path = source.find("captions_1fps.json")
    return {} if path is None else read_captions(source, path)


def _benchmark(name: str, source: Source, questions: tuple[Question, ...]) -> Benchmark:
    return Benchmark(
        name=name,
        questions=questions,
        truth=graphs_beside(source),
        captions=captions_beside(source),
        files=source.files,
        groups=GROUPS,
    )


def _choice_question(row: Row) -> Question:
    video, choices = row.text("video", "video_id"), tuple(row.text(name) for name in OPTIONS)
    return Question(
        id=f"{video}_{row.text('qid')}",
        video=video,
        text=row.text("question"),
        choices=choices,
        answer=row.index("answer", choices),
        type=row.text("type"),
    )


def _open_question(row: Row) -> Question:
    video = row.text("video", "video_id")
    further = row.optional("additional_ref_answer")
    return Question(
        id=f"{video}_{row.text('qid')}",
        video=video,
        text=row.text("question"),
        answer=row.text("answer"),
        also_right=(further,) if further else (),
        type=row.text("type"),
    )
