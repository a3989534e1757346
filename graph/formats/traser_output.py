"""TRASER's own terms: what a text says in object and frame numbers, checked and counted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from reelgraph.errors import ModelOutputError
from reelgraph.graph.formats.salvage import Loss, Number, RawObject, RawRelation, Scan, scan
from reelgraph.graph.schema import CAMERA

__all__ = ["UNNAMED", "Salvage", "TraserObject", "TraserOutput", "TraserRelation", "parse_traser"]

UNNAMED: Final = "object"
"""Label of a thing that relations name and the text does not describe."""

_LARGEST_UNDESCRIBED_ID: Final = 1000
_LARGEST_INDEX: Final = 86_400
_LOOP: Final = 10
"""A text loops if it repeats so many relations, and a third of what it has to say."""


class TraserObject(NamedTuple):
    """An object; the label is without its mark ``(uncertain)``."""

    id: int
    label: str
    attributes: tuple[str, ...]
    uncertain: bool


class TraserRelation(NamedTuple):
    """A relation; spans are sorted, disjoint frame numbers with both ends included."""

    subject: int
    predicate: str
    object: int
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Salvage:
    """What became of the items of a text.

    Attributes:
        objects: Objects kept.
        relations: Different relations kept.
        repeats: Relations that only repeated an earlier one.
        repaired: What was put right, and how often.
        dropped: Why items were left out, and how many.
        truncated: Whether the text breaks off.
        surrounded: Whether other text stood around the document.
    """

    objects: int
    relations: int
    repeats: int
    repaired: Mapping[str, int]
    dropped: Mapping[str, int]
    truncated: bool
    surrounded: bool

    @property
    def looped(self) -> bool:
        """Whether the model was caught in a loop."""
        return self.repeats >= max(_LOOP, self.relations / 3)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the graph must know, one sentence each."""
        notes = []
        if self.truncated:
            notes.append("the model's text breaks off: what it would have said next is missing")
        if self.looped:
            notes.append(
                f"the model repeated itself: {self.repeats} of "
                f"{self.repeats + self.relations} relations only repeat an earlier one"
            )
        if self.dropped:
            notes.append(f"left out of the model's text: {_listed(self.dropped)}")
        if self.repaired:
            notes.append(f"repaired in the model's text: {_listed(self.repaired)}")
        if self.surrounded:
            notes.append("the model wrote other text around the graph; it was ignored")
        return tuple(notes)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} x {reason}" for reason, count in counts.items())


@dataclass(frozen=True)
class TraserOutput:
    """What a text says, in the model's own terms: object numbers and frame numbers."""

    objects: tuple[TraserObject, ...]
    relations: tuple[TraserRelation, ...]
    salvage: Salvage


# ------------------------------------------------------------------------------- parsing


def parse_traser(
    text: str, *, object_count: int | None = None, frame_count: int | None = None
) -> TraserOutput:
    """Read the text that TRASER wrote, keeping all that can be kept.

    Args:
        text: The text: whole, cut off, looping, or damaged anywhere.
        object_count: How many objects the model was given; relations with others are
            left out. Without it the objects that the text lists decide.
        frame_count: How many frames the model was shown; spans are cut to them.

    Raises:
        ModelOutputError: If it is not text, or holds neither an object nor a relation.

    Example:
        >>> cut = '{"objects": [{"object 1": "Dog (uncertain)"}], "relationships": [[1, "r'
        >>> output = parse_traser(cut)
        >>> output.objects[0].label, output.salvage.dropped
        ('dog', mappingproxy({'cut off': 1}))
    """
    if not isinstance(text, str):
        raise ModelOutputError(f"the model's output must be text, got {type(text).__name__}")
    found = scan(text.encode("utf-8", "replace").decode("utf-8"))
    output = _Reader(found, object_count, frame_count).output()
    if not (output.objects or output.relations or found.empty):
        raise ModelOutputError(_nothing(text), text=text)
    return output


def _nothing(text: str) -> str:
    """Return why a text of which nothing can be kept is useless, and what to do."""
    if text and text == text[0] * len(text):
        return (
            f"the model wrote {text[0]!r} {len(text)} times: its inputs were probably not "
            "finite numbers; run it in bfloat16, or its vision tower in float32"
        )
    return (
        f"no object and no relation can be read from the model's text {text[:60]!r}; "
        'expected {"objects": [{"object 1": ...}], "relationships": [...]}'
    )


class _Reader:
    """Checks the items of one text and counts what it does to them."""

    def __init__(self, found: Scan, object_count: int | None, frame_count: int | None) -> None:
        self._found = found
        self._object_count = object_count
        self._last = _LARGEST_INDEX if frame_count is None else max(frame_count - 1, 0)
        self._repaired: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._repeats = 0
        self._objects: dict[int, TraserObject] = {}
        self._spans: dict[tuple[int, str, int], set[tuple[int, int]]] = {}

    def output(self) -> TraserOutput:
        """Return the checked items and the report."""
        items = self._found.items
        for item in items:
            if isinstance(item, RawObject):
                self._add_object(item)
            elif isinstance(item, Loss):
                self._dropped[item.reason] += 1
        limit = self._largest_id()
        for item in items:
            if isinstance(item, RawRelation):
                self._add_relation(item, limit)
        relations = tuple(
            TraserRelation(*key, self._merged(spans)) for key, spans in self._spans.items()
        )
        objects = tuple(self._objects[k] for k in sorted(self._objects))
        return TraserOutput(objects, relations, self._salvage(len(relations)))

    def _salvage(self, relations: int) -> Salvage:
        return Salvage(
            objects=len(self._objects),
            relations=relations,
            repeats=self._repeats,
            repaired=MappingProxyType(dict(self._repaired)),
            dropped=MappingProxyType(dict(self._dropped)),
            truncated=self._found.truncated,
            surrounded=self._found.surrounded,
        )

    def _largest_id(self) -> int:
        """Return up to which number an object may go undescribed."""
        if self._object_count is not None:
            return self._object_count
        if self._found.intact and self._objects:
            return max(self._objects)
        # Where a text is damaged, any number may be that of an object that was lost.
        return _LARGEST_UNDESCRIBED_ID

    def _add_object(self, item: RawObject) -> None:
        most = item.id if self._object_count is None else self._object_count
        if not 1 <= item.id <= most:
            self._dropped["object number out of range"] += 1
        elif item.id in self._objects:
            self._dropped["object described twice"] += 1
        else:
            label, uncertain = _label(item.label)
            attributes = tuple(dict.fromkeys(filter(None, map(_line, item.attributes))))
            self._repaired.update(["damaged object"] if item.repaired else [])
            self._objects[item.id] = TraserObject(item.id, label, attributes, uncertain)

    def _add_relation(self, item: RawRelation, limit: int) -> None:
        subject, other = (self._participant(k, limit) for k in (item.subject, item.object))
        predicate = _line(item.predicate)
        spans = [span for pair in item.spans if (span := self._span(*pair))]
        if subject is None or other is None:
            self._dropped["relation with an object number out of range"] += 1
        elif not spans or not predicate:
            self._dropped["relation without a usable time or predicate"] += 1
        else:
            self._repaired.update(["damaged relation"] if item.repaired else [])
            for k in (subject, other):
                self._describe(k)
            key = (subject, predicate, other)
            self._repeats += key in self._spans
            self._spans.setdefault(key, set()).update(spans)

    def _participant(self, number: Number, limit: int) -> int | None:
        if number is None or number != int(number):
            return None
        k = int(number)
        return k if k == CAMERA or 1 <= k <= limit or k in self._objects else None

    def _describe(self, k: int) -> None:
        """Make sure that a participant is among the objects."""
        if k != CAMERA and k not in self._objects:
            self._repaired["object that the text does not describe"] += 1
            self._objects[k] = TraserObject(k, UNNAMED, (), uncertain=True)

    def _span(self, first: Number, last: Number) -> tuple[int, int] | None:
        """Return a span in frames of the video, or None if nothing of it is."""
        if first is None or last is None:
            return None
        start, end = math.floor(first), math.floor(last)
        if (start, end) != (first, last):
            self._repaired["time that is not a whole number"] += 1
        if start > end:
            self._repaired["reversed span"] += 1
            start, end = end, start
        # The model counts one frame too far now and then; further off is no slip.
        if end < 0 or start > self._last + 1:
            return None
        if start < 0 or end > self._last:
            self._repaired["span beyond the video"] += 1
        return min(max(start, 0), self._last), min(end, self._last)

    def _merged(self, spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
        merged: list[tuple[int, int]] = []
        for first, last in sorted(spans):
            if merged and first <= merged[-1][1] + 1:
                self._repaired.update(["overlapping span"] if first <= merged[-1][1] else [])
                merged[-1] = (merged[-1][0], max(merged[-1][1], last))
            else:
                merged.append((first, last))
        return tuple(merged)


def _line(text: str) -> str:
    return " ".join(text.split())


def _label(text: str) -> tuple[str, bool]:
    """Return a label in lower case without ``(uncertain)``, and whether it is a guess."""
    label = _line(text).lower()
    bare = _line(label.replace("(uncertain)", " "))
    return bare or UNNAMED, bare != label or not bare
