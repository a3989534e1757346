"""Comparison: what two graphs of a video say differently."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from reelgraph.errors import QueryError
from reelgraph.graph import lexicon
from reelgraph.graph.intervals import iou
from reelgraph.graph.schema import CAMERA, Interval, Relation, SceneObject

if TYPE_CHECKING:
    from reelgraph.graph.temporal import TemporalGraph

__all__ = ["GraphDifference", "ObjectChange", "RelationChange", "compare"]

_SHOWN = 3
"""How many intervals of a relation a line lists before it counts the rest."""


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """An object that both graphs have, described differently.

    Attributes:
        before: The object in the first graph.
        after: The object in the second graph.
        presence_iou: How far the times in which it is visible agree, 0 to 1.
    """

    before: SceneObject
    after: SceneObject
    presence_iou: float


@dataclass(frozen=True, slots=True)
class RelationChange:
    """A relation that both graphs have, with other times, kind or score.

    Attributes:
        before: The relation in the first graph.
        after: The relation in the second graph.
        iou: How far their times agree, 0 to 1.
    """

    before: Relation
    after: Relation
    iou: float


@dataclass(frozen=True, slots=True)
class GraphDifference:
    """What has to happen to one graph to become the other.

    Lists are sorted as the graphs sort them. `str` gives the text of all of it.

    Attributes:
        added_objects: Objects that only the second graph has.
        removed_objects: Objects that only the first graph has.
        changed_objects: Objects with another label, certainty, attributes or presence.
        added: Relations that only the second graph has.
        removed: Relations that only the first graph has.
        changed: Relations that share some time, but differ in times, kind or score.
        same: Number of relations that say the same at the same times.
        lines: The difference as text: ``-`` removed, ``+`` added, ``~`` changed.
    """

    added_objects: tuple[SceneObject, ...]
    removed_objects: tuple[SceneObject, ...]
    changed_objects: tuple[ObjectChange, ...]
    added: tuple[Relation, ...]
    removed: tuple[Relation, ...]
    changed: tuple[RelationChange, ...]
    same: int
    lines: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether there is any difference."""
        return bool(self.lines)

    def __str__(self) -> str:
        return "\n".join(self.lines) or f"no difference; {self.same} relations are the same"


def compare(
    before: TemporalGraph, after: TemporalGraph, mapping: Mapping[int, int] | None = None
) -> GraphDifference:
    """Return how the second graph differs from the first.

    Relations are matched by what they say, not by their ids: same participants, same
    predicate in any form of the verb, from either side if it is symmetric or has an
    inverse (``left of``). Where several say the same (an event that happens
    twice), those that share most time go together; relations without a common moment do
    not match. Who said it (``source``) makes no difference.

    Args:
        before: The first graph.
        after: The second graph.
        mapping: Object ids of the first graph with their ids in the second; objects that
            it leaves out have no counterpart. None matches equal ids.

    Raises:
        QueryError: If the mapping names an unknown object or one object twice.
    """
    known = _checked(before, after, mapping)
    pairs = [(before.object(a), after.object(b)) for a, b in known.items()]
    targets = set(known.values())
    removed_objects = tuple(o for o in before.objects() if o.id not in known)
    added_objects = tuple(o for o in after.objects() if o.id not in targets)
    changed_objects = tuple(
        ObjectChange(a, b, iou(a.presence, b.presence))
        for a, b in pairs
        if _traits(a) != _traits(b)
    )
    matched, removed, added = _matched(before, after, known)
    changed = tuple(c for c in matched if _facts(c.before) != _facts(c.after))
    lines = [
        *(f"- {before.name(o.id)}" for o in removed_objects),
        *(f"+ {after.name(o.id)}" for o in added_objects),
        *(f"~ {_object_text(before, after, c)}" for c in changed_objects),
        *(f"- {_relation_text(before, r)}" for r in removed),
        *(f"+ {_relation_text(after, r)}" for r in added),
        *(f"~ {_change_text(after, c)}" for c in changed),
    ]
    same = len(matched) - len(changed)
    return GraphDifference(
        added_objects, removed_objects, changed_objects, added, removed, changed, same, (*lines,)
    )


def _checked(
    before: TemporalGraph, after: TemporalGraph, mapping: Mapping[int, int] | None
) -> dict[int, int]:
    """Return the objects that both graphs have, by id, in order."""
    if mapping is None:
        theirs = {o.id for o in after.objects()}
        return {o.id: o.id for o in before.objects() if o.id in theirs}
    for a, b in mapping.items():
        before.object(a)
        after.object(b)
    if len(set(mapping.values())) != len(mapping):
        raise QueryError(f"The mapping gives two objects one counterpart: {dict(mapping)!r}.")
    return dict(sorted(mapping.items()))


def _traits(item: SceneObject) -> tuple[object, ...]:
    return item.label, item.uncertain, {*item.attributes}, item.presence


def _facts(r: Relation) -> tuple[object, ...]:
    return r.intervals, r.kind, r.score


_Key: TypeAlias = tuple[str, int | None, int | None, int | None]


def _said(predicate: str, subject: int | None, other: int | None, recipient: int | None) -> _Key:
    """Return a key that two relations share if they say the same, from either side."""
    key = lexicon.predicate_key(predicate)
    inverse = min(lexicon.inverse_keys(key), default=key)
    turned = subject is not None and other is not None and subject > other
    if inverse < key or (key in lexicon.inverse_keys(key) and turned):
        return inverse, other, subject, recipient
    return key, subject, other, recipient


def _matched(
    before: TemporalGraph, after: TemporalGraph, known: Mapping[int, int]
) -> tuple[tuple[RelationChange, ...], tuple[Relation, ...], tuple[Relation, ...]]:
    """Return the relations that go together, and those that only one graph has."""
    ids: dict[int | None, int | None] = {CAMERA: CAMERA, None: None}
    ids.update(known.items())
    mine, theirs = before.relations(), after.relations()
    by_key: dict[_Key, list[Relation]] = defaultdict(list)
    for r in theirs:
        by_key[_said(r.predicate, r.subject, r.object, r.recipient)].append(r)
    groups: dict[_Key, list[Relation]] = defaultdict(list)
    for r in mine:
        if {r.subject, r.object, r.recipient} <= ids.keys():
            ends = ids[r.subject], ids[r.object], ids[r.recipient]
            groups[_said(r.predicate, *ends)].append(r)
    found = {c.before.id: c for key, g in groups.items() for c in _pairs(g, by_key.get(key, []))}
    taken = {c.after.id for c in found.values()}
    return (
        tuple(found[r.id] for r in mine if r.id in found),
        tuple(r for r in mine if r.id not in found),
        tuple(r for r in theirs if r.id not in taken),
    )


def _pairs(mine: Sequence[Relation], theirs: Sequence[Relation]) -> Iterable[RelationChange]:
    """Pair relations that say the same, those that share most time first."""
    scored = [
        (-score, i, j)
        for i, a in enumerate(mine)
        for j, b in enumerate(theirs)
        if (score := _agreement(a, b)) > 0
    ]
    free_mine, free_theirs = set(range(len(mine))), set(range(len(theirs)))
    for score, i, j in sorted(scored):
        if i in free_mine and j in free_theirs:
            free_mine.remove(i)
            free_theirs.remove(j)
            yield RelationChange(mine[i], theirs[j], -score)


def _agreement(a: Relation, b: Relation) -> float:
    """Return the IoU of two relations in time, quickly where there is nothing to measure."""
    if a.intervals == b.intervals:
        return 1.0
    return iou(a.intervals, b.intervals) if a.start <= b.end and b.start <= a.end else 0.0


# -- text ------------------------------------------------------------------------------


def _times(intervals: Sequence[Interval]) -> str:
    shown = ", ".join(f"{i.start:.2f}-{i.end:.2f}" for i in intervals[:_SHOWN])
    rest = len(intervals) - _SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown


def _relation_text(graph: TemporalGraph, r: Relation) -> str:
    return f"{graph.describe(r)} {_times(r.intervals)} s [{r.id}]"


def _change_text(after: TemporalGraph, change: RelationChange) -> str:
    a, b = change.before, change.after
    notes: list[str] = []
    if a.intervals != b.intervals:
        old, new = _times(a.intervals), _times(b.intervals)
        notes.append(f"{old} -> {new} s (IoU {change.iou:.2f})")
    fields = ("kind", "score")
    pairs = ((name, getattr(a, name), getattr(b, name)) for name in fields)
    notes += [f"{name} {old} -> {new}" for name, old, new in pairs if old != new]
    ids = a.id if a.id == b.id else f"{a.id} -> {b.id}"
    return f"{after.describe(b)}: {'; '.join(notes)} [{ids}]"


def _object_text(before: TemporalGraph, after: TemporalGraph, change: ObjectChange) -> str:
    a, b = change.before, change.after
    old, new = before.name(a.id, mark=True), after.name(b.id, mark=True)
    notes = [] if old == new else [f"now {new}"]
    notes += [f"no longer {trait}" for trait in sorted({*a.attributes} - {*b.attributes})]
    notes += [f"also {trait}" for trait in sorted({*b.attributes} - {*a.attributes})]
    if a.presence != b.presence:
        notes.append(
            f"visible {_times(a.presence) or 'never'} -> {_times(b.presence) or 'never'} s "
            f"(IoU {change.presence_iou:.2f})"
        )
    return f"{old}: {'; '.join(notes)}"
