"""Perception Test: multiple-choice questions on memory, abstraction, physics and semantics.

Files as published: ``all_valid.json`` (``{video: {metadata: {frame_rate, num_frames, ...},
mc_question: [{id, question, options, answer_id, area, reasoning, tag}], ...}}``) or the file
with the questions alone, ``mc_question_valid.json``. Videos are ``<video>.mp4``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reelgraph.eval.benchmarks.question import Benchmark, Question
from reelgraph.eval.benchmarks.source import Row, Source

__all__ = ["read_perception_test"]

WHERE = (
    "valid_annotations.zip (all_valid.json) and mc_question_valid_annotations.zip are linked "
    "from https://github.com/google-deepmind/perception_test"
)


def read_perception_test(path: Path, split: str = "valid") -> Benchmark:
    """Read the questions; the type is the area.

    Args:
        path: The folder, or the JSON file.
        split: ``"train"``, ``"valid"`` or ``"test"``; answers of the test are not public.

    Raises:
        EvalError: If the file is missing or of another form.
    """
    source = Source(path, "Perception Test", WHERE)
    split = "valid" if split == "val" else split
    file = source.questions(f"all_{split}.json", f"mc_question_{split}.json", "sample.json")
    content = source.object(file)
    questions = [
        question
        for video, value in content.values.items()
        for question in _questions(source, str(video), value)
    ]
    return Benchmark(name="perception_test", questions=tuple(questions), files=source.files)


def _questions(source: Source, video: str, value: object) -> Iterator[Question]:
    told = source.row(value, f"video {video!r}")
    duration_s = _duration_s(told)
    for item in told.values.get("mc_question") or []:
        row = source.row(item, f"a question on video {video!r}")
        choices = row.texts("options")
        yield Question(
            id=f"{video}_{row.text('id')}",
            video=video,
            text=row.text("question"),
            choices=choices,
            answer=row.index("answer_id", choices) if "answer_id" in row else None,
            type=row.optional("area"),
            duration_s=duration_s,
        )


def _duration_s(told: Row) -> float | None:
    """Return how long the video is, by its frame rate and number of frames."""
    metadata = told.values.get("metadata")
    if not isinstance(metadata, dict) or not metadata.get("frame_rate"):
        return None
    row = Row(metadata, told.place, "")
    return row.number("num_frames") / row.number("frame_rate")
