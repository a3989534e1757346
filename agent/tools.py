"""The graph as tools for a language model.

Every tool returns text with ids, cut to a token budget, and the same content as rows
(`reelgraph.agent.facts.Artifact`) in the tool message's ``artifact``. A question to the
graph that makes no sense comes back as a message that the model can act on.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeAlias

import numpy as np
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel

from reelgraph.agent import arguments
from reelgraph.agent.concurrency import extreme, levels
from reelgraph.agent.facts import Artifact, ResultRow, object_row, relation_row
from reelgraph.agent.look import Camera
from reelgraph.agent.references import parse_reference, resolve
from reelgraph.errors import QueryError
from reelgraph.graph import serialize
from reelgraph.graph.intervals import allen, hull
from reelgraph.graph.schema import Interval, Relation, SceneObject
from reelgraph.graph.temporal import TemporalGraph
from reelgraph.graph.tracks import Tracks

__all__ = ["RESULT_TOKENS", "graph_tools"]

RESULT_TOKENS = 2000
"""Most tokens that one tool result may have, by `estimate_tokens`."""

Result: TypeAlias = tuple[str | list[str | dict[str, Any]], Artifact]


def graph_tools(
    graph: TemporalGraph,
    *,
    tracks: Tracks | None = None,
    camera: Camera | None = None,
    during: tuple[float, float] | None = None,
) -> list[BaseTool]:
    """Return the tools with which a model asks a graph; usable in any LangChain agent.

    Args:
        graph: The graph to ask.
        tracks: Where its objects are; without them no place and no crop is known.
        camera: Gives the frames of the video to the tool ``look``; None leaves it out.
        during: The seconds that the graph was cut to; None if it is whole.
    """
    whole = Interval(*during) if during else Interval(0.0, graph.video.duration_s)
    box = _Toolbox(graph, tracks, camera, whole)
    named: list[tuple[str, Callable[..., Result], type[BaseModel], str]] = [
        ("describe_video", box.describe_video, arguments.DescribeVideo,
         "Overview: duration, objects with ids, and which predicates the graph uses. Call first."),
        ("list_objects", box.list_objects, arguments.ListObjects,
         "Objects with id, label, attributes and when they are visible."),
        ("find_relations", box.find_relations, arguments.FindRelations,
         "Relations (who does what to whom, and when) that fit every given condition."),
        ("neighbors", box.neighbors, arguments.Neighbors,
         "Everything that one object is related to."),
        ("timeline", box.timeline, arguments.Timeline,
         "Everything that one object takes part in, in order of time."),
        ("snapshot", box.snapshot, arguments.Snapshot,
         "What is visible and what holds at one moment."),
        ("compare_times", box.compare_times, arguments.CompareTimes,
         "How one interval lies to another: before, meets, overlaps, during, ... (Allen)."),
        ("count", box.count, arguments.Count,
         "How many objects or relations there are, or the most or fewest at any one moment."),
        ("match_sequence", box.match_sequence, arguments.MatchSequence,
         "The first, last, next or previous occurrence of a relation."),
    ]  # fmt: skip
    if camera is not None:
        named.append(
            ("look", box.look, arguments.Look, "See frames of the video, or crops of one object.")
        )
    return [make_tool(*each) for each in named]


def make_tool(
    name: str, function: Callable[..., Result], schema: type[BaseModel], description: str
) -> BaseTool:
    """Return a tool that answers with text and rows, and what it cannot do in words."""
    return StructuredTool.from_function(
        _speaking(function),
        name=name,
        description=description,
        args_schema=schema,
        response_format="content_and_artifact",
        infer_schema=False,
        **acting_on_errors(schema),
    )


def acting_on_errors(schema: Any) -> dict[str, Any]:
    """Return how a tool answers what it cannot do: in words that a model can act on."""
    return {
        "handle_tool_error": True,
        "handle_validation_error": lambda error: _told(error, schema),
    }


def _told(error: Any, schema: Any) -> str:
    """Return what is wrong with the arguments; an error from inside a tool is a bug."""
    if getattr(error, "title", schema.__name__) != schema.__name__:
        raise error
    return arguments.complaint(error, schema)


def _speaking(function: Callable[..., Result]) -> Callable[..., Result]:
    """Turn errors that the model can act on into tool messages."""

    @wraps(function)
    def call(**given: Any) -> Result:
        try:
            return function(**given)
        except QueryError as error:
            raise ToolException(str(error)) from error

    return call


class _Toolbox:
    """The tools of one graph."""

    def __init__(
        self,
        graph: TemporalGraph,
        tracks: Tracks | None,
        camera: Camera | None,
        whole: Interval,
    ) -> None:
        self._whole = whole
        self._graph = graph
        self._tracks = tracks
        self._camera = camera

    def describe_video(self) -> Result:
        graph, stats = self._graph, self._graph.stats()
        predicates = ", ".join(f"{serialize.clean(p)} ({n})" for p, n in stats.predicates.items())
        width, height = graph.video.resolution_wh
        part = f"; only {_range(self._whole)} s are asked about" if self._is_part() else ""
        head = [
            f"video {graph.video.duration_s:.2f} s, {width}x{height}, {stats.objects} objects, "
            f"{stats.relations} relations{part}",
            f"predicates: {predicates or 'none'}",
        ]
        objects = graph.objects()
        text = _budgeted([*head, *map(self._object_line, objects)])
        return text, {
            "objects": [self._object_row(item) for item in objects],
            "predicates": list(stats.predicates),
            "window": list(self._whole),
        }

    def list_objects(
        self,
        label: str | None = None,
        attribute: str | None = None,
        start_s: float | None = None,
        end_s: float | None = None,
    ) -> Result:
        window = self._window(start_s, end_s)
        found = self._graph.objects(label, attribute=attribute, during=window)
        text = _budgeted([*map(self._object_line, found)] or ["no such object in that time"])
        return text, {"objects": [self._object_row(item) for item in found]}

    def find_relations(
        self,
        subject: int | str | None = None,
        predicate: str | None = None,
        object: int | str | None = None,  # noqa: A002
        start_s: float | None = None,
        end_s: float | None = None,
    ) -> Result:
        window = self._window(start_s, end_s)
        return self._relations(self._find(subject, predicate, object, window))

    def neighbors(
        self,
        object_id: int,
        predicate: str | None = None,
        start_s: float | None = None,
        end_s: float | None = None,
    ) -> Result:
        window = self._window(start_s, end_s)
        found = self._graph.neighbors(object_id, predicate=predicate, during=window)
        return self._relations(list({n.relation.id: n.relation for n in found}.values()))

    def timeline(self, object_id: int) -> Result:
        return self._relations(self._graph.timeline(object_id))

    def snapshot(self, time_s: float) -> Result:
        moment = self._graph.at(time_s)
        artifact: Artifact = {
            "objects": [self._object_row(self._graph.object(o.id)) for o in moment.objects()],
            "relations": [relation_row(self._graph.relation(r.id)) for r in moment.relations()],
        }
        return moment.to_text(budget=RESULT_TOKENS), artifact

    def compare_times(self, first: str, second: str) -> Result:
        a, b = self._span(first), self._span(second)
        name = allen(a, b)
        text = f"{first} is {name} {second}: {_seconds(a)} and {_seconds(b)}"
        row = _result([first, second], text, name)
        cited = [r for r in map(parse_reference, (first, second)) if r is not None]
        row["relations"] = [
            r.key if r.index is None else f"{r.key}.{r.index}" for r in cited if r.object_id is None
        ]
        row["objects"] = [r.object_id for r in cited if r.object_id is not None]
        return f"{text} (result {row['id']})", {"results": [row]}

    def count(
        self,
        what: str,
        over: str = "all",
        subject: int | str | None = None,
        predicate: str | None = None,
        object: int | str | None = None,  # noqa: A002
        start_s: float | None = None,
        end_s: float | None = None,
    ) -> Result:
        window = self._window(start_s, end_s)
        stays: list[tuple[Any, Interval]]
        if what == "objects":
            counted = self._graph.objects(_label(subject), during=window)
            stays = [(item.id, span) for item in counted for span in item.presence]
            noun = serialize.clean(str(subject or "objects"))
        else:
            found = self._find(subject, predicate, object, window)
            stays = [(r.id, span) for r in found for span in r.intervals]
            noun = f"times {serialize.clean(predicate or 'related')}"
        value, ids, span = _counted(stays, over, window or self._whole)
        text = f"{value} {noun} {_seconds(span)}".rstrip()
        row = _result([what, over, subject, predicate, object, start_s, end_s], text, value, span)
        if what == "objects":
            row["objects"] = ids
        else:
            row["relations"] = ids
        listed = ", ".join(map(str, ids[:20])) or "none"
        return f"{text}: {listed} (result {row['id']})", {"results": [row]}

    def match_sequence(
        self,
        which: str,
        anchor: str | None = None,
        subject: int | str | None = None,
        predicate: str | None = None,
        object: int | str | None = None,  # noqa: A002
        start_s: float | None = None,
        end_s: float | None = None,
    ) -> Result:
        found = self._find(subject, predicate, object, self._window(start_s, end_s))
        ordered = sorted(
            ((span, r, i) for r in found for i, span in enumerate(r.intervals, 1)),
            key=lambda item: item[0],
        )
        if which in {"next after", "last before"}:
            if anchor is None:
                raise QueryError(f"which={which!r} needs an anchor: the id of a relation or object")
            at = self._span(anchor)
            if which == "next after":
                ordered = [item for item in ordered if item[0].start >= at.end]
            else:
                ordered = [item for item in ordered if item[0].end <= at.start]
        if not ordered:
            return "nothing like that", {"relations": []}
        span, relation, index = ordered[-1 if which.startswith("last") else 0]
        line = f"[{_range(span)} s] {self._graph.describe(relation)} ({relation.id}.{index})"
        return line, {"relations": [relation_row(relation)]}

    def look(self, times_s: list[float], object_id: int | None = None) -> Result:
        if self._camera is None:
            raise QueryError("no frames can be shown here")
        if object_id is not None:
            self._graph.object(object_id)
        if any(not self._whole.start <= time <= self._whole.end for time in times_s):
            raise QueryError(f"only {_range(self._whole)} s are asked about; give times in it")
        return self._camera.look(times_s, object_id)

    # -- shared ----------------------------------------------------------------------

    def _find(
        self,
        subject: int | str | None,
        predicate: str | None,
        object_: int | str | None,
        window: tuple[float, float] | None,
    ) -> list[Relation]:
        """Return relations by the same verb, or by a synonym where there are none."""
        subject, object_ = _who(subject), _who(object_)
        try:
            return self._graph.relations(subject, predicate, object_, during=window)
        except QueryError:
            if predicate is None:
                raise
        return self._graph.relations(subject, predicate, object_, during=window, match="synonym")

    def _relations(self, found: Sequence[Relation]) -> Result:
        lines = sorted(
            (span, f"[{_range(span)} s] {self._graph.describe(r)} ({_cite(r, i)})")
            for r in found
            for i, span in enumerate(r.intervals, 1)
        )
        text = _budgeted([line for _, line in lines] or ["no such relation in that time"])
        return text, {"relations": [relation_row(r) for r in found]}

    def _object_line(self, item: SceneObject) -> str:
        seen = ", ".join(_range(span) for span in item.presence[:8])
        traits = f" ({', '.join(map(serialize.clean, item.attributes))})" if item.attributes else ""
        guess = ", label is a guess" if item.uncertain else ""
        return f"{self._graph.name(item.id)}{traits}: visible {seen or 'never'} s{guess}"

    def _object_row(self, item: SceneObject) -> Any:
        return object_row(item, usual_x(item.id, self._tracks))

    def _is_part(self) -> bool:
        return self._whole != Interval(0.0, self._graph.video.duration_s)

    def _window(self, start_s: float | None, end_s: float | None) -> tuple[float, float] | None:
        if start_s is None and end_s is None:
            return None
        last = self._whole.end
        return (self._whole.start if start_s is None else start_s, last if end_s is None else end_s)

    def _span(self, text: str) -> Interval:
        """Return the time that a reference means, from its start to its end."""
        reference = parse_reference(text)
        if reference is None:
            raise QueryError(f"{text!r} is not a reference; write 'r12', 'r12.2' or 'o3'")
        spans = resolve(reference, self._graph)
        if not spans:
            raise QueryError(f"{text!r} is never visible")
        return hull(spans)


def _result(
    key: Sequence[object], text: str, value: float | str, span: Interval | None = None
) -> ResultRow:
    """Return a figure under an id that depends only on what was asked."""
    digest = hashlib.sha256(json.dumps(key, default=str).encode()).hexdigest()
    return {
        "id": f"c{digest[:5]}",
        "text": text,
        "value": value,
        "relations": [],
        "objects": [],
        "interval": list(span) if span else None,
    }


def _counted(
    stays: Sequence[tuple[Any, Interval]], over: str, window: Interval | tuple[float, float]
) -> tuple[int, list[Any], Interval | None]:
    """Return how many there are, which, and when that is so."""
    whole = Interval(*window)
    if over == "all":
        ids = [key for key, _ in stays] if _are_relations(stays) else _unique(stays)
        return len(ids), ids, None
    level = extreme(levels(stays, whole), most=over == "max")
    return (0, [], whole) if level is None else (len(level.ids), list(level.ids), level.span)


def _are_relations(stays: Sequence[tuple[Any, Interval]]) -> bool:
    return any(isinstance(key, str) for key, _ in stays)


def _unique(stays: Sequence[tuple[Any, Interval]]) -> list[Any]:
    return list(dict.fromkeys(key for key, _ in stays))


def usual_x(object_id: int, tracks: Tracks | None) -> float | None:
    """Return an object's median horizontal place, 0 to 1, or None without its track."""
    if tracks is None:
        return None
    try:
        boxes = tracks.track(object_id).boxes_xyxy
    except KeyError:
        return None
    center = float(np.median((boxes[:, 0] + boxes[:, 2]) / 2))
    return center / tracks.video.resolution_wh[0]


def _label(subject: int | str | None) -> str | None:
    known = _who(subject)
    return f"object #{known}" if isinstance(known, int) else known


def _who(name: int | str | None) -> int | str | None:
    """Return the id in ``"3"``, ``"#3"`` or ``"o3"``, as models like to write it."""
    if isinstance(name, str) and (found := re.fullmatch(r"\[?[o#]?(\d+)\]?", name.strip())):
        return int(found[1])
    return name


def _cite(relation: Relation, index: int) -> str:
    return f"{relation.id}.{index}" if len(relation.intervals) > 1 else relation.id


def _range(span: Interval) -> str:
    return f"{span.start:.2f}-{span.end:.2f}"


def _seconds(span: Interval | None) -> str:
    return f"from {span.start:.2f} to {span.end:.2f} s" if span else ""


def _budgeted(lines: Sequence[str]) -> str:
    """Return as many lines as the budget holds, and how many were left out."""
    left = RESULT_TOKENS
    for index, line in enumerate(lines):
        left -= serialize.estimate_tokens(line) + 1
        if left < 40:
            rest = len(lines) - index
            note = f"... {rest} more lines left out; narrow the question"
            return "\n".join([*lines[:index], note])
    return "\n".join(lines)
