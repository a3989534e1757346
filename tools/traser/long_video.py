"""What was said of the pieces of a video, or of groups of its objects, as one whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reelgraph.graph import intervals
from reelgraph.graph.schema import GraphLayer, Interval, LayerObject, Relation

__all__ = ["Said", "join_layers"]


@dataclass(frozen=True)
class Said:
    """What the model said in one answer.

    Attributes:
        layer: Objects by their ids in the video, times in true seconds.
        object_ids: Ids of the objects it was asked about.
        start_s: Start of the piece of video that it saw.
        end_s: End of that piece.
    """

    layer: GraphLayer
    object_ids: tuple[int, ...]
    start_s: float
    end_s: float


def join_layers(said: Sequence[Said], *, source: str) -> GraphLayer:
    """Join answers that share one set of object ids.

    Spans of one relation that overlap or meet, as they do where two pieces overlap, become
    one. An object keeps the label that most answers gave it, one that is no guess first.

    Args:
        said: The answers, in the order of their pieces.
        source: The generator's name.
    """
    ids = sorted({key for item in said for key in item.layer.objects})
    objects = {key: _joined([i.layer.objects.get(key) for i in said]) for key in ids}
    notes = [note for item in said for note in _placed(item, several=len(said) > 1)]
    notes += _disagreements(said, objects)
    return GraphLayer(
        source=source,
        objects=objects,
        relations=_joined_relations(relation for item in said for relation in item.layer.relations),
        warnings=tuple(dict.fromkeys(notes)),
    )


def _placed(item: Said, *, several: bool) -> list[str]:
    """Return an answer's warnings, with its place where there are several answers."""
    if not several:
        return list(item.layer.warnings)
    place = f"{item.start_s:.0f}-{item.end_s:.0f} s, {len(item.object_ids)} objects"
    return [f"{place}: {note}" for note in item.layer.warnings]


def _joined(said: Sequence[LayerObject | None]) -> LayerObject:
    there = [item for item in said if item is not None]
    named = [item for item in there if item.label is not None]
    certain = [item for item in named if not item.uncertain]
    votes = Counter(item.label for item in certain or named)
    # Counter keeps the order of the first votes, so the earliest of equals wins.
    label = max(votes, key=lambda name: votes[name], default=None)
    words = (word for item in there for word in item.attributes)
    return LayerObject(label=label, attributes=tuple(dict.fromkeys(words)), uncertain=not certain)


def _disagreements(said: Sequence[Said], objects: dict[int, LayerObject]) -> list[str]:
    notes = []
    for key, chosen in objects.items():
        named = (i.layer.objects[key].label for i in said if key in i.layer.objects)
        others = [name for name in dict.fromkeys(named) if name not in {None, chosen.label}]
        if others:
            listed = ", ".join(repr(name) for name in others)
            notes.append(f"object {key} is {chosen.label!r}; other answers called it {listed}")
    return notes


def _joined_relations(relations: Iterable[Relation]) -> tuple[Relation, ...]:
    """Join relations that say the same; their order is that of their first saying."""
    groups: dict[tuple[int, str, int], list[Relation]] = {}
    for relation in relations:
        key = (relation.subject, relation.predicate, relation.object)
        groups.setdefault(key, []).append(relation)
    return tuple(
        group[0].model_copy(update={"id": f"r{number}", "intervals": _joined_times(group)})
        for number, group in enumerate(groups.values(), start=1)
    )


def _joined_times(group: Sequence[Relation]) -> tuple[Interval, ...]:
    return tuple(intervals.union(time for relation in group for time in relation.intervals))
