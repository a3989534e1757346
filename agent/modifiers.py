"""Modifiers of a clause: how often, from when on, which time, never, at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from reelgraph.agent.language import ORDINALS, number, stem, word_set
from reelgraph.agent.verbs import verb

__all__ = ["take_aspect", "take_modifiers", "take_repeats"]

_STARTS = frozenset(map(stem, ("start", "begin")))
_STOPS = frozenset(map(stem, ("stop", "finish", "quit", "cease", "end")))
_DROP = word_set(
    "then now just immediately actually already together also ever still finally again exactly "
    "currently directly once please twice both"
)
_TOGETHER = re.compile(r"\b(?:at once|at the same time|together|simultaneously)\b")
_REPEATS = re.compile(r"\b(?:(twice)|(\w+) times)\b")
_TIME = re.compile(rf"\b(?:for |on |in )?(?:the )?({'|'.join(ORDINALS)}) time\b")


def take_repeats(words: Sequence[str]) -> tuple[list[str], int | None]:
    """Take ``twice`` or ``three times`` out of a clause, as a number."""
    text = " ".join(words)
    found = _REPEATS.search(text)
    value = number(found[1] or found[2]) if found else None
    if found is None or value is None:
        return list(words), None
    return f"{text[: found.start()]}{text[found.end() :]}".split(), value


def take_aspect(words: list[str]) -> tuple[list[str], Literal["start", "end"] | None]:
    """Take ``starts to`` or ``stops`` out of a clause, where another verb follows."""
    for index, word in enumerate(words[:-1]):
        after = words[index + 1]
        if stem(word) not in _STARTS | _STOPS or not (after == "to" or after.endswith("ing")):
            continue
        rest = words[index + 1 + (after == "to") :]
        return [*words[:index], *rest], "start" if stem(word) in _STARTS else "end"
    return words, None


def take_modifiers(words: Sequence[str]) -> tuple[list[str], int | None, bool, bool]:
    """Take ordinals, negation and ``at once`` out of a clause."""
    text = " ".join(w for w in words if w != ",")
    ordinal = None
    if found := _TIME.search(text):
        ordinal, text = ORDINALS[found[1]], text.replace(found[0], " ")
    together = _TOGETHER.search(text) is not None
    text = _TOGETHER.sub(" ", text)
    negated = re.search(r"\b(?:never|not)\b", text) is not None
    plain = [w for w in re.sub(r"\b(?:never|not)\b", " ", text).split() if w not in _DROP]
    if plain and plain[-1] in ORDINALS and ordinal is None:
        ordinal = ORDINALS[plain.pop()]
    return _adverb(plain, ordinal, negated, together)


def _adverb(
    words: list[str], ordinal: int | None, negated: bool, together: bool
) -> tuple[list[str], int | None, bool, bool]:
    """Take an ordinal that stands directly before a verb (``first holds``) for an adverb."""
    for index, word in enumerate(words[:-1]):
        after = words[index + 1]
        if word in ORDINALS and ordinal is None and verb(after) and words[index - 1] != "the":
            return words[:index] + words[index + 1 :], ORDINALS[word], negated, together
    return words, ordinal, negated, together
