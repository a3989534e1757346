"""Focus words: which objects, predicates and times of a graph a question speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from reelgraph.graph import lexicon
from reelgraph.graph.schema import Interval, SceneObject

if TYPE_CHECKING:
    from reelgraph.graph.temporal import TemporalGraph

__all__ = ["Asked", "Part", "asked"]

Part: TypeAlias = Literal["start", "middle", "end"]
"""A part of the video that words such as "at the end" point to."""

_AGES: Final[dict[str, frozenset[str]]] = {
    wide: frozenset(kinds.split())
    for wide, kinds in {
        "adult": """man woman guy gentleman lady male female mother mom mum father dad couple
            parent host singer dancer instructor teacher bride groom grandmother grandfather
            grandma grandpa husband wife""",
        "child": "boy girl kid toddler son daughter brother sister baby infant",
        "baby": "child kid toddler infant boy girl",
    }.items()
}
"""Words that may stand for a thing of this label although they say more than it."""

_PERSONS: Final = frozenset(
    ["he", "she", "they", "him", "them", "everyone", "everybody", "who", "friend", "player"]
)
"""Words that may stand for any person."""

_PEOPLE: Final = ("person", "adult", "child", "baby")

_PARTS: Final[tuple[tuple[Part, str], ...]] = (
    ("middle", r"\b(middle|midway|halfway)\b"),
    ("end", r"\b(end|ending|finally|at last|last|lastly|eventually)\b"),
    ("start", r"\b(beginning|begins?|start|starts|starting|first|initially|at once)\b"),
)

_EMPTY: Final = frozenset(
    re.findall(
        "[a-z]+",
        """the a an of to in on at is are was were be been being does do did why how what when
    where which who whom there s his her their its it and or as with by for from up down
    after before while that this these those he she they him them over off out around back
    then not no has have had can will would could should video clip scene happens happen
    many much person people""",
    )
)
"""Words that name no predicate when they stand alone."""

_NUMBER = r"(\d+(?::\d\d)?(?:\.\d+)?)"
_UNIT = r"\s*(?:s|sec|secs|seconds?)\b"


@dataclass(frozen=True)
class Asked:
    """What a question speaks of, in terms of one graph.

    Attributes:
        named: How surely each object is meant, 0 to 1; objects not named are missing.
        said: How close each stored predicate is to the words, 0 to 1; others missing.
        anchor: The same for the words behind "before" or "after"; empty without.
        order: Whether what is sought lies before or after the anchor.
        part: The part of the video that is pointed to.
        window: The span in seconds that is given in numbers.
    """

    named: Mapping[int, float]
    said: Mapping[str, float]
    anchor: Mapping[str, float]
    order: Literal["before", "after"] | None
    part: Part | None
    window: Interval | None

    @property
    def timed(self) -> bool:
        """Whether words or numbers say when."""
        return bool(self.order or self.part or self.window)


def asked(graph: TemporalGraph, question: str, end_s: float) -> Asked:
    """Return what a question speaks of.

    Args:
        graph: Whose objects and predicates.
        question: What is asked, in English.
        end_s: Where the time of the graph ends, in seconds.
    """
    text = question.lower()
    predicates = sorted({r.predicate for r in graph.document.relations})
    said = _said(predicates, _words(text))
    found = re.search(r"\b(before|after)\b(?!\s*\d)(.*)", text)
    order: Literal["before", "after"] | None = None
    if found:
        order = "after" if found[1] == "after" else "before"
    return Asked(
        named=_named(graph.objects(), text),
        said=said,
        anchor=_said(predicates, _words(found[2])) if found else {},
        order=order,
        part=next((part for part, pattern in _PARTS if re.search(pattern, text)), None),
        window=_window(text, end_s),
    )


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text)


def _phrases(words: Sequence[str], longest: int = 3) -> list[str]:
    """Return every run of words up to a length, the longest first."""
    return [
        " ".join(words[i : i + n]) for n in range(longest, 0, -1) for i in range(len(words) - n + 1)
    ]


def _said(predicates: Iterable[str], words: Sequence[str]) -> dict[str, float]:
    """Return which predicates the words say: 1 in full, 0.5 by the verb alone."""
    phrases = [p for p in _phrases(words) if p not in _EMPTY]
    keys = {lexicon.predicate_key(phrase) for phrase in phrases}
    close = keys.union(*map(lexicon.synonym_keys, keys))
    verbs = {lexicon.predicate_key(word) for word in words if word not in _EMPTY}
    found: dict[str, float] = {}
    for name in predicates:
        key = lexicon.predicate_key(name)
        if key in close:
            found[name] = 1.0
        elif key.split(" ")[0] in verbs:
            found[name] = 0.5
    return found


def _named(objects: Sequence[SceneObject], text: str) -> dict[int, float]:
    """Return how surely each object is meant."""
    phrases = _phrases(_words(text))
    fit = {label: _label_fit(label, phrases) for label in {item.label for item in objects}}
    numbered = {int(n) for n in re.findall(r"(?:#\s*|[a-z])(\d+)\b", text)}
    words = set(_words(text))
    traits = {item.id: _trait_hits(item, words) for item in objects if fit[item.label]}
    best: dict[str, int] = {}
    for item in objects:
        best[item.label] = max(best.get(item.label, 0), traits.get(item.id, 0))
    named = {
        item.id: fit[item.label] * (1.0 if traits[item.id] == best[item.label] else 0.4)
        for item in objects
        if item.id in traits
    }
    if chosen := numbered & {item.id for item in objects}:
        named = {i: 0.2 * sure for i, sure in named.items()} | dict.fromkeys(sorted(chosen), 1.0)
    return named


def _trait_hits(item: SceneObject, words: set[str]) -> int:
    """Return how many words of an object's attributes are among the words."""
    traits = {word for trait in item.attributes for word in _words(trait.lower())}
    return len((traits - _EMPTY) & words)


def _label_fit(label: str, phrases: Sequence[str]) -> float:
    """Return how well some phrase names a label: 1 a name for it, less a near one."""
    if any(lexicon.label_matches(phrase, label) for phrase in phrases):
        return 1.0
    forms = lexicon.label_forms(label)
    singles = {lexicon.singular(phrase) for phrase in phrases}
    if any(singles & _AGES.get(form, frozenset()) for form in forms):
        return 1.0
    if any(forms & lexicon.broader_labels(word) for word in singles):
        return 0.8
    person = any(lexicon.label_matches(kind, label) for kind in _PEOPLE)
    return 0.4 if person and singles & _PERSONS else 0.0


def _window(text: str, end_s: float) -> Interval | None:
    """Return the span that numbers in the text give."""
    if found := re.search(
        rf"\b(?:between|from)\s+{_NUMBER}(?:{_UNIT})?\s+(?:and|to)\s+{_NUMBER}", text
    ):
        start, end = sorted((_time(found[1]), _time(found[2])))
        return _within(start, end, end_s)
    if found := re.search(rf"\b(first|last)\s+{_NUMBER}{_UNIT}", text):
        length = _time(found[2])
        return (
            _within(0, length, end_s)
            if found[1] == "first"
            else _within(end_s - length, end_s, end_s)
        )
    if found := re.search(
        rf"\b(at|around|about|after|before|until|by|since)\s+{_NUMBER}(?:{_UNIT}|(?<=:\d\d))", text
    ):
        moment = _time(found[2])
        if found[1] in {"after", "since"}:
            return _within(moment, end_s, end_s)
        if found[1] in {"before", "until", "by"}:
            return _within(0, moment, end_s)
        return _within(moment, moment, end_s)
    return None


def _within(start: float, end: float, end_s: float) -> Interval | None:
    """Return a span cut to the video; None if it lies outside."""
    start, end = max(0.0, start), min(end, end_s)
    return Interval(start, end) if start <= end else None


def _time(text: str) -> float:
    minutes, _, rest = text.rpartition(":")
    return 60 * float(minutes or 0) + float(rest)
