"""Replies: which option a model's text names, and whether an answer is right. Never a guess."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Sequence

from reelgraph.eval.benchmarks.question import Question

__all__ = ["is_right", "letter", "normalized", "option_named"]

_STATED = re.compile(
    r"(?i:answer|option|choice)\s*(?i:is)?\s*:?\s*[*\"'(]*([A-Z])(?=[)\]\"'*.:,;]|\s*(?:\n|$))"
)
_ALONE = re.compile(r"^[\s*\"'`(\[]*([A-Za-z])[\s*\"'`)\].:,]*$")
_LEADING = re.compile(r"^[\s*\"'`(\[]*([A-Z])[)\].:][\s*\"'`]*(.*)$", re.DOTALL)
_ARTICLES = frozenset({"a", "an", "the"})
_NUMBERS = dict(
    zip(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"],
        map(str, range(11)),
        strict=True,
    )
)


def letter(index: int) -> str:
    """Return the letter of an option: A for 0."""
    return string.ascii_uppercase[index]


def option_named(reply: str, choices: Sequence[str]) -> int | None:
    """Return the index of the option that a reply names, or None if that is not clear.

    Understood are a letter alone (``B``, ``(b)``, ``**B.**``), a letter before its option's
    text (``B. the ball``), a stated answer (``The answer is B``), and the text of exactly one
    option. A reply that names two options, or a letter that is none, names none.
    """
    text = reply.strip()
    found = {_index(match[1], choices) for match in [_ALONE.match(text)] if match}
    if not found and (match := _LEADING.match(text)):
        found = {_index(match[1], choices)}
    if not found:
        found = {_index(match[1], choices) for match in _STATED.finditer(text)}
    found = found or _told(text, choices)
    return found.pop() if len(found) == 1 else None


def _index(character: str, choices: Sequence[str]) -> int | None:
    place = ord(character.upper()) - ord("A")
    return place if place < len(choices) else None


def _told(text: str, choices: Sequence[str]) -> set[int | None]:
    """Return the options whose whole text a reply is."""
    told = normalized(text)
    return {i for i, choice in enumerate(choices) if told and normalized(choice) == told}


def is_right(question: Question, prediction: int | str | None) -> bool | None:
    """Return whether an answer is right; None if the right answer is not known.

    An option is right if it is the right one. Text is right if, after `normalized`, it equals
    one of the right texts.
    """
    if question.answer is None:
        return None
    if prediction is None:
        return False
    if question.choices:
        return prediction == question.answer
    right = {normalized(str(text)) for text in (question.answer, *question.also_right)}
    return normalized(str(prediction)) in right


def normalized(text: str) -> str:
    """Return text without case, accents, punctuation, articles and with numbers as digits."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    letters = "".join(
        c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c)
    )
    words = re.sub(r"[^\w\s]", " ", letters.replace("'", "")).split()
    return " ".join(_NUMBERS.get(word, word) for word in words if word not in _ARTICLES)
