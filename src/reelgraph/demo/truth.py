"""What is true in the demo clip: masks, boxes, presence and who did what when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np

from reelgraph._types import Ints, Mask
from reelgraph.demo.script import (
    BALL,
    DURATION_S,
    FPS,
    GIVER,
    GRASP_S,
    PASSER,
    RECEIVER,
    RELEASE_S,
)
from reelgraph.graph.schema import (
    CAMERA,
    Interval,
    Kind,
    LayerRecord,
    Relation,
    SceneGraph,
    SceneObject,
    VideoInfo,
)
from reelgraph.graph.tracks import Track, Tracks, encode_mask

__all__ = ["TRUTH_TOOL", "Shot", "Truth", "tell"]

TRUTH_TOOL = "demo-scene"
"""Name of the ground truth's source in a graph."""

_LOOKS = {
    GIVER: ("person", ("red upper", "navy lower")),
    RECEIVER: ("person", ("blue upper", "beige lower")),
    BALL: ("ball", ("orange", "round")),
    PASSER: ("person", ("green upper", "grey lower")),
}


_Statement: TypeAlias = tuple[int, str, int, Kind, tuple[Interval, ...]]


@dataclass(frozen=True, eq=False)
class Shot:
    """What is where in one frame.

    Attributes:
        visible: By object id, the pixels it shows; objects that show none are left out.
        whole: By object id, the pixels it would show if nothing were before it.
        holders: Ids of those who have a hand closed around the ball.
    """

    visible: dict[int, Mask]
    whole: dict[int, Mask]
    holders: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Truth:
    """The ground truth of a clip.

    Attributes:
        graph: Objects, presence and relations in the words of the geometry generator.
        tracks: Visible masks and boxes in every frame.
    """

    graph: SceneGraph
    tracks: Tracks


def tell(video: VideoInfo, shots: Sequence[Shot], *, version: str, seed: int) -> Truth:
    """Return the truth of a clip from what is where in each of its frames."""
    tracks = Tracks(
        video=video,
        frame_indices=np.arange(len(shots), dtype=np.int64),
        times_s=np.arange(len(shots)) / FPS,
        end_s=float(DURATION_S),
        objects=tuple(_track(owner, shots) for owner in _LOOKS),
    )
    record = LayerRecord(stage="truth", tool=TRUTH_TOOL, version=version, config={"seed": seed})
    graph = SceneGraph(
        video=video,
        objects=tuple(_object(owner, tracks) for owner in _LOOKS),
        relations=_relations(tracks, shots),
        provenance=(record,),
    )
    return Truth(graph, tracks)


def _track(owner: int, shots: Sequence[Shot]) -> Track:
    seen = [(i, shot.visible[owner]) for i, shot in enumerate(shots) if owner in shot.visible]
    return Track(
        id=owner,
        positions=np.array([i for i, _ in seen], np.int64),
        boxes_xyxy=np.array([_box(mask) for _, mask in seen], np.float64),
        rles=tuple(encode_mask(mask) for _, mask in seen),
        score=1.0,
    )


def _box(mask: Mask) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _object(owner: int, tracks: Tracks) -> SceneObject:
    label, attributes = _LOOKS[owner]
    presence = tracks.presence(owner)
    return SceneObject(id=owner, label=label, attributes=attributes, score=1.0, presence=presence)


def _relations(tracks: Tracks, shots: Sequence[Shot]) -> tuple[Relation, ...]:
    def when(is_true: Callable[[Shot], bool]) -> tuple[Interval, ...]:
        return tracks.intervals([i for i, shot in enumerate(shots) if is_true(shot)])

    first, last = _border_crossings(tracks.track(PASSER).positions, shots)
    hands = Interval(GRASP_S, RELEASE_S)
    found: list[_Statement] = [
        (GIVER, "holds", BALL, "contact", when(lambda shot: GIVER in shot.holders)),
        (RECEIVER, "holds", BALL, "contact", when(lambda shot: RECEIVER in shot.holders)),
        (GIVER, "hands", BALL, "event", (hands,)),
        (PASSER, "enters", CAMERA, "event", tracks.intervals(first)),
        (PASSER, "leaves", CAMERA, "event", tracks.intervals(last)),
    ]
    for owner in (GIVER, RECEIVER, BALL):
        hidden = when(partial(_is_hidden, owner))
        found.append((PASSER, "in front of", owner, "spatial", hidden))
    said = (statement for statement in found if statement[4])
    return tuple(_relation(f"r{n}", *statement) for n, statement in enumerate(said, start=1))


def _relation(
    relation_id: str,
    subject: int,
    predicate: str,
    target: int,
    kind: Kind,
    intervals: tuple[Interval, ...],
) -> Relation:
    return Relation(
        id=relation_id,
        subject=subject,
        predicate=predicate,
        object=target,
        intervals=intervals,
        kind=kind,
        score=1.0,
        source=TRUTH_TOOL,
        recipient=RECEIVER if predicate == "hands" else None,
    )


def _is_hidden(owner: int, shot: Shot) -> bool:
    """Return whether the passer-by stands before the object."""
    passer = shot.whole.get(PASSER)
    return passer is not None and bool((passer & shot.whole[owner]).any())


def _border_crossings(positions: Ints, shots: Sequence[Shot]) -> tuple[list[int], list[int]]:
    """Return the frames in which the passer-by is cut by the left and by the right border."""
    cut = [(p, shots[p].visible[PASSER]) for p in map(int, positions)]
    return [p for p, mask in cut if mask[:, 0].any()], [p for p, mask in cut if mask[:, -1].any()]
