"""From a video file to its graph: tracker, generators, merge, each kept in the store."""

from __future__ import annotations

import dataclasses
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from reelgraph.errors import StoreError
from reelgraph.graph.schema import GraphLayer, LayerRecord, SceneGraph
from reelgraph.graph.store import STAGE_VERSIONS, GraphStore, StageKey
from reelgraph.graph.temporal import TemporalGraph
from reelgraph.graph.track_formats import tracks_from_bytes, tracks_to_bytes
from reelgraph.graph.tracks import Tracks
from reelgraph.progress import Progress
from reelgraph.tools.base import (
    NO_PROGRESS,
    Availability,
    GraphGenerator,
    Resumable,
    ToolConfig,
    Tracker,
)
from reelgraph.tools.choice import ToolChoice
from reelgraph.tools.merge import MERGE_VERSION, apply_labels, checked_layer, merge
from reelgraph.tools.video import Video, hash_file, shown_path

__all__ = ["Pipeline"]

_GRAPHS_KEPT = 8
_TRACKS_KEPT = 2

_logger = logging.getLogger("reelgraph")


class _Tool(Protocol):
    """What trackers and generators have in common."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def config(self) -> ToolConfig: ...

    def available(self) -> Availability: ...


T = TypeVar("T", bound=_Tool)
V = TypeVar("V")


class Pipeline:
    """Finds the objects of a video, describes them, and keeps the result.

    Args:
        tracker: A tracker, its registered name, or ``"auto"``: the best that can run here.
        generators: Generators or their names, in the order of their layers, or
            ``"auto"``: all of ours that can run here. A later layer's label wins.
        options: Options of tools that are given by name: ``{"sam2": {"max_objects": 20}}``.
        store: Where results are kept; the platform's cache folder if None.

    Raises:
        QueryError: If a name is not registered.
        SettingsError: If a tool that was named cannot run here, or an option cannot be used.

    Attributes:
        tracker: The tracker in use.
        generators: The generators in use, in the order of their layers.
        store: Where results are kept.
        choice: What was picked and why, in one sentence.
    """

    def __init__(
        self,
        *,
        tracker: str | Tracker = "auto",
        generators: str | Sequence[str | GraphGenerator] = "auto",
        options: Mapping[str, Mapping[str, object]] | None = None,
        store: GraphStore | None = None,
    ) -> None:
        tools = ToolChoice(options)
        self.tracker: Tracker = tools.tracker(tracker)
        self.generators: tuple[GraphGenerator, ...] = tools.generators(generators)
        self.store = store or GraphStore()
        if isinstance(self.tracker, Resumable):
            self.tracker.keep_unfinished_in(self.store.root / "unfinished")
        self.choice = tools.sentence(self.tracker, self.generators)
        self._graphs: _Recent[TemporalGraph] = _Recent(_GRAPHS_KEPT)
        self._tracks: _Recent[Tracks] = _Recent(_TRACKS_KEPT)
        self._unsaved: dict[str, dict[int, str]] = {}

    def tracks(self, video: str | Path, *, progress: Progress = NO_PROGRESS) -> Tracks:
        """Return the tracks of a video, from the store where they are there.

        Raises:
            VideoError: If the file cannot be used as a video.
        """
        return self._job(video, progress).tracks()

    def graph(self, video: str | Path, *, progress: Progress = NO_PROGRESS) -> TemporalGraph:
        """Return the graph of a video with the user's labels on it.

        Raises:
            VideoError: If the file cannot be used as a video.
        """
        job = self._job(video, progress)
        labels = self._labels(job.tracks_key)
        key = (job.graph_key.digest, os.fspath(job.path), *sorted(labels.items()))
        return self._graphs.get_or_make(
            key, lambda: TemporalGraph(apply_labels(job.document(), labels))
        )

    def relabel(self, video: str | Path, labels: Mapping[int, str]) -> TemporalGraph:
        """Give objects the user's labels, for good, and return the graph with them.

        Raises:
            QueryError: If an id is unknown or a label is empty.
            VideoError: If the file cannot be used as a video.
        """
        named = self.graph(video).relabel(labels)
        clean = {object_id: named.object(object_id).label for object_id in labels}
        key = self._job(video, NO_PROGRESS).tracks_key
        try:
            self.store.set_labels(key, clean)
        except StoreError as error:
            _logger.warning("%s; the labels hold until this process ends", error)
            self._unsaved.setdefault(key.digest, {}).update(clean)
        return self.graph(video)

    def _labels(self, key: StageKey) -> dict[int, str]:
        return {**self.store.get_labels(key), **self._unsaved.get(key.digest, {})}

    def _job(self, video: str | Path, progress: Progress) -> _Job:
        path = Path(video)
        sha256 = self.store.media_sha256(path, hash_file)
        tools = (self.tracker, self.generators)
        return _Job(path, sha256, *tools, self.store, self._tracks, progress)


class _Recent(Generic[V]):
    """The values used last, so that a warm question reads nothing from the store."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[tuple[object, ...], V] = OrderedDict()
        self._lock = threading.Lock()

    def get_or_make(self, key: tuple[object, ...], make: Callable[[], V]) -> V:
        """Return the value of ``key``, made now if it is not kept."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._size:
                self._values.popitem(last=False)
        return value


class _Job:
    """The work on one video: a key for each stage, and what to do where it is missing."""

    def __init__(
        self,
        path: Path,
        sha256: str,
        tracker: Tracker,
        generators: Sequence[GraphGenerator],
        store: GraphStore,
        recent: _Recent[Tracks],
        progress: Progress,
    ) -> None:
        self.path = path
        self._sha256 = sha256
        self._tracker = tracker
        self._generators = generators
        self._store = store
        self._recent = recent
        self._progress = progress
        self._video: Video | None = None
        self.tracks_key = _stage_key("tracks", sha256, tracker)
        self.layer_keys = [
            _stage_key("layer", sha256, generator, (self.tracks_key.digest,))
            for generator in generators
        ]
        self.graph_key = StageKey(
            media_sha256=sha256,
            stage="graph",
            tool="merge",
            version=MERGE_VERSION,
            inputs=(self.tracks_key.digest, *(key.digest for key in self.layer_keys)),
            schema_version=STAGE_VERSIONS["graph"],
        )

    def tracks(self) -> Tracks:
        key = (self.tracks_key.digest, os.fspath(self.path))
        return self._recent.get_or_make(key, self._stored_tracks)

    def _stored_tracks(self) -> Tracks:
        data = self._store.get_or_build(self.tracks_key, self._track)
        tracks = tracks_from_bytes(data)
        # Files with the same bytes share an entry; the path is the caller's.
        here = tracks.video.model_copy(update={"path": shown_path(self.path)})
        return dataclasses.replace(tracks, video=here)

    def document(self) -> SceneGraph:
        data = self._store.get_or_build(self.graph_key, self._merge)
        document = SceneGraph.model_validate_json(data)
        here = document.video.model_copy(update={"path": shown_path(self.path)})
        return document.model_copy(update={"video": here})

    def _open(self) -> Video:
        """Open the video when a stage needs it, once."""
        if self._video is None:
            self._video = Video.open(self.path, sha256=self._sha256)
        return self._video

    def _track(self) -> bytes:
        video = self._open()
        tracks = self._tracker.track(video, progress=self._progress)
        notes = tuple(dict.fromkeys((*video.warnings, *tracks.warnings)))
        return tracks_to_bytes(dataclasses.replace(tracks, warnings=notes))

    def _merge(self) -> bytes:
        tracks = self.tracks()
        layers = [
            self._layer(generator, key, tracks)
            for generator, key in zip(self._generators, self.layer_keys, strict=True)
        ]
        records = [_record(self.tracks_key, tracks.warnings)]
        records += [
            _record(key, layer.warnings) for key, layer in zip(self.layer_keys, layers, strict=True)
        ]
        return merge(tracks, layers, records).model_dump_json().encode()

    def _layer(self, generator: GraphGenerator, key: StageKey, tracks: Tracks) -> GraphLayer:
        def build() -> bytes:
            layer = generator.generate(self._open(), tracks, progress=self._progress)
            return checked_layer(layer, tracks, source=generator.name).model_dump_json().encode()

        return GraphLayer.model_validate_json(self._store.get_or_build(key, build))


def _stage_key(stage: str, sha256: str, tool: _Tool, inputs: tuple[str, ...] = ()) -> StageKey:
    return StageKey(
        media_sha256=sha256,
        stage=stage,
        tool=tool.name,
        version=tool.version,
        config=tool.config.model_dump(mode="json"),
        model_id=getattr(tool, "model_id", None),
        inputs=inputs,
        schema_version=STAGE_VERSIONS[stage],
    )


def _record(key: StageKey, warnings: tuple[str, ...]) -> LayerRecord:
    return LayerRecord(
        stage=key.stage,
        tool=key.tool,
        version=key.version,
        config=key.config,
        model_id=key.model_id,
        warnings=warnings,
    )
