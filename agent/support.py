"""How well each option of a question fits what a graph holds, where no relation decides.

A guess, not evidence: an option that names a dog fits a graph without one badly, one that
names snow fits a graph with a ski well. Each option gets a few signals; their weighted
sum orders the options. The weights were fitted by multinomial logistic regression
(McFadden 1974) on half of the videos of NExT-QA with VidOR's human graphs, and rounded;
``benchmarks/nextqa_embedded.py`` fits them again and reports the other half.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from reelgraph.agent.associations import ACTS, PEOPLE, THINGS, rows
from reelgraph.agent.facts import Facts
from reelgraph.agent.language import number, stem, tokens, word_set
from reelgraph.graph.lexicon import label_matches, predicate_key, singular, synonym_keys
from reelgraph.graph.lexicon_data import HYPERNYMS, LABEL_SYNONYMS

__all__ = ["PRIOR_SIGNALS", "WEIGHTS", "Holding", "Support", "signals", "supports"]

PRIOR_SIGNALS: Final = ("repeats", "repeats any", "is two", "act asked", "length")
"""Signals that look at question and option only; the others look at the graph."""

WEIGHTS: Final[Mapping[str, float]] = {
    # question and option
    "repeats": 0.4,
    "repeats any": 0.4,
    "act asked": 0.6,
    "length": 0.1,
    "is two": 0.5,
    # what the graph has, or has not
    "thing there": 0.3,
    "thing not there": -1.0,
    "person not there": -0.9,
    "new person not there": -0.8,
    "company of one": -0.4,
    "as many": 0.9,
    "off by": -0.9,
    # what goes with it
    "goes with things": 1.5,
    "out of place": -0.7,
    "goes with acts": 0.7,
    "act not there": -0.2,
    # what its relations say
    "said": 0.3,
    "said of it": 0.3,
    "done by them": 0.4,
    "related": 0.6,
}
"""What one unit of each signal adds to an option's score."""

_FUNCTION = word_set(
    "a an the of to in on at and is are it with his her its their s for by be was were he she they "
    "him them as that this from"
)
_SOCIAL = frozenset(
    map(
        stem,
        word_set(
            "audience crowd friend classmates colleagues partner team members siblings couple "
            "together others teammate opponent"
        ),
    )
)
_PEOPLE = ("person", "adult", "child", "baby")
_PARTS = word_set("hand palm picture photo photograph floor ground light screen")
"""Words for things that hardly any graph tracks as such, so that their absence says nothing."""


@dataclass(frozen=True)
class Support:
    """How well one option fits.

    Attributes:
        index: The option.
        score: Log-odds against the other options, up to a constant.
        because: Labels and predicates of the graph that speak for it.
    """

    index: int
    score: float
    because: tuple[str, ...] = ()


@dataclass(frozen=True)
class Holding:
    """What a graph holds, reduced to what the signals need.

    Attributes:
        labels: How many objects have each label.
        predicates: The predicate keys of its relations, and how each is stored.
        triples: Subject label, predicate key and object label of its relations.
    """

    labels: Mapping[str, int]
    predicates: Mapping[str, str]
    triples: frozenset[tuple[str, str, str]]

    @classmethod
    def of(cls, facts: Facts) -> Holding:
        """Return what the facts say is there."""
        labels = {i: row["label"] for i, row in facts.objects.items()}
        ends = (
            (labels.get(row["subject"], ""), row["predicate"], labels.get(row["object"], ""))
            for row in facts.relations.values()
        )
        return cls(
            Counter(labels.values()),
            {predicate_key(p): p for p in facts.predicates},
            frozenset((a, predicate_key(p), b) for a, p, b in set(ends)),
        )

    def things(self) -> frozenset[int]:
        """Return the rows of `THINGS` that the labels speak for."""
        return frozenset(row for label in self.labels for row in _rows_of_label(label))

    def acts(self) -> frozenset[int]:
        """Return the rows of `ACTS` that the predicates speak for."""
        return frozenset(row for key in self.predicates for row in _rows_of_predicate(key))


def _index(table: str) -> dict[str, frozenset[int]]:
    """Return for the stem of each word the rows of a table that it stands in."""
    found: dict[str, set[int]] = defaultdict(set)
    for row, (names, words) in enumerate(rows(table)):
        for word in (*words, *(w for name in names for w in name.split())):
            found[stem(word)].add(row)
    return {word: frozenset(numbers) for word, numbers in found.items()}


_THING_WORDS, _ACT_WORDS = _index(THINGS), _index(ACTS)
_NONE: frozenset[int] = frozenset()
_UNTRACKED = frozenset({"clothes", "plant", "building"})
"""Kinds of things that graphs of everyday video seldom hold."""


def _kinds() -> frozenset[str]:
    """Return the names of things whose absence from a graph says something."""
    tracked = {kind for kind, wider in HYPERNYMS.items() if not _UNTRACKED.intersection(wider)}
    wider = {name for names in HYPERNYMS.values() for name in names} - _UNTRACKED - {"person"}
    same = {name for names in LABEL_SYNONYMS for name in names}
    listed = {name for names, _ in rows(THINGS) for name in names}
    untracked = HYPERNYMS.keys() - tracked
    return frozenset(map(singular, (tracked | wider | same | listed) - untracked)) - _PARTS


_KINDS = _kinds()


@lru_cache(maxsize=1024)
def _rows_of_label(label: str) -> tuple[int, ...]:
    return tuple(
        row
        for row, (names, _) in enumerate(rows(THINGS))
        if any(label_matches(name, label) for name in names)
    )


@lru_cache(maxsize=1024)
def _rows_of_predicate(key: str) -> tuple[int, ...]:
    return tuple(
        row
        for row, (names, _) in enumerate(rows(ACTS))
        if any(key in synonym_keys(predicate_key(name)) for name in names)
    )


@lru_cache(maxsize=4096)
def _fits(word: str, label: str) -> bool:
    """Return whether a word may stand for a thing with this label."""
    return label_matches(word, label) or label_matches(label, word)


@lru_cache(maxsize=4096)
def _fits_person(word: str, label: str) -> bool:
    return label in PEOPLE.get(singular(word), ()) or _fits(word, label)


def _is_person_word(word: str) -> bool:
    return singular(word) in PEOPLE or singular(word) == "person"


@dataclass(frozen=True)
class _Words:
    """The words of a question or an option that say something."""

    all: tuple[str, ...]
    stems: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> _Words:
        found = tuple(w for w in tokens(text) if w != "," and w not in _FUNCTION)
        return cls(found, tuple(map(stem, found)))

    def rows(self, index: Mapping[str, frozenset[int]]) -> list[tuple[str, frozenset[int]]]:
        """Return the words that stand in a table, with their rows."""
        return [(s, index[s]) for s in self.stems if s in index]

    def keys(self) -> frozenset[str]:
        """Return the predicate keys of its words and pairs of neighbours."""
        pairs = (" ".join(self.all[i : i + 2]) for i in range(len(self.all)))
        return frozenset(map(predicate_key, (*self.all, *pairs)))


def signals(question: str, option: str, holding: Holding) -> dict[str, float]:
    """Return the signals of one option.

    Args:
        question: What is asked.
        option: One of the options.
        holding: What the graph holds.
    """
    asked, said = _Words.of(question), _Words.of(option)
    return {
        **_prior(question, option, asked, said),
        **_named(asked, said, holding),
        **_associated(asked, said, holding),
        **_stated(asked, said, holding),
        **_counted(question, option, asked, holding),
    }


def _prior(question: str, option: str, asked: _Words, said: _Words) -> dict[str, float]:
    """Look at question and option only."""
    shared = set(said.stems) & set(asked.stems)
    value = _number(question, option)
    size = max(1, len(said.all))
    acts = frozenset().union(*(r for _, r in asked.rows(_ACT_WORDS)))
    return {
        "repeats": len(shared) / size,
        "repeats any": float(bool(shared)),
        "is two": float(value == 2),
        "length": math.log1p(len(said.all)),
        "act asked": sum(bool(r & acts) for _, r in said.rows(_ACT_WORDS)) / size,
    }


def _number(question: str, option: str) -> float | None:
    """Return the number that an option gives to a question for one."""
    if not question.lower().startswith("how many"):
        return None
    values = [v for w in tokens(option) if (v := number(w)) is not None]
    return float(values[0]) if values else None


def _named(asked: _Words, said: _Words, holding: Holding) -> dict[str, float]:
    """Look at things and people that an option names and a graph has, or has not."""
    new = [w for w, s in zip(said.all, said.stems, strict=True) if s not in asked.stems]
    things = {
        w: _labels(w, holding) for w in new if singular(w) in _KINDS and not _is_person_word(w)
    }
    people = [w for w in said.all if _is_person_word(w)]
    missing = [w for w in people if not any(_fits_person(w, x) for x in holding.labels)]
    humans = sum(n for x, n in holding.labels.items() if _is_human(x))
    social = bool(set(said.stems) & _SOCIAL) or "each" in said.all
    return {
        "thing there": float(any(things.values())),
        "thing not there": float(any(not found for found in things.values())),
        "person not there": float(bool(missing)),
        "new person not there": float(bool(set(missing) & set(new))),
        "company of one": float(social and humans < 2),
    }


def _labels(word: str, holding: Holding) -> list[str]:
    return [label for label in holding.labels if _fits(word, label)]


@lru_cache(maxsize=1024)
def _is_human(label: str) -> bool:
    return any(label_matches(kind, label) for kind in _PEOPLE)


def _associated(asked: _Words, said: _Words, holding: Holding) -> dict[str, float]:
    """Look at words that go with what the graph holds, or with what it does not."""
    there, done = holding.things(), holding.acts()
    topical = frozenset().union(*(r for _, r in asked.rows(_THING_WORDS)))
    new = [r for s, r in said.rows(_THING_WORDS) if s not in asked.stems]
    acts = [r for _, r in said.rows(_ACT_WORDS)]
    size = max(1, len(said.all))
    return {
        "goes with things": _weight(new, there) / size,
        "out of place": sum(not rows & (there | topical) for rows in new) / size,
        "goes with acts": _weight(acts, done) / size,
        "act not there": sum(not rows & done for rows in acts) / size,
    }


def _weight(words: Sequence[frozenset[int]], there: frozenset[int]) -> float:
    """Return how many of the words go with what is there; one of many meanings counts less."""
    return sum(len(rows & there) / len(rows) for rows in words)


def _stated(asked: _Words, said: _Words, holding: Holding) -> dict[str, float]:
    """Look at the verbs that the graph's relations use, and who takes part in them."""
    keys = said.keys()
    close = keys.union(*map(synonym_keys, keys))
    actors, named = _labels_in(asked, holding), _labels_in(said, holding)
    new = named - actors
    told = [t for t in holding.triples if t[1] in close]
    linked = ((a, b) for a, _, b in holding.triples)
    return {
        "said": float(bool(keys & holding.predicates.keys())),
        "said of it": float(any({a, b} & named for a, _, b in told)),
        "done by them": float(any(a in actors and b in (named or actors) for a, _, b in told)),
        "related": float(
            any((a in actors and b in new) or (b in actors and a in new) for a, b in linked)
        ),
    }


def _labels_in(words: _Words, holding: Holding) -> frozenset[str]:
    """Return the graph's labels that some word may stand for."""
    return frozenset(x for w in words.all for x in holding.labels if _fits_person(w, x))


def _counted(question: str, option: str, asked: _Words, holding: Holding) -> dict[str, float]:
    """Look at how many there are of the kind that a question counts."""
    value, there = _number(question, option), None
    if value is not None:
        there = _how_many(asked, holding)
    if value is None or there is None:
        return {"as many": 0.0, "off by": 0.0}
    return {
        "as many": float(value == there),
        "off by": min(5.0, abs(value - there)) / 5,
    }


def _how_many(asked: _Words, holding: Holding) -> int | None:
    """Return how many objects there are of the first kind that a question names."""
    for word in asked.all:
        if found := [n for x, n in holding.labels.items() if _fits_person(word, x)]:
            return sum(found)
        if singular(word) == "person":
            return sum(n for x, n in holding.labels.items() if _is_human(x))
    return None


def supports(
    question: str, options: Iterable[str], facts: Facts, weights: Mapping[str, float] = WEIGHTS
) -> list[Support]:
    """Return how well each option fits, in the order of the options.

    Args:
        question: What is asked.
        options: The options.
        facts: What tools returned.
        weights: What each signal is worth.
    """
    holding = Holding.of(facts)
    return [
        Support(i, _score(signals(question, option, holding), weights), _because(option, holding))
        for i, option in enumerate(options)
    ]


def _score(found: Mapping[str, float], weights: Mapping[str, float]) -> float:
    return sum(weights.get(name, 0.0) * value for name, value in found.items())


def _because(option: str, holding: Holding) -> tuple[str, ...]:
    """Return the labels and predicates that go with an option's words."""
    said = _Words.of(option)
    things = frozenset().union(*(r for _, r in said.rows(_THING_WORDS)))
    keys = said.keys().union(*map(synonym_keys, said.keys()))
    labels = [
        label
        for label in holding.labels
        if things.intersection(_rows_of_label(label))
        or any(_fits_person(w, label) for w in said.all)
    ]
    return (*(stored for key, stored in holding.predicates.items() if key in keys), *labels)
