"""STAR: situated reasoning on Charades videos, with the graphs that people drew.

Files as published: ``STAR_val.json`` (a list with ``question_id``, ``question``, ``video_id``,
``start``, ``end``, ``answer`` as text, ``choices`` [{``choice_id``, ``choice``}], ``situations``
{key frame: {``rel_pairs``, ``rel_labels``, ``actions``}}). Files of examples in which the options
carry ``"answer": "Correct"`` are read too. The situations of a question are its true graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from reelgraph.eval.benchmarks.question import Benchmark, Question
from reelgraph.eval.benchmarks.source import Row, Source
from reelgraph.graph.formats.frames import described_video, provenance
from reelgraph.graph.formats.predicate_kinds import predicate_kind
from reelgraph.graph.intervals import union
from reelgraph.graph.schema import CAMERA, Interval, Relation, SceneGraph, SceneObject

__all__ = ["KEY_FRAME_FPS", "Situations", "read_star"]

WHERE = "STAR_val.json is linked from https://github.com/csbobby/STAR; videos: Charades at 480p"
KEY_FRAME_FPS = 30.0
"""STAR numbers its key frames and states no frame rate; by ``start`` and ``end`` it is near this,
so times in the graphs are right to a few tenths of a second at best."""
REACH_S = 1.0
"""A key frame speaks for half the way to its neighbours, at most this long on each side."""
_PERSON = "person"
_Statement = tuple[str, str, str]


@dataclass(frozen=True)
class Situations:
    """The graphs of STAR's questions, each made when it is asked for.

    Attributes:
        frames: By question id: key frame to its situation.
    """

    frames: Mapping[str, Mapping[str, Mapping[str, Any]]]

    def graph(self, question: Question) -> SceneGraph | None:
        """Return the graph of a question's key frames: relations, and actions of the person.

        An action, ``"Putting down a bottle"``, is a statement about the person alone.
        """
        frames = self.frames.get(question.id)
        return None if not frames else _graph(question, frames)


def read_star(path: Path, split: str = "val") -> Benchmark:
    """Read the questions and their situations; the type is STAR's question type.

    Args:
        path: The folder, or the JSON file.
        split: ``"train"`` or ``"val"``; answers of the test are not public.

    Raises:
        EvalError: If the file is missing or of another form.
    """
    source = Source(path, "STAR", WHERE)
    file = source.questions(f"STAR_{split}.json", "selected_teaser_chain_dict.json")
    rows = list(source.entries(file))
    situations = {row.text("question_id"): row.values.get("situations") or {} for row in rows}
    return Benchmark(
        name="star",
        questions=tuple(_question(source, row) for row in rows),
        truth=Situations(situations),
        files=source.files,
    )


def _question(source: Source, row: Row) -> Question:
    name = row.text("question_id")
    options = [
        source.row(item, f"an option of {row.place}") for item in row.values.get("choices") or []
    ]
    options.sort(key=lambda option: option.number("choice_id"))
    choices = tuple(option.text("choice") for option in options)
    marked = [i for i, option in enumerate(options) if option.optional("answer") == "Correct"]
    answer = marked[0] if marked else row.position(row.text("answer"), choices)
    return Question(
        id=name,
        video=row.text("video_id"),
        text=row.text("question"),
        choices=choices,
        answer=answer,
        type=name.split("_", maxsplit=1)[0],
        during=(row.number("start"), row.number("end")),
    )


def _graph(question: Question, frames: Mapping[str, Mapping[str, Any]]) -> SceneGraph:
    numbers = sorted(frames, key=int)
    spans = _spans([int(number) / KEY_FRAME_FPS for number in numbers])
    held: dict[_Statement, list[Interval]] = {}
    for number, span in zip(numbers, spans, strict=True):
        for statement in _statements(frames[number]):
            held.setdefault(statement, []).append(span)
    return _document(question, held, spans[-1].end)


def _spans(times: list[float]) -> list[Interval]:
    """Return the time that each key frame speaks for."""
    middles = [(before + after) / 2 for before, after in pairwise(times)]
    starts = [max(0.0, times[0] - REACH_S), *middles]
    ends = [*middles, times[-1] + REACH_S]
    return [
        Interval(max(start, time - REACH_S), min(end, time + REACH_S))
        for start, time, end in zip(starts, times, ends, strict=True)
    ]


def _statements(frame: Mapping[str, Any]) -> Iterator[_Statement]:
    """Yield subject, predicate, object; the object of an action is empty."""
    for pair, label in zip(frame.get("rel_pairs", ()), frame.get("rel_labels", ()), strict=False):
        yield str(pair[0]), str(label), str(pair[1])
    for action in frame.get("actions", ()):
        yield _PERSON, str(action).lower(), ""


def _document(
    question: Question, held: Mapping[_Statement, list[Interval]], end_s: float
) -> SceneGraph:
    names = dict.fromkeys([_PERSON, *(n for s, _, o in held for n in (s, o) if n)])
    ids = {name: number for number, name in enumerate(names, start=1)}
    frame_count = max(1, round(end_s * KEY_FRAME_FPS))
    return SceneGraph(
        video=described_video(
            question.video, fps=KEY_FRAME_FPS, frame_count=frame_count, resolution_wh=(0, 0)
        ),
        objects=tuple(SceneObject(id=number, label=name) for name, number in ids.items()),
        relations=tuple(
            Relation(
                id=f"r{number}",
                subject=ids[subject],
                predicate=predicate,
                object=ids[thing] if thing else CAMERA,
                intervals=union(times),
                kind=predicate_kind(predicate) if thing else "event",
                source="star",
            )
            for number, ((subject, predicate, thing), times) in enumerate(held.items(), start=1)
        ),
        provenance=provenance("star"),
    )
