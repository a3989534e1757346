"""The scene-graph document: what is stored, exchanged and cited.

Times are float seconds from the presentation time of the video's first frame;
intervals are half-open ``[start, end)``. Object ids are positive integers, unique
in their video; `CAMERA` (-1) is the observer and may stand in a relation where a
second participant is missing (``person #1 enters camera's view``).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    field_validator,
    model_validator,
)
from pydantic_core import core_schema

__all__ = [
    "CAMERA",
    "SCHEMA_VERSION",
    "GraphLayer",
    "Interval",
    "Kind",
    "LayerObject",
    "LayerRecord",
    "Relation",
    "SceneGraph",
    "SceneObject",
    "VideoInfo",
]

CAMERA = -1
"""Object id of the observer."""

SCHEMA_VERSION = 1
"""Version of the `SceneGraph` document; part of every cache key."""

Kind: TypeAlias = Literal[
    "spatial", "contact", "motion", "stateful", "functional", "social", "attentional", "event"
]
"""What sort of statement a relation makes."""


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A half-open span of time ``[start, end)`` in seconds.

    Written to JSON as ``[start, end]``. An instant is an interval of zero length.

    Raises:
        ValueError: If a bound is not finite or ``end < start``.

    Example:
        >>> start, end = Interval(1.0, 2.5)
        >>> Interval(1.0, 2.5).duration
        1.5
    """

    start: float
    end: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start) and math.isfinite(self.end)):
            raise ValueError(f"interval bounds must be finite, got [{self.start}, {self.end})")
        if self.end < self.start:
            raise ValueError(f"interval must not end before it starts: [{self.start}, {self.end})")

    def __iter__(self) -> Iterator[float]:
        yield self.start
        yield self.end

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.end - self.start

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Read ``[start, end]`` pairs and write them back."""
        number = core_schema.float_schema()
        pair = core_schema.tuple_schema([number, number])
        from_pair = core_schema.no_info_after_validator_function(lambda p: cls(*p), pair)
        return core_schema.json_or_python_schema(
            json_schema=from_pair,
            python_schema=core_schema.union_schema(
                [core_schema.is_instance_schema(cls), from_pair]
            ),
            serialization=core_schema.plain_serializer_function_ser_schema(list),
        )


def _check_intervals(intervals: tuple[Interval, ...]) -> tuple[Interval, ...]:
    """Require sorted intervals that neither overlap nor touch in the wrong order."""
    for before, after in itertools.pairwise(intervals):
        if after.start < before.end:
            raise ValueError(
                f"intervals must be sorted and disjoint: [{before.start}, {before.end}) is "
                f"followed by [{after.start}, {after.end}); "
                "reelgraph.graph.intervals.union() merges them"
            )
    return intervals


Intervals: TypeAlias = Annotated[tuple[Interval, ...], AfterValidator(_check_intervals)]
Score: TypeAlias = Annotated[float, Field(ge=0.0, le=1.0)] | None


class Document(BaseModel):
    """Base of every stored document: frozen, and unknown keys are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class VideoInfo(Document):
    """What is known of a video file without looking at its pixels.

    Attributes:
        path: The file as it was opened (for people; never part of a cache key).
        sha256: Hash of the file's bytes, hexadecimal.
        duration_s: From the first frame's presentation time to the end of the last frame.
        fps: Average frame rate. Never use it to compute a time: frames carry theirs.
        frame_count: Number of frames that decode.
        resolution_wh: Width and height in pixels as shown, rotation applied.
        rotation: Clockwise rotation in degrees that the container asks for.
    """

    path: str
    sha256: str
    duration_s: float = Field(ge=0)
    fps: float = Field(gt=0)
    frame_count: int = Field(ge=1)
    resolution_wh: tuple[int, int]
    rotation: int = 0


class SceneObject(Document):
    """One physical thing.

    Attributes:
        id: Positive integer, unique in the video.
        label: What it is, lower case, e.g. ``"person"``.
        attributes: What it is like, e.g. ``("red", "tall")``.
        uncertain: True where the label is a guess.
        score: Confidence in the object, 0 to 1, or None.
        presence: When it is visible: sorted, disjoint intervals.
    """

    id: int = Field(ge=1)
    label: str = Field(min_length=1)
    attributes: tuple[str, ...] = ()
    uncertain: bool = False
    score: Score = None
    presence: Intervals = ()


class Relation(Document):
    """A statement about two objects that holds during intervals.

    Attributes:
        id: ``"r1"``, ``"r2"``, ...: what answers cite.
        subject: Object id of the one who acts or is described.
        predicate: Verb or preposition in the form that reads ``subject predicate object``:
            ``"holds"``, ``"left of"``, ``"hands"``.
        object: Object id of the other one, or `CAMERA`.
        recipient: Who receives, in events with three participants
            (``1 hands 3 to 2`` has recipient 2); None otherwise.
        intervals: When it holds: sorted, disjoint, at least one.
        kind: What sort of statement it is.
        score: Confidence, 0 to 1, or None.
        source: Name of the generator that said so, e.g. ``"geometry"``.
    """

    id: str
    subject: int
    predicate: str = Field(min_length=1)
    object: int
    intervals: Annotated[Intervals, Field(min_length=1)]
    kind: Kind
    score: Score = None
    source: str = Field(min_length=1)
    recipient: int | None = None

    @property
    def start(self) -> float:
        """Start of the first interval in seconds."""
        return self.intervals[0].start

    @property
    def end(self) -> float:
        """End of the last interval in seconds."""
        return self.intervals[-1].end


class LayerObject(Document):
    """What one generator says about one object; None means that it does not say."""

    label: str | None = None
    attributes: tuple[str, ...] = ()
    uncertain: bool = True
    score: Score = None


class GraphLayer(Document):
    """What one generator says about a video.

    Relation ids in a layer are placeholders: the pipeline numbers them when it merges.
    """

    source: str
    objects: dict[int, LayerObject] = {}
    relations: tuple[Relation, ...] = ()
    warnings: tuple[str, ...] = ()


class LayerRecord(Document):
    """Provenance: which tool said part of this graph, and how it was set up.

    Attributes:
        stage: ``"tracks"``, ``"layer"`` or ``"labels"``.
        tool: Registered name of the tool.
        version: The tool's own version, which changes when its output may change.
        config: The tool's options.
        model_id: Model and revision, where there is one.
        warnings: What the reader must know: objects left out, output cut short.
    """

    stage: str
    tool: str
    version: str
    config: dict[str, Any] = {}
    model_id: str | None = None
    warnings: tuple[str, ...] = ()


class SceneGraph(Document):
    """The whole document: one video, its objects and relations, and who said so.

    Raises:
        ValueError: If the schema version is another, ids repeat, or a relation names an
            object that is not there.
    """

    schema_version: int = SCHEMA_VERSION
    video: VideoInfo
    objects: tuple[SceneObject, ...] = ()
    relations: tuple[Relation, ...] = ()
    provenance: tuple[LayerRecord, ...] = ()

    @field_validator("schema_version")
    @classmethod
    def _check_version(cls, version: int) -> int:
        if version != SCHEMA_VERSION:
            raise ValueError(
                f"the document has schema version {version}, this reelgraph reads {SCHEMA_VERSION}"
            )
        return version

    @model_validator(mode="after")
    def _check_references(self) -> SceneGraph:
        ids = [item.id for item in self.objects]
        if len(set(ids)) != len(ids):
            raise ValueError(f"object ids repeat: {sorted(i for i in ids if ids.count(i) > 1)}")
        if len({r.id for r in self.relations}) != len(self.relations):
            raise ValueError("relation ids repeat")
        known = {*ids, CAMERA, None}
        for r in self.relations:
            for end in (r.subject, r.object, r.recipient):
                if end not in known:
                    raise ValueError(
                        f"relation {r.id!r} names object {end}, which is not in the graph"
                    )
        return self
