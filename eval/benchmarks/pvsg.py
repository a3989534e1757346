"""Questions of NExT-QA on PVSG videos, with people's graphs of the same videos.

Files: ``questions.json`` (``{video: {mc: [{qid, type, question, options, answer, gqa_spans_s}],
oe: [...]}}``) and ``gt/<video>.json`` (`reelgraph.graph.formats.pvsg`). Graphs to compare with
them, such as the text that TRASER wrote, are given apart (``--graphs FOLDER``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reelgraph.errors import EvalError
from reelgraph.eval.benchmarks.material import GraphFolder
from reelgraph.eval.benchmarks.nextqa import GROUPS
from reelgraph.eval.benchmarks.question import Benchmark, Question
from reelgraph.eval.benchmarks.source import Source

__all__ = ["read_pvsg"]

WHERE = (
    "PVSG is at https://github.com/LilyDaytoy/OpenPVSG; write its graphs as one file a video "
    "(gt/<video>.json) and the questions as questions.json, see docs/evaluation.md"
)


def read_pvsg(path: Path, split: str = "mc") -> Benchmark:
    """Read the multiple-choice questions.

    Args:
        path: The folder.
        split: ``"mc"``; the open questions repeat those of NExT-OE.

    Raises:
        EvalError: If a file is missing or of another form.
    """
    source = Source(path, "PVSG questions", WHERE)
    file = source.questions("questions.json")
    if split not in {"mc", "val"}:
        raise EvalError(f"PVSG questions have no split {split!r}; there is 'mc'")
    content = source.object(file)
    questions = tuple(
        question
        for video, value in content.values.items()
        for question in _questions(source, str(video), value)
    )
    folder = source.folder / "gt"
    if not folder.is_dir():
        raise EvalError(f"{str(source.folder)!r} holds no folder 'gt'. {source.advice}")
    return Benchmark(
        name="pvsg",
        questions=questions,
        truth=GraphFolder(folder, "pvsg"),
        files=source.files,
        groups=GROUPS,
    )


def _questions(source: Source, video: str, value: object) -> Iterator[Question]:
    told = source.row(value, f"video {video!r}")
    for item in told.values.get("mc") or []:
        row = source.row(item, f"a question on video {video!r}")
        choices = row.texts("options")
        yield Question(
            id=f"{video}_{row.text('qid')}",
            video=video,
            text=row.text("question"),
            choices=choices,
            answer=row.index("answer", choices),
            type=row.optional("type"),
            spans=row.spans("gqa_spans_s"),
        )
