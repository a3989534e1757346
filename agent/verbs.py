"""Which words of a question mean which relation of a graph.

Verbs, with their particles, and spatial phrases are mapped to one canonical
predicate and a frame, which says who stands where: in ``receives`` the
grammatical subject is the relation's recipient. The same tables read the graph's
own predicates, so that ``holding`` of one generator and ``holds`` of another meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from reelgraph.agent.language import stem, tokens

__all__ = [
    "BROADER",
    "PARTICLES",
    "VISIBLE",
    "Frame",
    "Sense",
    "canonical",
    "directed",
    "spatial",
    "verb",
]

Frame: TypeAlias = Literal["plain", "inverse", "intransitive", "receiver"]
"""How grammar maps to a relation: as it stands, subject and object swapped, the
subject is the thing that is acted on, or the subject is the recipient."""

VISIBLE = "is visible"
"""Stands for an object's presence, which is not stored as a relation."""

PARTICLES = frozenset({"up", "down", "away", "back", "over", "out", "in", "off", "still", "into"})


@dataclass(frozen=True)
class Sense:
    """What a word means: a canonical predicate and how its roles are filled."""

    predicate: str
    frame: Frame = "plain"


BROADER = {"takes away": "picks up", "puts back": "puts down"}
"""Senses that say more than the predicate by which a graph tells them."""

_VERBS: dict[str, tuple[str, Frame]] = {
    "pick": ("picks up", "plain"),
    "pick up": ("picks up", "plain"),
    "take": ("picks up", "plain"),
    "take away": ("takes away", "plain"),
    "take out": ("takes away", "plain"),
    "take off": ("takes away", "plain"),
    "take up": ("picks up", "plain"),
    "remove": ("takes away", "plain"),
    "grab": ("picks up", "plain"),
    "lift": ("picks up", "plain"),
    "lift up": ("picks up", "plain"),
    "collect": ("picks up", "plain"),
    "fetch": ("picks up", "plain"),
    "put": ("puts down", "plain"),
    "put down": ("puts down", "plain"),
    "put back": ("puts back", "plain"),
    "place": ("puts down", "plain"),
    "place back": ("puts back", "plain"),
    "set": ("puts down", "plain"),
    "set down": ("puts down", "plain"),
    "lay down": ("puts down", "plain"),
    "bring back": ("puts back", "plain"),
    "give back": ("puts back", "plain"),
    "replace": ("puts back", "plain"),
    "return": ("puts back", "plain"),
    "release": ("puts down", "plain"),
    "drop": ("puts down", "plain"),
    "come back": ("puts back", "intransitive"),
    "go back": ("puts back", "intransitive"),
    "hand": ("hands", "plain"),
    "hand over": ("hands", "plain"),
    "hand off": ("hands", "plain"),
    "give": ("hands", "plain"),
    "give over": ("hands", "plain"),
    "give away": ("hands", "plain"),
    "pass": ("hands", "plain"),
    "pass over": ("hands", "plain"),
    "transfer": ("hands", "plain"),
    "receive": ("hands", "receiver"),
    "get": ("hands", "receiver"),
    "accept": ("hands", "receiver"),
    "hold": ("holds", "plain"),
    "hold up": ("holds", "plain"),
    "carry": ("holds", "plain"),
    "grasp": ("holds", "plain"),
    "grip": ("holds", "plain"),
    "keep": ("holds", "plain"),
    "have": ("holds", "plain"),
    "own": ("holds", "plain"),
    "touch": ("touches", "plain"),
    "contact": ("touches", "plain"),
    "approach": ("approaches", "plain"),
    "follow": ("follows", "plain"),
    "chase": ("follows", "plain"),
    "move": ("moves", "plain"),
    "walk": ("moves", "plain"),
    "run": ("moves", "plain"),
    "drive": ("moves", "plain"),
    "stand": ("stands still", "plain"),
    "stand still": ("stands still", "plain"),
    "stay": ("stands still", "plain"),
    "stop": ("stands still", "plain"),
    "wait": ("stands still", "plain"),
    "rest": ("stands still", "plain"),
    "enter": ("enters", "plain"),
    "come in": ("enters", "plain"),
    "come into": ("enters", "plain"),
    "walk into": ("enters", "plain"),
    "walk in": ("enters", "plain"),
    "arrive": ("enters", "plain"),
    "leave": ("leaves", "plain"),
    "exit": ("leaves", "plain"),
    "go out": ("leaves", "plain"),
    "walk out": ("leaves", "plain"),
    "walk off": ("leaves", "plain"),
    "depart": ("leaves", "plain"),
    "appear": ("appears", "plain"),
    "show up": ("appears", "plain"),
    "disappear": ("disappears", "plain"),
    "vanish": ("disappears", "plain"),
    "overlap": ("overlaps", "plain"),
    "contain": ("inside", "inverse"),
    "see": (VISIBLE, "plain"),
    "visible": (VISIBLE, "plain"),
    "present": (VISIBLE, "plain"),
}
_SPATIAL: dict[str, tuple[str, Frame]] = {
    "to the left of": ("left of", "plain"),
    "on the left of": ("left of", "plain"),
    "left of": ("left of", "plain"),
    "to the right of": ("left of", "inverse"),
    "on the right of": ("left of", "inverse"),
    "right of": ("left of", "inverse"),
    "above": ("above", "plain"),
    "over": ("above", "plain"),
    "on top of": ("above", "plain"),
    "below": ("above", "inverse"),
    "under": ("above", "inverse"),
    "underneath": ("above", "inverse"),
    "beneath": ("above", "inverse"),
    "in front of": ("in front of", "plain"),
    "behind": ("in front of", "inverse"),
    "inside": ("inside", "plain"),
    "next to": ("near", "plain"),
    "close to": ("near", "plain"),
    "near": ("near", "plain"),
    "beside": ("near", "plain"),
    "by": ("near", "plain"),
}
_DIRECTED: dict[str, str] = {
    "away from": "moves away from",
    "toward": "approaches",
    "towards": "approaches",
    "closer to": "approaches",
    "away": "moves away from",
}
_MOTION = frozenset(map(stem, ("move", "walk", "run", "go", "come", "step", "get", "drive")))


def _stems(phrase: str) -> tuple[str, ...]:
    return tuple(map(stem, tokens(phrase)))


_VERB_SENSES = {_stems(phrase): Sense(*sense) for phrase, sense in _VERBS.items()}
_SPATIAL_SENSES = {tuple(phrase.split()): Sense(*sense) for phrase, sense in _SPATIAL.items()}


def verb(word: str, particle: str | None = None) -> Sense | None:
    """Return the sense of a verb, with or without its particle, or None if unknown."""
    key = (stem(word),) if particle is None else (stem(word), stem(particle))
    return _VERB_SENSES.get(key)


def directed(word: str, rest: str) -> str | None:
    """Return ``"approaches"`` or ``"moves away from"`` for a verb of motion with a direction."""
    if stem(word) not in _MOTION:
        return None
    found = (p for phrase, p in _DIRECTED.items() if f" {phrase} " in f" {rest} ")
    return next(found, None)


def spatial(words: list[str], start: int = 0) -> tuple[int, int, Sense] | None:
    """Return the first spatial phrase at or after ``start``: its first and end index, sense."""
    for at in range(start, len(words)):
        for length in (4, 3, 2, 1):
            end = at + length
            if end <= len(words) and (sense := _SPATIAL_SENSES.get(tuple(words[at:end]))):
                return at, end, sense
    return None


def canonical(predicate: str) -> Sense:
    """Return the sense of a graph's own predicate, e.g. of ``"holding"`` or ``"next_to"``."""
    words = tokens(predicate)
    found = spatial(words)
    if found and found[:2] == (0, len(words)):
        return found[2]
    if predicate in _DIRECTED.values() or not words:
        return Sense(predicate)
    if direction := _DIRECTED.get(" ".join(words)):
        return Sense(direction)
    sense = _VERB_SENSES.get(_stems(predicate)[:2]) if len(words) <= 2 else None
    if sense and sense.frame == "plain":
        return sense
    return Sense(predicate)
