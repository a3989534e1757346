"""Captions: which option has more words in common with what is said of the video.

The control for arms with captions, where no language model reads them. An option scores the
mean over its content words of the square root of the share of captions that have the word,
captions weighted by time: those near the start, middle or end if the question says so, and
near those that share rare words with the question. An option without a content word scores 0.
No word means more than itself: there are no synonyms and no training.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from reelgraph.agent.language import stem, tokens
from reelgraph.eval.benchmarks.question import Captions

__all__ = ["CAPTION_RULE", "GRAPH_WEIGHT", "best_option", "combined", "option_scores"]

CAPTION_RULE = "overlap-1"
"""Version of the rule, for the log."""
GRAPH_WEIGHT = 1.0
"""What a graph's answer of confidence 1 adds to its option's score in `combined`. Chosen on the
videos of even rank, by sorted name, of the 271 NExT-QA videos with VidOR graphs: the smallest
weight within one standard error of the best (``python -m benchmarks.results --fit``)."""

_PART_WIDTH = 0.15
_MIDDLE_WIDTH = 0.18
_FLOOR = 0.05
_HIT = 2.0
_HIT_WIDTH = 3.0
_START = re.compile(r"\b(?:at the (?:start|beginning)|beginning of|start of|first)\b")
_END = re.compile(r"\b(?:at the end|end of|in the end|finally|last)\b")
_MIDDLE = re.compile(r"\bmiddle\b")
_FUNCTION = frozenset({
    "a", "an", "the", "of", "to", "in", "on", "at", "and", "is", "are", "was", "were", "be",
    "been", "being", "it", "its", "with", "his", "her", "their", "he", "she", "they", "them",
    "him", "this", "that", "these", "those", "there", "as", "by", "for", "from", "or", "not",
    "do", "does", "did", "how", "why", "what", "who", "when", "where", "which", "while",
    "after", "before", "then", "up", "into",
})  # fmt: skip


def option_scores(question: str, choices: Sequence[str], captions: Captions) -> list[float]:
    """Return the score of each option, 0 to 1.

    Args:
        question: What is asked.
        choices: The options.
        captions: What is said of the video, by second.
    """
    said = [_stems(text) for _, text in captions]
    weights = _weights(question, [second for second, _ in captions], said)
    total = sum(weights) or 1.0
    shares: Counter[str] = Counter()
    for weight, words in zip(weights, said, strict=True):
        shares.update(dict.fromkeys(words, weight / total))
    return [_score(_stems(choice), shares) for choice in choices]


def best_option(scores: Sequence[float]) -> int:
    """Return the option that scores most, the first of equals."""
    return max(range(len(scores)), key=lambda i: (scores[i], -i))


def combined(
    scores: Sequence[float], chosen: int | None, confidence: float, *, weight: float = GRAPH_WEIGHT
) -> list[float]:
    """Return the scores of captions with what a graph adds to the option that it shows.

    Args:
        scores: By the captions.
        chosen: The option that the graph's answer names, if any.
        confidence: Of that answer, 0 to 1.
        weight: What an answer of confidence 1 adds.
    """
    return [score + weight * confidence * (index == chosen) for index, score in enumerate(scores)]


def _score(words: frozenset[str], shares: Counter[str]) -> float:
    return sum(math.sqrt(min(1.0, shares[w])) for w in sorted(words)) / max(1, len(words))


def _stems(text: str) -> frozenset[str]:
    words = (word for word in tokens(text.lower()) if word.isalpha() and word not in _FUNCTION)
    return frozenset(stem(word) for word in words)


def _weights(
    question: str, seconds: Sequence[float], said: Sequence[frozenset[str]]
) -> list[float]:
    """Return how much each caption counts."""
    end_s = (seconds[-1] if seconds else 0.0) + 1.0
    prior = [_prior(question.lower(), second / end_s) for second in seconds]
    hits = _hits(_stems(question), said)
    return [weight * (1.0 + _HIT * hit) for weight, hit in zip(prior, hits, strict=True)]


def _prior(question: str, place: float) -> float:
    """Return the weight of a place in the video, 0 for its start and 1 for its end."""
    if _START.search(question):
        return math.exp(-place / _PART_WIDTH) + _FLOOR
    if _END.search(question):
        return math.exp(-(1.0 - place) / _PART_WIDTH) + _FLOOR
    if _MIDDLE.search(question):
        return math.exp(-(((place - 0.5) / _MIDDLE_WIDTH) ** 2) / 2) + _FLOOR
    return 1.0


def _hits(asked: frozenset[str], said: Sequence[frozenset[str]]) -> list[float]:
    """Return how near each caption is to one that has the question's words, 0 to 1."""
    known = _rarity(asked, said)
    found = [sum(known[word] for word in sorted(asked & words)) for words in said]
    most = max(found, default=0.0) or 1.0
    near = range(-round(3 * _HIT_WIDTH), round(3 * _HIT_WIDTH) + 1)
    return [
        max(
            found[i + step] / most * math.exp(-abs(step) / _HIT_WIDTH)
            for step in near
            if 0 <= i + step < len(found)
        )
        for i in range(len(found))
    ]


def _rarity(asked: frozenset[str], said: Iterable[frozenset[str]]) -> dict[str, float]:
    """Return how much each word of the question tells captions apart; 0 if none has it."""
    captions = list(said)
    counts = {word: sum(word in words for words in captions) for word in asked}
    return {
        word: math.log((len(captions) + 1) / (count + 0.5)) if count else 0.0
        for word, count in counts.items()
    }
