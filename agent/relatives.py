"""Relative clauses: ``the person who catches the ball`` is read apart and stands as one name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reelgraph.agent.clauses import Pattern, read_clause
from reelgraph.agent.language import NUMBERS, stem, word_set
from reelgraph.agent.phrases import RELATIVE
from reelgraph.agent.verbs import spatial, verb
from reelgraph.agent.vocabulary import ANYONE, ANYTHING, Vocabulary

__all__ = ["Relative", "take_relatives"]

MOST = 3
"""A question with more relative clauses is read without the last of them."""

_PRONOUNS = word_set("who that which whom")
_STOPS = word_set("before after while when until since once , and or")
_AUX = word_set("is are was were does did do has have had")
_ENDS = word_set("do doing first last")
_NAMES = {value: word for word, value in reversed(NUMBERS.items()) if value > 0}


@dataclass(frozen=True)
class Relative:
    """A relative clause.

    Attributes:
        pattern: What it says; its asked role is what the clause singles out.
        words: The clause as it was written, with its noun.
    """

    pattern: Pattern
    words: tuple[str, ...]


def take_relatives(
    words: Sequence[str], vocabulary: Vocabulary
) -> tuple[list[str], tuple[Relative, ...]]:
    """Replace each relative clause of a question by a name that stands for it.

    Args:
        words: The question's tokens.
        vocabulary: The graph's words.
    """
    rest = list(words)
    found: list[Relative] = []
    while len(found) < MOST:
        at = _pronoun(rest, vocabulary)
        if at is None:
            break
        start, end = _noun_start(rest, at), _end(rest, at, vocabulary)
        noun = [w for w in rest[start:at] if w not in {"the", "a", "an"}]
        clause = rest[at + 1 : end]
        subject_asked = not _has_own_subject(clause, vocabulary)
        pattern = _read(noun, clause, vocabulary, subject_asked=subject_asked)
        found.append(Relative(pattern, tuple(rest[start:end])))
        name = f"{RELATIVE}{_NAMES[len(found)]}"
        rest = [*rest[:start], "the", *_kept(noun), name, *rest[end:]]
    return rest, tuple(found)


def _kept(noun: Sequence[str]) -> list[str]:
    """Return the noun itself: the name narrows it."""
    return [w for w in noun if w not in ANYTHING | ANYONE]


def _pronoun(words: Sequence[str], vocabulary: Vocabulary) -> int | None:
    """Return where the first relative pronoun stands: after a noun, before a verb."""
    for at in range(1, len(words) - 1):
        before = words[at - 1]
        noun = vocabulary.is_noun(before) or before in ANYTHING | ANYONE or before.isdigit()
        asks = before in {"what", "which", "who", "whom"}
        told = _verbs(words[at + 1 :], vocabulary) or spatial(list(words), at + 1)
        if words[at] in _PRONOUNS and noun and not asks and told:
            return at
    return None


def _noun_start(words: Sequence[str], at: int) -> int:
    """Return where the noun phrase before a relative pronoun starts."""
    for start in range(at - 1, -1, -1):
        if words[start] in {"the", "a", "an"}:
            return start
    return at - 1


def _verbs(words: Sequence[str], vocabulary: Vocabulary) -> list[int]:
    """Return where verbs stand, each group of words that may be one counted once."""
    found: list[int] = []
    for index, word in enumerate(words):
        after_article = index > 0 and words[index - 1] in {"the", "a", "an", "first", "last"}
        if word in _AUX or after_article or (vocabulary.is_noun(word) and not verb(word)):
            continue
        if verb(word) or vocabulary.has_head(word):
            found.append(index)
    return found


def _end(words: Sequence[str], at: int, vocabulary: Vocabulary) -> int:
    """Return where a relative clause ends: before a connective, or before the main verb."""
    stop = next((i for i in range(at + 1, len(words)) if words[i] in _STOPS), len(words))
    main = _verbs(words[:at], vocabulary)
    if main:
        return stop
    inside = _verbs(words[at + 1 : stop], vocabulary)
    later = [at + 1 + i for i in inside[1:]]
    later += [i for i in range(at + 2, stop) if words[i] in _ENDS | _AUX and _bare(words, i)]
    if place := spatial(list(words[:stop]), at + 2):
        later += [place[0]] if not later else []
    return min(later, default=stop)


def _bare(words: Sequence[str], index: int) -> bool:
    """Return whether ``do`` or ``is`` opens the rest of the question."""
    return words[index] in _ENDS or words[index - 1] not in _PRONOUNS


def _has_own_subject(clause: Sequence[str], vocabulary: Vocabulary) -> bool:
    """Return whether a clause names who acts: ``that the woman puts down``."""
    verbs = _verbs(clause, vocabulary)
    head = [w for w in clause[: verbs[0] if verbs else 0] if w not in _AUX]
    return any(stem(w) for w in head if w not in {"never", "not", "first", "last", "also"})


def _read(
    noun: Sequence[str], clause: Sequence[str], vocabulary: Vocabulary, *, subject_asked: bool
) -> Pattern:
    """Read a clause as the question that it answers: ``which person catches the ball``."""
    people = any(w in ANYONE for w in noun)
    head = ["which", *_kept(noun)] if _kept(noun) else ["who" if people else "what"]
    if subject_asked:
        return read_clause([*head, *clause], vocabulary, asked=True)
    return read_clause([*head, "does", *clause], vocabulary, asked=True)
