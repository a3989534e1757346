"""WUPS: how near a short open answer comes to the right one, word by word, as NExT-OE scores.

For every word of one text the best similarity with any word of the other; words that resemble
nothing are skipped, the rest multiplied; the lower of both directions counts. A similarity
below the threshold is worth a tenth. Answers to counting (``DC``) and yes-no questions (``DB``)
must be equal. The definitions are those of doc-doc/NExT-OE, quirks included: an unknown word
costs nothing, and an empty text scores 0.

Two things come from outside. The *similarity* of two words is any function;
`reelgraph.eval.metrics.wordnet.WordNet` computes the official one from WordNet's files, which
reelgraph does not bring. The *words* must have been cleaned as the evaluator cleans them
(tokens tagged, lemmatised, 156 stop words dropped), which needs a tagger's weights that no
package brings: exact numbers need that cleaning, and `plain_words` is only near it.

Not copied from it: a question without an answer scores 0 (there: ``KeyError``), groups without
questions are left out (there: ``ZeroDivisionError``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from reelgraph.errors import EvalError
from reelgraph.graph.lexicon import singular

__all__ = ["OpenAnswer", "WordSimilarity", "evaluate", "plain_words", "wups"]

WordSimilarity: TypeAlias = Callable[[str, str], float]
"""Similarity of two different words, 0 to 1; the order may matter."""

_DISCOUNT = 0.1
_EXACT = frozenset({"DC", "DB"})
_GROUPS = {
    "CW": "CW", "CH": "CH", "TN": "TPN", "TP": "TPN", "TC": "TC",
    "DB": "DB", "DC": "DC", "DL": "DL", "DO": "DO",
}  # fmt: skip
_STOPS = frozenset(
    {"a", "an", "the", "is", "are", "was", "were", "be", "been", "being", "am", "he", "she", "it",
     "they", "his", "her", "its", "their", "them", "him", "to", "of", "and", "that", "this"}
)  # fmt: skip


@dataclass(frozen=True)
class OpenAnswer:
    """One answered question.

    Attributes:
        type: NExT-OE's question type.
        predicted: The answer's cleaned words; empty if there is none.
        references: The right answers' cleaned words, at least one; the best counts.
    """

    type: str
    predicted: Sequence[str]
    references: Sequence[Sequence[str]]


def plain_words(text: str) -> list[str]:
    """Return the words of a text without articles and forms of *be*, nouns in the singular.

    Stands in for the evaluator's cleaning where that is not to be had. Scores made with it are
    not NExT-OE's.

    Example:
        >>> plain_words("The dogs are on a grassy area.")
        ['dog', 'on', 'grassy', 'area']
    """
    words = re.findall(r"[a-z0-9']+", text.lower())
    return [singular(word) for word in words if word not in _STOPS]


def wups(
    predicted: Sequence[str],
    reference: Sequence[str],
    similarity: WordSimilarity,
    *,
    threshold: float = 0.0,
) -> float:
    """Return the score of one answer, 0 to 1.

    Args:
        predicted: Its cleaned words.
        reference: The right answer's cleaned words.
        similarity: Of two words.
        threshold: Similarities below it are worth a tenth; 0 or 0.9 as a rule.

    Example:
        >>> wups(["brown", "dog"], ["dog"], lambda a, b: 0.5)
        0.5
    """

    def alike(a: str, b: str) -> float:
        found = 1.0 if a == b else similarity(a, b)
        return found if found >= threshold else _DISCOUNT * found

    def toward(words: Sequence[str], others: Sequence[str]) -> float:
        best = [max((alike(a, b) for b in others), default=0.0) for a in words]
        kept = [value for value in best if value > 0]
        return math.prod(kept) if kept else 0.0

    return min(toward(predicted, reference), toward(reference, predicted))


def evaluate(
    answers: Iterable[OpenAnswer], similarity: WordSimilarity, *, threshold: float = 0.0
) -> dict[str, float]:
    """Return mean scores by NExT-OE's groups.

    Args:
        answers: The answered questions.
        similarity: Of two words.
        threshold: As for `wups`.

    Returns:
        Fractions: each type (``TN`` and ``TP`` as ``TPN``), ``WUPS_C``, ``WUPS_T`` and
        ``WUPS_D`` for causal, temporal and descriptive questions, ``WUPS`` for all.

    Raises:
        EvalError: If a type is none of NExT-OE's, or an answer has no reference.
    """
    members: dict[str, list[float]] = {}
    for answer in answers:
        if answer.type not in _GROUPS or not answer.references:
            raise EvalError(f"{answer!r} needs one of the types {[*_GROUPS]} and a reference")
        score = max(_score(answer, words, similarity, threshold) for words in answer.references)
        for name in (_GROUPS[answer.type], f"WUPS_{answer.type[0]}", "WUPS"):
            members.setdefault(name, []).append(score)
    return {name: math.fsum(found) / len(found) for name, found in members.items()}


def _score(
    answer: OpenAnswer, words: Sequence[str], similarity: WordSimilarity, threshold: float
) -> float:
    if answer.type in _EXACT:
        return float(list(answer.predicted) == list(words))
    return wups(answer.predicted, words, similarity, threshold=threshold)
