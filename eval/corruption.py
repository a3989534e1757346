"""Spoilt graphs: how far may a graph be wrong before it does harm?

What is spoilt is chosen by a number for each statement that depends on seed, way and statement
alone, so a higher rate spoils what a lower one does and more, and no order matters.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from reelgraph.errors import EvalError
from reelgraph.graph.schema import CAMERA, Interval, LayerRecord, Relation, SceneGraph

__all__ = ["CORRUPTIONS", "OTHER", "WAYS", "corrupt", "is_spoilt"]

LABELS: Final = (
    "adult", "baby", "ball", "bicycle", "bottle", "car", "cat", "chair", "child", "cup", "dog",
    "guitar", "horse", "person", "sofa", "table", "toy",
)  # fmt: skip
PREDICATES: Final = (
    "away", "behind", "bite", "carry", "chase", "hit", "hold", "hug", "in front of", "kiss",
    "lean on", "lift", "next to", "point to", "push", "ride", "touch", "wave", "watch",
)  # fmt: skip
"""What statements are relabelled with, besides the words of the graph itself."""


def corrupt(document: SceneGraph, kind: str, rate: float, *, seed: int = 0) -> SceneGraph:
    """Return a graph of which a share of the statements is spoilt.

    Args:
        document: The graph.
        kind: ``"drop"``: relations are left out. ``"relabel"``: objects get another label
            and relations another predicate. ``"swap"``: subject and object change places.
            ``"shift"``: relations move to another time of the video, their length kept.
        rate: Which share of the relations (and objects, to relabel), 0 to 1.
        seed: Chooses another sample.

    Raises:
        EvalError: If there is no such kind, or the rate is not between 0 and 1.
    """
    if kind not in CORRUPTIONS or not 0 <= rate <= 1:
        known = ", ".join(CORRUPTIONS)
        raise EvalError(f"spoil a graph by {known} at a rate of 0 to 1, got {kind!r} at {rate!r}")
    name = Path(document.video.path).name
    spoilt = CORRUPTIONS[kind](document, _Choice(f"{seed}:{kind}:{name}", rate))
    config = {"kind": kind, "rate": rate, "seed": seed}
    record = LayerRecord(stage="layer", tool="corruption", version="1", config=config)
    return spoilt.model_copy(update={"provenance": (*document.provenance, record)})


def is_spoilt(name: str, kind: str, rate: float, *, seed: int = 0) -> bool:
    """Return whether a thing of some name is among the share that is spoilt."""
    return _Choice(f"{seed}:{kind}", rate).of(name) is not None


class _Choice:
    """Chooses what is spoilt, each statement for itself."""

    def __init__(self, salt: str, rate: float) -> None:
        self._salt = salt
        self._rate = rate

    def of(self, name: object) -> random.Random | None:
        """Return chance to spoil a statement with, or None to leave it."""
        chance = random.Random(f"{self._salt}:{name}")
        return chance if chance.random() < self._rate else None


def _drop(document: SceneGraph, choice: _Choice) -> SceneGraph:
    kept = tuple(r for r in document.relations if choice.of(r.id) is None)
    return document.model_copy(update={"relations": kept})


def _relabel(document: SceneGraph, choice: _Choice) -> SceneGraph:
    labels = sorted({*LABELS, *(item.label for item in document.objects)})
    predicates = sorted({*PREDICATES, *(r.predicate for r in document.relations)})
    objects = tuple(
        item.model_copy(update={"label": _other(chance, labels, item.label)})
        if (chance := choice.of(f"object {item.id}"))
        else item
        for item in document.objects
    )
    relations = tuple(
        r.model_copy(update={"predicate": _other(chance, predicates, r.predicate)})
        if (chance := choice.of(r.id))
        else r
        for r in document.relations
    )
    return document.model_copy(update={"objects": objects, "relations": relations})


def _other(chance: random.Random, words: list[str], word: str) -> str:
    return chance.choice([other for other in words if other != word])


def _swap(document: SceneGraph, choice: _Choice) -> SceneGraph:
    return _each(document, choice, lambda r, _: _swapped(r))


def _swapped(relation: Relation) -> Relation:
    """Return a relation with its ends changed; one with the camera has nothing to change."""
    if CAMERA in {relation.subject, relation.object}:
        return relation
    ends = {"subject": relation.object, "object": relation.subject}
    return relation.model_copy(update=ends)


def _shift(document: SceneGraph, choice: _Choice) -> SceneGraph:
    end_s = max([document.video.duration_s, *(r.end for r in document.relations)])
    return _each(document, choice, lambda r, chance: _shifted(r, chance, end_s))


def _shifted(relation: Relation, chance: random.Random, end_s: float) -> Relation:
    """Return a relation that begins at any time at which all of it fits into the video."""
    offset = chance.uniform(0.0, end_s - (relation.end - relation.start)) - relation.start
    moved = (Interval(start + offset, end + offset) for start, end in relation.intervals)
    inside = tuple(Interval(max(0.0, start), max(0.0, start, end)) for start, end in moved)
    return relation.model_copy(update={"intervals": inside})


def _each(
    document: SceneGraph, choice: _Choice, spoil: Callable[[Relation, random.Random], Relation]
) -> SceneGraph:
    relations = tuple(
        spoil(r, chance) if (chance := choice.of(r.id)) else r for r in document.relations
    )
    return document.model_copy(update={"relations": relations})


CORRUPTIONS: Final[Mapping[str, Callable[[SceneGraph, _Choice], SceneGraph]]] = {
    "drop": _drop,
    "relabel": _relabel,
    "swap": _swap,
    "shift": _shift,
}
"""Ways to spoil a graph, by name."""

OTHER: Final = "other"
"""A share of the videos gets the graph of another video: does any graph do as well?"""
WAYS: Final = (*CORRUPTIONS, OTHER)
"""All ways to spoil graphs."""
