"""TRASER output: the JSON that the model writes, read however damaged, and written.

The text is ``{"objects": [{"object 1": label, "attributes": [...]}, ...], "relationships":
[[subject, predicate, object, [[first, last], ...]], ...]}``. Spans count the frames that
the model was shown, about one a second, and include both ends; -1 is the camera.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from reelgraph._atomic import replacing
from reelgraph.errors import GraphFormatError
from reelgraph.graph import intervals
from reelgraph.graph.formats.frames import described_video, provenance
from reelgraph.graph.formats.parsing import SourceFile
from reelgraph.graph.formats.predicate_kinds import predicate_kind
from reelgraph.graph.formats.traser_output import (
    UNNAMED,
    Salvage,
    TraserObject,
    TraserOutput,
    TraserRelation,
    parse_traser,
)
from reelgraph.graph.schema import (
    CAMERA,
    GraphLayer,
    Interval,
    LayerObject,
    Relation,
    SceneGraph,
    SceneObject,
    VideoInfo,
)

__all__ = [
    "Salvage",
    "TraserObject",
    "TraserOutput",
    "TraserRelation",
    "parse_traser",
    "read_traser",
    "sampled_edges",
    "traser_layer",
    "write_traser",
]

SOURCE: Final = "traser"

_MOST_FRAMES: Final = 128
_LEAST_FRAMES: Final = 4


def read_traser(
    path: str | Path, *, video: VideoInfo | None = None, times_s: Sequence[float] | None = None
) -> SceneGraph:
    """Read a file with the text that TRASER wrote, damaged or not.

    What could not be kept is said in the warnings of the graph's provenance. The format
    holds no presence, scores or kinds; kinds are derived from the predicates.

    Args:
        path: The file.
        video: The video; without it, spans are taken for seconds.
        times_s: Presentation times of the frames the model was shown, shape ``(n,)``;
            without them they are taken to be spread evenly over the video.

    Raises:
        GraphFormatError: If the file cannot be read, or the times do not increase.
        ModelOutputError: If it holds neither an object nor a relation.
    """
    file = SourceFile(Path(path), "TRASER output", "Use the text that the model wrote")
    text = file.read().decode("utf-8", "replace")
    known = None if video is None else sampled_edges(video, times_s)
    output = parse_traser(text, frame_count=None if known is None else len(known) - 1)
    last = max((r.spans[-1][1] for r in output.relations), default=0)
    edges = known or [float(second) for second in range(last + 2)]
    told = described_video(str(path), fps=1.0, frame_count=len(edges) - 1, resolution_wh=(0, 0))
    return _as_graph(traser_layer(output, edges), video or told)


def sampled_edges(video: VideoInfo, times_s: Sequence[float] | None = None) -> list[float]:
    """Return when each frame that the model was shown begins, and the end of the video.

    Args:
        video: The video.
        times_s: Presentation times of the frames, increasing, shape ``(n,)``; by default
            those of TRASER's own choice, one a second but 4 to 128, evenly spread.

    Returns:
        Seconds, shape ``(n + 1,)``.

    Raises:
        GraphFormatError: If the times do not increase.
    """
    if times_s is not None and len(times_s):
        edges = [*times_s, max(video.duration_s, times_s[-1])]
        if edges != sorted(edges):
            raise GraphFormatError(f"times_s must increase, got {list(times_s)!r:.200}")
        return edges
    wanted = min(max(round(video.duration_s), _LEAST_FRAMES), _MOST_FRAMES)
    count = min(wanted, video.frame_count)
    return [i * video.duration_s / count for i in range(count + 1)]


def traser_layer(
    output: TraserOutput, edges_s: Sequence[float], *, ids: Sequence[int] | None = None
) -> GraphLayer:
    """Return an output as what one generator says about tracked objects.

    A thing that the text names and does not describe has no label in the layer.

    Args:
        output: The output, parsed with the numbers of frames and of ids given here.
        edges_s: When each frame that the model was shown begins, and the end of the last,
            in seconds, shape ``(n + 1,)``.
        ids: Track id of ``object 1``, ``object 2``, ...; by default the numbers themselves.

    Raises:
        GraphFormatError: If the output names more objects or frames than are given.
    """
    _check_extent(output, len(edges_s) - 1, None if ids is None else len(ids))
    tracks = {k: ids[k - 1] if ids is not None else k for k in (o.id for o in output.objects)}
    tracks[CAMERA] = CAMERA
    return GraphLayer(
        source=SOURCE,
        objects={tracks[o.id]: _layer_object(o) for o in output.objects},
        relations=tuple(
            _relation(number, r, tracks, edges_s)
            for number, r in enumerate(output.relations, start=1)
        ),
        warnings=output.salvage.warnings,
    )


def _check_extent(output: TraserOutput, frames: int, ids: int | None) -> None:
    last = max((r.spans[-1][1] for r in output.relations), default=-1)
    most = max((o.id for o in output.objects), default=0)
    if last >= frames:
        raise GraphFormatError(
            f"the output speaks of frame {last}, the times of {frames} frames were given; "
            f"parse it with frame_count={frames}"
        )
    if ids is not None and most > ids:
        raise GraphFormatError(
            f"the output speaks of object {most}, the ids of {ids} objects were given; "
            f"parse it with object_count={ids}"
        )


def _layer_object(item: TraserObject) -> LayerObject:
    label = None if item.label == UNNAMED else item.label
    return LayerObject(label=label, attributes=item.attributes, uncertain=item.uncertain)


def _relation(
    number: int, item: TraserRelation, tracks: Mapping[int, int], edges_s: Sequence[float]
) -> Relation:
    return Relation(
        id=f"r{number}",
        subject=tracks[item.subject],
        predicate=item.predicate,
        object=tracks[item.object],
        intervals=tuple(Interval(edges_s[first], edges_s[last + 1]) for first, last in item.spans),
        kind=predicate_kind(item.predicate),
        source=SOURCE,
    )


def _as_graph(layer: GraphLayer, video: VideoInfo) -> SceneGraph:
    objects = tuple(
        SceneObject(id=k, label=o.label or UNNAMED, attributes=o.attributes, uncertain=o.uncertain)
        for k, o in sorted(layer.objects.items())
    )
    return SceneGraph(
        video=video,
        objects=objects,
        relations=layer.relations,
        provenance=provenance(SOURCE, layer.warnings),
    )


# -------------------------------------------------------------------------------- writing


def write_traser(document: SceneGraph, path: str | Path) -> None:
    """Write a graph as TRASER would say it, in the spacing it was trained on.

    The format holds labels, attributes and who does what to whom; presence, scores, kinds,
    sources, recipients and provenance are lost. Times become whole frames out of those
    that `sampled_edges` names, so an interval grows to the frames that it touches.

    Raises:
        OSError: If the file cannot be written.
    """
    edges = sampled_edges(document.video)
    content = {
        "objects": [_written_object(item) for item in document.objects],
        "relationships": _written_relations(document.relations, edges),
    }
    with replacing(path) as partial:
        partial.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _written_object(item: SceneObject) -> dict[str, Any]:
    label = f"{item.label} (uncertain)" if item.uncertain else item.label
    entry: dict[str, Any] = {f"object {item.id}": label}
    return entry | ({"attributes": list(item.attributes)} if item.attributes else {})


def _written_relations(relations: Iterable[Relation], edges: Sequence[float]) -> list[list[Any]]:
    times: dict[tuple[int, str, int], list[Interval]] = {}
    for r in relations:
        spans = [_frames(interval, edges) for interval in r.intervals]
        whole = [Interval(first, last + 1) for first, last in spans]
        times.setdefault((r.subject, r.predicate, r.object), []).extend(whole)
    return [
        [*key, [[int(start), int(end) - 1] for start, end in intervals.union(spans)]]
        for key, spans in times.items()
    ]


def _frames(interval: Interval, edges: Sequence[float]) -> tuple[int, int]:
    """Return the first and last frame that an interval touches by more than rounding."""
    slack = 1e-6
    last_frame = len(edges) - 2
    first = min(bisect_right(edges, interval.start + slack) - 1, last_frame)
    last = min(bisect_left(edges, interval.end - slack) - 1, last_frame)
    return max(first, 0), max(first, last, 0)
