"""What can be shown of a video: graphs, captions and video files, wherever they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from reelgraph.errors import EvalError, ReelgraphError
from reelgraph.eval.benchmarks.question import Captions, GraphSource, Question
from reelgraph.eval.benchmarks.source import Source
from reelgraph.graph.formats.files import read_graph
from reelgraph.graph.formats.vidstg import iter_vidstg
from reelgraph.graph.schema import SceneGraph, VideoInfo

__all__ = [
    "GraphFolder",
    "ListedGraphs",
    "VideoFolder",
    "VideoGraphs",
    "format_in",
    "graphs_at",
    "read_captions",
]

_SNIFFED = 65536
"""Bytes at the start of a file that tell its format."""
_KEYS = {b'"schema_version"': "json", b'"gt_id"': "pvsg", b'"relation_instances"': "vidvrd"}
"""Keys that only files of one format have."""
VIDEO_ENDINGS = (".mp4", ".mkv", ".webm", ".avi", ".mov", ".m4v")


class VideoGraphs:
    """Graphs of many videos, already read.

    Args:
        graphs: By name of the video.
    """

    def __init__(self, graphs: Mapping[str, SceneGraph]) -> None:
        self._graphs = graphs

    def graph(self, question: Question) -> SceneGraph | None:
        """Return the graph of the question's video."""
        return self._graphs.get(question.video)


class GraphFolder:
    """Graphs in files named after their videos: ``<video>.json``.

    Args:
        folder: Where they are.
        format: Name of the format (`reelgraph.graph.formats.files.FORMATS`); ``""`` to tell
            it from each file (`format_in`).
        lengths: Graphs that tell how long each video is, for a format that does not.
    """

    def __init__(self, folder: Path, format: str, lengths: GraphSource | None = None) -> None:  # noqa: A002
        self._folder = folder
        self._format = format
        self._lengths = lengths
        self._files = {path.stem.split(".")[0]: path for path in sorted(folder.iterdir())}

    def graph(self, question: Question) -> SceneGraph | None:
        """Return the graph of the question's video, read anew each time it is asked for.

        Raises:
            EvalError: If the file holds no graph of the format.
        """
        path = self._files.get(question.video)
        if path is None:
            return None
        name = self._format or format_in(path)
        options = {}
        if name == "traser" and (video := self._video(question)) is not None:
            options["video"] = video
        return _read(path, name, options)

    def _video(self, question: Question) -> VideoInfo | None:
        """Return what is known of the video: TRASER's text counts frames, not seconds."""
        known = None if self._lengths is None else self._lengths.graph(question)
        if known is not None:
            return known.video
        if question.duration_s is None:
            return None
        return VideoInfo(
            path=question.video,
            sha256="",
            duration_s=question.duration_s,
            fps=1.0,
            frame_count=max(1, round(question.duration_s)),
            resolution_wh=(0, 0),
        )


class ListedGraphs:
    """Graphs in the files that the questions name themselves."""

    def graph(self, question: Question) -> SceneGraph | None:
        """Return the graph in the question's file.

        Raises:
            EvalError: If the file holds no graph.
        """
        path = question.graph
        return None if path is None else _read(path, format_in(path), {})


class VideoFolder:
    """Video files named after their videos, in a folder or in folders of it.

    Args:
        folder: Where they are.
        names: File of each video without its ending, where it is not named after it.
    """

    def __init__(self, folder: Path, names: Mapping[str, str] | None = None) -> None:
        if not folder.is_dir():
            raise EvalError(f"there is no folder {str(folder)!r}; name the one with the videos")
        self._folder = folder
        self._names = names or {}

    def path(self, question: Question) -> Path | None:
        """Return the file of a question's video."""
        name = self._names.get(question.video, question.video)
        if (exact := self._folder / name).is_file():
            return exact
        stem = Path(name).name.removesuffix(Path(name).suffix if _is_video(name) else "")
        return self._by_stem.get(stem)

    @property
    def _by_stem(self) -> Mapping[str, Path]:
        return _videos_in(self._folder)


def graphs_at(path: Path, format: str = "", lengths: GraphSource | None = None) -> GraphSource:  # noqa: A002
    """Return the graphs at a path: a file of many videos (VidSTG), or a folder of files.

    Args:
        path: The file or the folder.
        format: Of the files of a folder; ``""`` to tell it from each file.
        lengths: Graphs that tell how long each video is.

    Raises:
        EvalError: If there is nothing, or it is no such file.
    """
    if path.is_dir():
        return GraphFolder(path, format, lengths)
    if not path.exists():
        raise EvalError(f"there are no graphs at {str(path)!r}; name a folder or a VidSTG file")
    try:
        return VideoGraphs(dict(iter_vidstg(path)))
    except ReelgraphError as error:
        raise EvalError(f"the graphs cannot be read: {error}") from error


def format_in(path: Path) -> str:
    """Return the name of the format of a graph's file, by its ending or its keys.

    Text that has none of the keys is taken for the text of a model, which may be damaged.
    """
    if path.suffix.lower() not in {".json", ".txt"}:
        return ""
    with path.open("rb") as file:
        start = file.read(_SNIFFED)
    found = (name for key, name in _KEYS.items() if key in start)
    return next(found, "traser")


def read_captions(source: Source, path: Path) -> dict[str, Captions]:
    """Read captions: ``{video: {second: text}}`` or ``{video: [[second, text], ...]}``.

    Raises:
        EvalError: If the file is of another form.
    """
    content = source.json(path)
    if not isinstance(content, dict):
        raise EvalError(f"{str(path)!r} must hold {{video: {{second: caption}}}}")
    return {str(video): _captions(path, video, told) for video, told in content.items()}


def _captions(path: Path, video: str, told: Any) -> Captions:
    try:
        pairs = list(told.items()) if isinstance(told, dict) else list(told)
        return tuple(sorted((float(second), str(text)) for second, text in pairs))
    except (TypeError, ValueError):
        found = f"{{second: caption}}, got {told!r:.80}"
        raise EvalError(f"{str(path)!r}: the captions of {video!r} must be {found}") from None


def _read(path: Path, name: str, options: Mapping[str, object]) -> SceneGraph:
    try:
        return read_graph(path, name or None, **options)
    except ReelgraphError as error:
        raise EvalError(f"the graph in {str(path)!r} cannot be read: {error}") from error


def _is_video(name: str) -> bool:
    return Path(name).suffix.lower() in VIDEO_ENDINGS


@lru_cache(maxsize=8)
def _videos_in(folder: Path) -> Mapping[str, Path]:
    return {path.stem: path for path in sorted(folder.rglob("*")) if _is_video(path.name)}
