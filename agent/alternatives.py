"""Alternatives: ``the boy or the girl``, and two things of which one comes first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, TypeAlias

from reelgraph.agent.clauses import Pattern, read_clause
from reelgraph.agent.language import word_set
from reelgraph.agent.verbs import verb
from reelgraph.agent.vocabulary import Vocabulary

__all__ = ["Measure", "Order", "first_of", "gap_of", "split_and", "split_or", "take_measure"]

Order: TypeAlias = Literal["first", "last", "longest", "shortest"]
Measure: TypeAlias = Literal["longest", "shortest", "most often", "least often"]

_ORDERED = re.compile(
    r"^(?:what|which)(?: event| thing| of these| one)?(?: (?:of these|of the two))?"
    r" (?:happens|happened|happen|comes|came|is|was|occurs|occurred|takes place) "
    r"(?P<order>first|earlier|sooner|before|last|later)\b[, ]*(?P<rest>.+)$"
)
_BEFORE_OR_AFTER = re.compile(
    r"^(?:does|do|did|is|was|are|were) (?P<one>.+?) "
    r"(?:before or after|after or before) (?P<other>.+)$"
)
_LASTING = re.compile(
    r"^(?:what|which)(?: event| thing| of these| one)? (?:takes?|took|lasts?|lasted|is|was) "
    r"(?:the )?(?P<order>longer|longest|shorter|shortest)\b[, ]*(?P<rest>.+)$"
)
_ORDERS: dict[str, Order] = {
    "last": "last",
    "later": "last",
    "longer": "longest",
    "longest": "longest",
    "shorter": "shortest",
    "shortest": "shortest",
}
_BETWEEN = re.compile(r"^how (?:much time|long)\b.*?\bbetween (?P<first>.+?) and (?P<last>.+)$")
_APART = re.compile(
    r"^how (?:much time|long|soon|much later|much earlier) (?:after|before) (?P<first>.+?) "
    r"(?P<last>(?:does|do|did|is|was|are|were) .+)$"
)
_MEASURES: tuple[tuple[str, Measure], ...] = (
    (r"\b(?:for )?(?:the )?(?:longest|most) time\b|\b(?:the |for the )?longest\b", "longest"),
    (r"\b(?:for )?(?:the )?(?:shortest|least) time\b|\b(?:the |for the )?shortest\b", "shortest"),
    (r"\b(?:the )?most (?:often|frequently|times)\b", "most often"),
    (r"\b(?:the )?(?:least often|fewest times|least frequently)\b", "least often"),
    (r"\blonger\b", "longest"),
    (r"\b(?:shorter|less long)\b", "shortest"),
    (r"\bmore (?:often|times|frequently)\b", "most often"),
    (r"\bless often\b", "least often"),
)
_AUX = word_set("does did do is was are were has have")
_LATER = word_set("then later afterwards also")
_ARTICLES = word_set("the a an person")


def first_of(text: str, vocabulary: Vocabulary) -> tuple[Order, tuple[Pattern, ...]] | None:
    """Read ``what happens first, A or B``; None if the question is another one.

    Args:
        text: The question, reworded.
        vocabulary: The graph's words.
    """
    plain = text.strip(" ?.")
    if found := _BEFORE_OR_AFTER.match(plain):
        parts = [found["one"], found["other"]]
        return "first", tuple(read_clause(_clause(p), vocabulary) for p in parts)
    found = _ORDERED.match(plain) or _LASTING.match(plain)
    if found is None:
        return None
    parts = [p for p in re.split(r"\s*,?\s*\bor\b\s*|\s*,\s*", found["rest"]) if p.strip()]
    if len(parts) < 2:
        return None
    order: Order = _ORDERS.get(found["order"], "first")
    return order, tuple(read_clause(_clause(p), vocabulary) for p in parts)


def gap_of(text: str, vocabulary: Vocabulary) -> tuple[Pattern, ...] | None:
    """Read ``how much time passes between A and B`` and ``how long after A does B``.

    Args:
        text: The question, reworded.
        vocabulary: The graph's words.

    Returns:
        The two clauses, or None if the question is another one.
    """
    plain = text.strip(" ?.")
    if (found := _BETWEEN.match(plain)) or (found := _APART.match(plain)):
        parts = (found["first"], found["last"])
    else:
        return None
    return tuple(read_clause(_clause(part), vocabulary) for part in parts)


def _clause(part: str) -> list[str]:
    """Return the words of a clause, with the auxiliary that asks left out."""
    words = re.findall(r"#?[a-z0-9]+", part)
    return words[1:] if words and words[0] in _AUX - {"is", "was", "are", "were"} else words


def take_measure(text: str) -> tuple[str, Measure | None]:
    """Split ``the longest`` and its like off a question."""
    for pattern, name in _MEASURES:
        if re.search(pattern, text):
            return " ".join(re.sub(pattern, " ", text, count=1).split()), name
    return text, None


def split_or(words: Sequence[str]) -> list[list[str]]:
    """Return a clause with ``the boy or the girl`` as one clause for each of them."""
    return _split(words, "or")


def split_and(words: Sequence[str], vocabulary: Vocabulary) -> list[list[str]]:
    """Return clauses joined by ``and``: of two objects, or of two verbs with one subject.

    Args:
        words: The clause, e.g. ``who throws the ball and catches it``.
        vocabulary: The graph's words.
    """
    plain = ["and" if w == "but" else w for w in words if w not in {"both", ","}]
    if "and" not in plain[1:-1]:
        return [plain]
    at = plain.index("and", 1)
    after = at + 1
    while after < len(plain) - 1 and plain[after] in _LATER | _AUX | {"never", "not"}:
        after += 1
    if _is_verb(plain[after], vocabulary) and _has_verb(plain[1:at], vocabulary):
        head = _subject(plain, vocabulary)
        never = [w for w in plain[at + 1 : after] if w in {"never", "not"}]
        return [plain[:at], *split_and([*head, *never, *plain[after:]], vocabulary)]
    return _split(plain, "and")


def _subject(words: Sequence[str], vocabulary: Vocabulary) -> list[str]:
    """Return what stands before the first verb of a clause."""
    at = next(i for i, w in enumerate(words) if i and _is_verb(w, vocabulary))
    return list(words[:at])


def _is_verb(word: str, vocabulary: Vocabulary) -> bool:
    known = verb(word) is not None or vocabulary.has_head(word)
    return known and word not in _AUX and not vocabulary.is_noun(word)


def _has_verb(words: Sequence[str], vocabulary: Vocabulary) -> bool:
    return any(_is_verb(word, vocabulary) for word in words)


def _split(words: Sequence[str], joint: str) -> list[list[str]]:
    """Return one clause for each of the noun phrases that a word joins."""
    if joint not in words[1:-1]:
        return [list(words)]
    at = words.index(joint, 1)
    start = at - 1
    if words[at + 1] in _ARTICLES:
        start = next((i for i in range(at - 1, 0, -1) if words[i] in {"the", "a", "an"}), start)
    end = next((i for i in range(at + 2, len(words)) if not _goes_on(words, i)), len(words))
    first = [*words[:at], *words[end:]]
    return [first, *_split([*words[:start], *words[at + 1 :]], joint)]


def _goes_on(words: Sequence[str], index: int) -> bool:
    """Return whether a word still belongs to the noun phrase after ``or``."""
    return words[index - 1] in _ARTICLES or words[index].isdigit()
