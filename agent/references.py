"""References in a draft: what a model may write instead of times and names.

======================  ====================================================
``[o3]``                the object's name, ``ball #3``
``[r12]``               when the relation holds, ``at 5.20 s``, ``from 1.00 s to 5.20 s``
``[r12.2]``             the same for its second interval only
``[r12.start]``         its start, ``5.20 s``; also ``.end`` and ``.duration``
``[o3.2.start]``        the start of an object's second stay in view
``[c1a2b]``             the figure that a tool computed under this id
``[video.duration]``    the length of the video
======================  ====================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from reelgraph.agent.facts import ResultRow
from reelgraph.errors import QueryError
from reelgraph.graph.intervals import duration
from reelgraph.graph.schema import Interval
from reelgraph.graph.temporal import TemporalGraph

__all__ = ["Reference", "find_references", "parse_reference", "render", "resolve"]

Part: TypeAlias = Literal["start", "end", "duration"]

_BODY = r"(?P<key>[a-z]+\w*)(?:\.(?P<index>\d+))?(?:\.(?P<part>start|end|duration))?"
PATTERN = re.compile(rf"\[{_BODY}\]")
_WHOLE = re.compile(_BODY)
_PREPOSITION = re.compile(r"\b(?:at|from|in|during|around|between)\s+$", re.IGNORECASE)
EVENT_S = 1.0
"""Shorter occurrences are told as ``at``, longer ones as ``from ... to``."""


@dataclass(frozen=True)
class Reference:
    """A parsed reference.

    Attributes:
        key: ``"r12"``, ``"o3"``, ``"c1a2b"`` or ``"video"``.
        index: Which interval, from 1; None for all.
        part: Which of its times; None for the default wording.
    """

    key: str
    index: int | None = None
    part: Part | None = None

    @property
    def object_id(self) -> int | None:
        """The object it names, or None if it names something else."""
        return int(self.key[1:]) if re.fullmatch(r"o\d+", self.key) else None


def parse_reference(text: str) -> Reference | None:
    """Read a reference without its brackets; None if it is not one."""
    found = _WHOLE.fullmatch(text.strip().strip("[]"))
    return _reference(found) if found else None


def find_references(text: str) -> list[tuple[re.Match[str], Reference]]:
    """Return every bracketed reference in a text with where it stands."""
    return [(found, _reference(found)) for found in PATTERN.finditer(text)]


def _reference(found: re.Match[str]) -> Reference:
    index = int(found["index"]) if found["index"] else None
    return Reference(found["key"], index, cast("Part | None", found["part"]))


def resolve(reference: Reference, graph: TemporalGraph) -> tuple[Interval, ...]:
    """Return the intervals that a relation or object reference means.

    Raises:
        QueryError: If the graph has no such relation, object or interval.
    """
    object_id = reference.object_id
    if object_id is not None:
        found = graph.object(object_id).presence
    else:
        found = graph.relation(reference.key).intervals
    if reference.index is None:
        return found
    if not 1 <= reference.index <= len(found):
        raise QueryError(f"{reference.key!r} has {len(found)} intervals, not {reference.index}")
    return (found[reference.index - 1],)


def render(reference: Reference, graph: TemporalGraph, results: dict[str, ResultRow]) -> str:
    """Return the words that stand for a reference.

    Raises:
        QueryError: If it names nothing that exists.
    """
    if reference.key == "video":
        return f"{graph.video.duration_s:.2f} s"
    if reference.key in results:
        value = results[reference.key]["value"]
        return f"{value:g}" if isinstance(value, int | float) else value
    times = resolve(reference, graph)
    object_id = reference.object_id
    if object_id is not None and reference.part is None and reference.index is None:
        return graph.name(object_id)
    return _time(times, reference.part)


def _time(times: tuple[Interval, ...], part: Part | None) -> str:
    if not times:
        return "at an unknown time"
    if part == "start":
        return f"{times[0].start:.2f} s"
    if part == "end":
        return f"{times[-1].end:.2f} s"
    if part == "duration":
        return f"{duration(times):.2f} s"
    return join(span_words(span) for span in times)


def span_words(span: Interval) -> str:
    """Return ``at 5.20 s`` for an event, ``from 1.00 s to 5.20 s`` for something longer."""
    if span.duration <= EVENT_S:
        return f"at {span.start:.2f} s"
    return f"from {span.start:.2f} s to {span.end:.2f} s"


def join(parts: Iterable[str]) -> str:
    """Return ``a, b and c``."""
    listed = list(parts)
    return " and ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)


def fill(text: str, graph: TemporalGraph, results: dict[str, ResultRow]) -> str:
    """Replace every reference that exists by its words; drop those that do not."""
    out, at = "", 0
    for found, reference in find_references(text):
        out += text[at : found.start()]
        at = found.end()
        try:
            words = render(reference, graph, results)
        except QueryError:
            continue
        if words.startswith(("at ", "from ")):
            out = _PREPOSITION.sub("", out)
        out += words
    return out + text[at:]
