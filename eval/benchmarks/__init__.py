"""The benchmarks: each reads the files of its owner; one name each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from reelgraph._registry import Registry
from reelgraph.errors import EvalError, QueryError
from reelgraph.eval.benchmarks.material import VideoFolder, graphs_at, read_captions
from reelgraph.eval.benchmarks.question import Benchmark, Captions, Question
from reelgraph.eval.benchmarks.source import Source

__all__ = ["BENCHMARKS", "Benchmark", "Captions", "Question", "load_benchmark"]

_HERE = "reelgraph.eval.benchmarks"
BENCHMARKS: Registry[Benchmark] = Registry(
    "benchmark",
    "reelgraph.benchmarks",
    {
        "agqa": f"{_HERE}.agqa:read_agqa",
        "egoschema": f"{_HERE}.egoschema:read_egoschema",
        "intentqa": f"{_HERE}.intentqa:read_intentqa",
        "jsonl": f"{_HERE}.jsonl:read_jsonl",
        "mvbench": f"{_HERE}.mvbench:read_mvbench",
        "nextgqa": f"{_HERE}.nextgqa:read_nextgqa",
        "nextoe": f"{_HERE}.nextqa:read_nextoe",
        "nextqa": f"{_HERE}.nextqa:read_nextqa",
        "perception_test": f"{_HERE}.perception_test:read_perception_test",
        "pvsg": f"{_HERE}.pvsg:read_pvsg",
        "star": f"{_HERE}.star:read_star",
        "videomme": f"{_HERE}.videomme:read_videomme",
    },
)
"""The benchmarks by name: functions ``(path, split) -> Benchmark``; packages add more by the
entry-point group ``reelgraph.benchmarks``."""


def load_benchmark(
    name: str,
    data: str | Path,
    *,
    split: str | None = None,
    graphs: str | Path | None = None,
    captions: str | Path | None = None,
    videos: str | Path | None = None,
) -> Benchmark:
    """Return a benchmark, read from its owner's files.

    Args:
        name: Registered name, such as ``"nextqa"``.
        data: The folder with the owner's files, or the file of the questions.
        split: Part of the data; None for the benchmark's own choice.
        graphs: Graphs to evaluate: a folder with one file a video, or a VidSTG file.
        captions: A file ``{video: {second: caption}}``.
        videos: The folder with the video files.

    Raises:
        EvalError: If there is no such benchmark, a file is missing (the message says where
            to get it) or has another form, or a question id is there twice.
    """
    try:
        read = BENCHMARKS.get(name)
    except QueryError as error:
        raise EvalError(str(error)) from error
    path = Path(data).expanduser()
    found = read(path) if split is None else read(path, split)
    _check_ids(found)
    return _with_material(found, graphs, captions, videos or _own_videos(path))


def _with_material(
    found: Benchmark,
    graphs: str | Path | None,
    captions: str | Path | None,
    videos: str | Path | None,
) -> Benchmark:
    """Return a benchmark with graphs, captions and videos from elsewhere."""
    if graphs is not None:
        found = replace(found, graphs=graphs_at(Path(graphs).expanduser(), lengths=found.truth))
    if captions is not None:
        source = Source(Path(captions).expanduser(), "captions", "{video: {second: caption}}")
        told = read_captions(source, source.path)
        found = replace(found, captions=told, files={**found.files, **source.files})
    if videos is not None:
        folder = Path(videos).expanduser()
        found = replace(found, videos=VideoFolder(folder, _names(folder)))
    return found


def _own_videos(path: Path) -> Path | None:
    """Return the folder of the data if it holds a folder ``videos``, or videos themselves."""
    folder = path if path.is_dir() else path.parent
    if (folder / "videos").is_dir():
        return folder / "videos"
    return folder if next(folder.glob("*.mp4"), None) else None


def _names(folder: Path) -> dict[str, str]:
    """Return the files of videos by name, as NExT-QA's ``map_vid_vidorID.json`` tells them."""
    places = (folder / "map_vid_vidorID.json", folder.parent / "map_vid_vidorID.json")
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        return {}
    content = Source(path, "NExT-QA", "{video: folder/file}").object(path)
    return {str(video): f"{name}.mp4" for video, name in content.values.items()}


def _check_ids(found: Benchmark) -> None:
    if not found.questions:
        raise EvalError(f"the data of {found.name} holds no question for this split")
    if twice := _repeated(question.id for question in found.questions):
        raise EvalError(f"the data of {found.name} has the question id {twice!r} twice")


def _repeated(ids: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for item in ids:
        if item in seen:
            return item
        seen.add(item)
    return None
