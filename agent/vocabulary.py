"""What a graph can be asked about: its labels, attributes and predicates as words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from reelgraph.agent.language import stem, tokens, word_set
from reelgraph.agent.verbs import BROADER, VISIBLE, Sense, canonical, spatial
from reelgraph.graph.lexicon import label_matches, predicate_key, synonym_keys

__all__ = ["ANYONE", "ANYTHING", "GRAMMAR", "SCENERY", "SURFACES", "Vocabulary", "spatial_only"]

ANYONE = word_set(
    "who whom someone somebody anyone anybody everyone everybody nobody they them he she him her"
)
ANYTHING = word_set("what something anything thing object item it one ones nothing which many much")
SCENERY = frozenset(
    map(
        stem,
        word_set(
            "picture video clip scene frame view screen image film shot table desk floor ground "
            "surface counter street road room place world background camera time end"
        ),
    )
)
"""Places that a question may name although nobody tracks them."""

GRAMMAR = frozenset(
    map(
        stem,
        ANYONE
        | ANYTHING
        | word_set(
            "whose where when why how is are was were be been do does did has have had the a an "
            "this that and or but not never no yes all any some you i of to from in on at by with "
            "into onto for than before after while until since once as if there here most least "
            "more less longest shortest longer first second third last next then"
        ),
    )
)
"""Words that build a question: in an attribute or a label they name nothing by themselves."""

_THINGS = frozenset(map(stem, ("object", "thing", "item")))

SURFACES = frozenset(map(stem, word_set("table desk floor ground surface counter shelf bench")))
"""Places that things rest on: what leaves one is taken away."""


@dataclass(frozen=True)
class Vocabulary:
    """The words of one graph.

    Attributes:
        labels: Labels of its objects.
        attributes: Attributes of its objects.
        predicates: Predicates of its relations.
    """

    labels: tuple[str, ...]
    attributes: tuple[str, ...]
    predicates: tuple[str, ...]
    adjectives: frozenset[str] = field(init=False)
    parts: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "adjectives", _all_stems(self.attributes) - GRAMMAR)
        compounds = (label for label in self.labels if " " in label)
        object.__setattr__(self, "parts", _all_stems(compounds) - GRAMMAR)

    def labels_for(self, noun: str) -> frozenset[str]:
        """Return the graph's labels that a noun may stand for.

        A graph that knows only a wider name cannot tell: ``the man`` may be its ``person``.
        """
        if stem(noun) in _THINGS:
            return frozenset(self.labels)
        exact = frozenset(label for label in self.labels if label_matches(noun, label))
        if exact:
            return exact
        return frozenset(label for label in self.labels if label_matches(label, noun))

    def is_noun(self, word: str) -> bool:
        """Return whether a word may name an object of this graph."""
        return bool(self.labels_for(word))

    def predicates_for(self, words: list[str], sense: Sense | None) -> tuple[str, ...]:
        """Return the graph's predicates that a verb means: the same verb, else a synonym.

        Args:
            words: The verb and its particles.
            sense: What the verb means, or None where only its stem is known.
        """
        if sense is not None and sense.predicate == VISIBLE:
            return (VISIBLE,)
        verbs = [p for p in self.predicates if not spatial_only(p)]
        wanted = set(map(stem, words))
        if same := [p for p in verbs if _stems(p) == wanted]:
            return tuple(same)
        if sense is not None and (found := self.meaning(sense.predicate)):
            return found
        keys = synonym_keys(predicate_key(" ".join(words)))
        close = [p for p in verbs if predicate_key(p) in keys]
        return tuple(close or [p for p in verbs if sense is None and _head(p) in wanted])

    def meaning(self, predicate: str) -> tuple[str, ...]:
        """Return the graph's predicates with the same canonical sense as ``predicate``."""
        names = {predicate, BROADER.get(predicate, predicate)}
        return tuple(p for p in self.predicates if canonical(p).predicate in names)

    def has_head(self, word: str) -> bool:
        """Return whether some predicate of the graph starts with this verb."""
        key = stem(word)
        return any(_head(p) == key and not spatial_only(p) for p in self.predicates)


def spatial_only(predicate: str) -> bool:
    """Return whether a predicate is a preposition, so that its first word is no verb."""
    words = tokens(predicate)
    found = spatial(words)
    return predicate == VISIBLE or (found is not None and found[:2] == (0, len(words)))


def _stems(phrase: str) -> set[str]:
    return set(map(stem, tokens(phrase)))


def _head(predicate: str) -> str:
    words = tokens(predicate)
    return stem(words[0]) if words else ""


def _all_stems(phrases: Iterable[str]) -> frozenset[str]:
    return frozenset(s for phrase in phrases for s in _stems(phrase))
