"""From a description to the objects it means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from reelgraph.agent.facts import Facts, ObjectRow
from reelgraph.agent.language import stem, tokens
from reelgraph.agent.phrases import Rank, Ref
from reelgraph.agent.verbs import canonical
from reelgraph.graph.intervals import duration, intersection
from reelgraph.graph.lexicon import label_matches
from reelgraph.graph.schema import Interval

__all__ = ["is_person", "places", "rank_of", "referents", "why_unresolved"]


def is_person(label: str) -> bool:
    """Return whether a label names a kind of person."""
    return label_matches("person", label)


def referents(ref: Ref, facts: Facts) -> frozenset[int]:
    """Return the ids of the objects that fit a description; empty if none does."""
    if ref.unknown:
        return frozenset()
    found = [row for row in facts.objects.values() if _fits(row, ref)]
    if ref.people and any(is_person(row["label"]) for row in facts.objects.values()):
        found = [row for row in found if is_person(row["label"])]
    ids = frozenset(row["id"] for row in found)
    if ref.rank is not None:
        ids = _ranked(ids, ref.rank, facts)
    return _nth(ids, ref.ordinal, facts) if ref.ordinal is not None else ids


def why_unresolved(ref: Ref, facts: Facts) -> str:
    """Return why a description fits nothing, as the end of ``I do not know: ...``."""
    what = " ".join(ref.unknown) or ref.text
    known = ", ".join(sorted({row["label"] for row in facts.objects.values()})) or "no objects"
    return f"the graph knows nothing called {what!r}; it has: {known}"


def _fits(row: ObjectRow, ref: Ref) -> bool:
    if ref.id is not None and row["id"] != ref.id:
        return False
    if ref.ids is not None and row["id"] not in ref.ids:
        return False
    if ref.labels and row["label"] not in ref.labels:
        return False
    traits = {stem(w) for trait in row["attributes"] for w in tokens(trait)}
    return all(word in traits for word in ref.attributes)


def _nth(ids: frozenset[int], ordinal: int, facts: Facts) -> frozenset[int]:
    """Return the n-th in the order of appearance."""
    ordered = sorted(ids, key=lambda i: (_first_seen(facts.objects[i]), i))
    index = ordinal - 1 if ordinal > 0 else ordinal
    return frozenset(ordered[index:][:1]) if -len(ordered) <= index < len(ordered) else frozenset()


def _first_seen(row: ObjectRow) -> float:
    return row["presence"][0][0] if row["presence"] else float("inf")


def _ranked(ids: frozenset[int], rank: Rank, facts: Facts) -> frozenset[int]:
    layers = places(ids, facts)
    return frozenset(i for i in layers if rank_of(i, layers) == rank)


def rank_of(object_id: int, layers: dict[int, int]) -> Rank | None:
    """Return whether a place from the left is the left, the right or a middle one."""
    last = max(layers.values(), default=0)
    if object_id not in layers or last == 0:
        return None
    layer = layers[object_id]
    return "left" if layer == 0 else "right" if layer == last else "middle"


def places(ids: Iterable[int], facts: Facts) -> dict[int, int]:
    """Return the place of each object among its kind, counted from the left.

    An object that goes and comes back may have a new id. Both stand in the same place:
    each is put as far left as the objects that were seen left of it allow.
    """
    wanted = set(ids)
    left_of = _left_of(wanted, facts)
    before: dict[int, set[int]] = defaultdict(set)
    for (a, b), seconds in left_of.items():
        if seconds > left_of.get((b, a), 0.0):
            before[b].add(a)
    known = {i for pair in left_of for i in pair}
    layers: dict[int, int] = {}
    for i in sorted(known):
        _layer(i, before, layers, frozenset())
    return layers


def _layer(
    i: int, before: dict[int, set[int]], layers: dict[int, int], path: frozenset[int]
) -> int:
    """Return the length of the longest chain of objects left of ``i``."""
    if i not in layers:
        chain = [_layer(a, before, layers, path | {i}) for a in sorted(before[i] - path - {i})]
        layers[i] = max(chain, default=-1) + 1
    return layers[i]


def _left_of(ids: set[int], facts: Facts) -> dict[tuple[int, int], float]:
    """Return for how many seconds each object was seen left of another."""
    seconds = defaultdict(float, _left_by_place(ids, facts))
    for row in facts.relations.values():
        pair = (row["subject"], row["object"])
        if set(pair) <= ids and canonical(row["predicate"]).predicate == "left of":
            if canonical(row["predicate"]).frame == "inverse":
                pair = pair[::-1]
            seconds[pair] += sum(end - start for start, end in row["intervals"])
    return dict(seconds)


def _left_by_place(ids: set[int], facts: Facts) -> dict[tuple[int, int], float]:
    """Return the same from the objects' usual places, for those seen together."""
    rows = [facts.objects[i] for i in sorted(ids) if facts.objects[i]["x"] is not None]
    seconds: dict[tuple[int, int], float] = {}
    for a in rows:
        for b in rows:
            together = _together(a, b)
            if together > 0 and (a["x"] or 0.0) < (b["x"] or 0.0):
                seconds[a["id"], b["id"]] = together
    return seconds


def _together(a: ObjectRow, b: ObjectRow) -> float:
    first, second = ([Interval(*span) for span in row["presence"]] for row in (a, b))
    return duration(intersection(first, second))
