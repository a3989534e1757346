"""Noun phrases: what a question says about an object, before it is looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from reelgraph.agent.language import ORDINALS, number, stem, word_set
from reelgraph.agent.vocabulary import ANYONE, ANYTHING, SCENERY, Vocabulary

__all__ = ["RANKS", "RELATIVE", "Rank", "Ref", "noun_phrase"]

Rank: TypeAlias = Literal["left", "middle", "right"]

RANKS: dict[str, Rank] = {
    "left": "left",
    "leftmost": "left",
    "middle": "middle",
    "center": "middle",
    "centre": "middle",
    "central": "middle",
    "right": "right",
    "rightmost": "right",
}
RELATIVE = "#which"
"""Stands, with a number word, for the relative clause of that number."""

_FILLER = word_set(
    "a an the this that these those some any every each all of in on at with wearing is are was "
    "were and hand side there his her its their my your to be by from into onto dressed "
    "clothes whose shirt jacket coat trousers pants dress clothing most other another both no "
    "number color , s"
)


@dataclass(frozen=True)
class Ref:
    """A description of an object.

    Attributes:
        text: The words it was read from.
        labels: The graph's labels it may have; empty for any label.
        id: Object id, if the question gives one (``#3``).
        attributes: Stems of attributes it must have.
        rank: Its place among its kind, from left to right.
        ordinal: Its place in the order of appearance, from 1; -1 is the last.
        count: How many there must be, e.g. 2 in ``two bottles``.
        other: True for ``the other person``.
        people: True for ``someone``: a person, where the graph knows any.
        relative: Number of the relative clause that says which one it is.
        ids: The objects that clause was found to mean.
        unknown: Words that mean nothing in this graph.
    """

    text: str
    labels: frozenset[str] = frozenset()
    id: int | None = None
    attributes: tuple[str, ...] = ()
    rank: Rank | None = None
    ordinal: int | None = None
    count: int | None = None
    other: bool = False
    people: bool = False
    relative: int | None = None
    ids: frozenset[int] | None = None
    unknown: tuple[str, ...] = ()

    @property
    def anything(self) -> bool:
        """Whether it does not restrict anything."""
        named = self.labels or self.attributes or self.rank or self.unknown or self.other
        singled = self.id is not None or self.ordinal is not None or self.ids is not None
        return not singled and self.relative is None and not named


def noun_phrase(words: Sequence[str], vocabulary: Vocabulary) -> Ref | None:
    """Read a noun phrase; None if no word in it says anything.

    A phrase of nothing but scenery that the graph does not track, such as ``the
    table``, is also None: it restricts nothing that could be looked up.
    """
    content = [w for w in words if w not in _FILLER or _known(w, vocabulary)]
    if not content:
        return None
    ref = Ref(" ".join(words), other="other" in words or "another" in words)
    for index, word in enumerate(content):
        ref = _add(ref, word, _is_last_noun(content, index, vocabulary), vocabulary)
    named = ref.labels or ref.people or ref.ids is not None
    if ref.unknown and not named and all(stem(w) in SCENERY for w in ref.unknown):
        return None
    return replace(ref, unknown=tuple(w for w in ref.unknown if stem(w) not in SCENERY))


def _known(word: str, vocabulary: Vocabulary) -> bool:
    """Return whether a filler word is a label or an attribute here (``hand``)."""
    return vocabulary.is_noun(word) or stem(word) in vocabulary.adjectives


def _is_last_noun(words: Sequence[str], index: int, vocabulary: Vocabulary) -> bool:
    """Return whether a number here follows a noun and so is an id (``person 1``)."""
    return index > 0 and (vocabulary.is_noun(words[index - 1]) or words[index - 1] in ANYTHING)


def _add(ref: Ref, word: str, after_noun: bool, vocabulary: Vocabulary) -> Ref:
    """Return ``ref`` with what one more word says."""
    is_id = word.startswith("#") or after_noun
    if is_id and word.removeprefix("#").isdigit():
        return replace(ref, id=int(word.removeprefix("#")))
    if word.startswith(RELATIVE):
        return replace(ref, relative=number(word.removeprefix(RELATIVE)))
    if word in ORDINALS:
        return replace(ref, ordinal=ORDINALS[word])
    if word in RANKS:
        return replace(ref, rank=RANKS[word])
    if vocabulary.is_noun(word):
        return _add_label(ref, word, vocabulary)
    return _add_modifier(ref, word, vocabulary)


def _add_label(ref: Ref, word: str, vocabulary: Vocabulary) -> Ref:
    """Add a label word; in a compound (``baseball bat``) every word must fit."""
    wanted = vocabulary.labels_for(word)
    labels = (ref.labels & wanted) or (ref.labels | wanted)
    return replace(ref, labels=labels)


def _add_modifier(ref: Ref, word: str, vocabulary: Vocabulary) -> Ref:
    """Add a word that is no label: an attribute, a number, a pronoun, or unknown."""
    if stem(word) in vocabulary.adjectives:
        return replace(ref, attributes=(*ref.attributes, stem(word)))
    if word in ANYONE:
        return replace(ref, people=True)
    if word in ANYTHING or stem(word) in ANYTHING:
        return ref
    if stem(word) in vocabulary.parts:
        return ref
    if (value := number(word)) is not None:
        return replace(ref, count=value)
    return replace(ref, unknown=(*ref.unknown, word))
