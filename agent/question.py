"""Questions as typed intents: what is asked, of which relation, in which time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from reelgraph.agent.clauses import Pattern, read_clause
from reelgraph.agent.language import ORDINALS, TimePhrase, stem, take_times, tokens, word_set
from reelgraph.agent.verbs import verb
from reelgraph.agent.vocabulary import ANYTHING, Vocabulary

__all__ = ["Anchor", "Asked", "Question", "parse_question"]

Asked: TypeAlias = Literal[
    "entity",
    "event",
    "when",
    "where",
    "how long",
    "how many",
    "how often",
    "yes or no",
    "attribute",
    "why",
    "how",
    "describe",
]
"""What sort of thing the answer is; an event is ``what happens`` or ``what does X do``."""

Connective: TypeAlias = Literal["before", "after", "while"]

_CONNECTIVES: dict[str, Connective] = {
    "before": "before",
    "until": "before",
    "after": "after",
    "since": "after",
    "once": "after",
    "while": "while",
    "whilst": "while",
    "when": "while",
    "as": "while",
    "during": "while",
}
_NEAR = frozenset({"right", "just", "immediately", "shortly", "directly", "next", "soon"})
_QUESTION = word_set("who whom whose what which when where why how")
_INVERTED = word_set("is are was were do does did can could has have had will would")
_ORD = "|".join(ORDINALS)
_INFINITIVE = re.compile(
    rf"(?:\b(?:is|was|are|were) )?(?:\bthe )?\b({_ORD})(?: (?!time\b)(\w+))? to (be |get )?"
)
_RELATIVE = re.compile(
    rf"^(what|which|who) (?:is|was|are|were) the ({_ORD}) (\w+) (that |which |who )?"
)
_EXTREMES = {
    "max": r"\b(?:the )?(?:most|maximum|largest|highest|greatest|max)(?: number of)?\b|\bat most\b",
    "min": r"\b(?:the )?(?:fewest|minimum|smallest|lowest|least|min)(?: number of)?\b",
}


@dataclass(frozen=True)
class Anchor:
    """A subordinate clause that restricts when: ``after person 1 holds the ball``."""

    relation: Connective
    pattern: Pattern


@dataclass(frozen=True)
class Question:
    """A question, read.

    Attributes:
        text: As it was asked.
        asked: What sort of answer it wants.
        pattern: What its main clause is about.
        anchor: The clause that says when, or None.
        time: The time it names, or None.
        extreme: ``"max"`` or ``"min"`` for ``the smallest number of``.
        choices: The options of a multiple-choice question.
    """

    text: str
    asked: Asked
    pattern: Pattern
    anchor: Anchor | None = None
    time: TimePhrase | None = None
    extreme: Literal["max", "min"] | None = None
    choices: tuple[str, ...] = ()


def parse_question(text: str, vocabulary: Vocabulary, choices: Sequence[str] = ()) -> Question:
    """Read a question with the words of one graph.

    Args:
        text: The question in English.
        vocabulary: The graph's labels, attributes and predicates.
        choices: The options, if it is multiple choice.
    """
    rest, time = take_times(text.lower())
    rest, ordinal = _unwrap(" ".join(rest.split()))
    rest, extreme = _take_extreme(rest)
    main, anchor_words, relation = _split(tokens(rest))
    asked, clause = _kind(main)
    if extreme and asked == "entity":
        asked = "how many"
    pattern = _pattern(asked, clause, vocabulary, ordinal)
    anchor = None
    if relation:
        anchor = Anchor(relation, _anchor(anchor_words, vocabulary))
    return Question(text, asked, pattern, anchor, time, extreme, tuple(choices))


def _unwrap(text: str) -> tuple[str, int | None]:
    """Undo ``is the last one to be taken`` and ``what is the first thing she holds``."""
    if found := _INFINITIVE.search(text):
        be = " is " if found[3] else " "
        noun = f" {found[2]}" if found[2] and text.startswith("who") is False else ""
        noun = "" if noun.strip() in ANYTHING or not _leads(text, found.start()) else noun
        return f"{text[: found.start()]}{noun}{be}{text[found.end() :]}", ORDINALS[found[1]]
    if (found := _RELATIVE.search(text)) and text[found.end() :].split():
        rest = text[found.end() :]
        does = "" if verb(rest.split()[0]) else "does "
        return f"what {found[3]} {does}{rest}", ORDINALS[found[2]]
    return text, None


def _leads(text: str, end: int) -> bool:
    """Return whether only a bare question word precedes, so that the noun must be kept."""
    return text[:end].strip() in {"what", "which"}


def _take_extreme(text: str) -> tuple[str, Literal["max", "min"] | None]:
    for name, pattern in _EXTREMES.items():
        if re.search(pattern, text):
            rest = re.sub(rf"^what (?:is|was) (?=.*(?:{pattern}))", "how many ", text)
            rest = re.sub(
                r"\bat (?:any|the same|one|some) (?:one )?(?:time|moment|point)\b", "", rest
            )
            rest = re.sub(rf"(?:{pattern})|\bhow many of\b", "", rest)
            return rest if rest.startswith("how many") else f"how many {rest}", (
                "max" if name == "max" else "min"
            )
    if re.search(r"^how many\b.*\bat the same time\b", text):
        return text.replace("at the same time", ""), "max"
    return text, None


def _split(words: list[str]) -> tuple[list[str], list[str], Connective | None]:
    """Split a question at its connective into the main clause and the clause that says when."""
    for index, word in enumerate(words):
        if word not in _CONNECTIVES or _is_question_word(words, index):
            continue
        if index == 0 or (index == 1 and words[0] in _NEAR):
            return _leading(words, index)
        main = words[:index]
        while main and main[-1] in _NEAR | {","}:
            main.pop()
        return main, words[index + 1 :], _CONNECTIVES[word] if words[index + 1 :] else None
    return words, [], None


def _is_question_word(words: list[str], index: int) -> bool:
    """Return whether ``when`` at the start asks rather than connects."""
    return words[index] == "when" and index == 0 and "," not in words and _asks(words[1:])


def _asks(words: list[str]) -> bool:
    return not words or words[0] in _INVERTED


def _leading(words: list[str], index: int) -> tuple[list[str], list[str], Connective | None]:
    """Split ``after X, who does Y``; without a comma at the next question word."""
    rest = words[index + 1 :]
    ends = [i for i, w in enumerate(rest) if w == ","]
    ends = ends or [i for i, w in enumerate(rest) if i and w in _QUESTION]
    ends = ends or [i for i, w in enumerate(rest) if i > 1 and w in {"does", "did", "do"}]
    if not ends:
        return words, [], None
    main = [w for w in rest[ends[-1] :] if w != ","]
    return main, [w for w in rest[: ends[-1]] if w != ","], _CONNECTIVES[words[index]]


def _kind(words: list[str]) -> tuple[Asked, list[str]]:
    """Return what a main clause asks, and the clause without the words that say so."""
    words = [w for w in words if w != ","]
    if words[:1] and words[0] in {"to", "from", "by"} and words[1:2] and words[1] in _QUESTION:
        words = [*words[1:], words[0]]
    if "how" in words[1:3] or "what" in words[1:3] or "who" in words[1:3]:
        start = next(i for i, w in enumerate(words) if w in _QUESTION)
        words = words[start:] if words[0] in {"and", "so", "in", "at", "to", "then"} else words
    text = " ".join(words)
    for asked, pattern in _OPENINGS:
        if found := re.match(pattern, text):
            return asked, text[found.end() :].split()
    if words and words[0] in {"who", "whom", "whose", "what", "which"}:
        return "entity", words
    if words and words[0] in _INVERTED:
        return "yes or no", words
    return "describe", words


_OPENINGS: tuple[tuple[Asked, str], ...] = (
    ("how often", r"how (?:many times|often)\b"),
    ("how many", r"how many\b"),
    ("how long", r"(?:for )?how (?:long|much time|many seconds)\b"),
    ("when", r"(?:when|(?:at )?(?:what|which) (?:time|second|moment))\b"),
    ("where", r"where\b"),
    ("why", r"(?:why|how come|for what reason|what (?:is|was) the (?:reason|purpose))\b"),
    ("attribute", r"(?:what|which) colou?r (?:is|are|was|were)\b"),
    ("attribute", r"what (?:is|are|was|were) (?=.*\bwearing\b)"),
    ("attribute", r"what (?:does|do|did) (?=.* look like\b)"),
    (
        "event",
        r"what (?:happens|happened|is happening|was happening|is going on|takes place|occurs)\b",
    ),
    ("event", r"what (?:else )?(?:does|do|did|is|are|was|were) (?=.*\b(?:do|doing)\b)"),
    ("describe", r"(?:what (?:is|are) (?:in|there|on) |what can be seen|describe|summari[sz]e)"),
    ("how", r"how\b"),
)


def _pattern(
    asked: Asked, words: list[str], vocabulary: Vocabulary, ordinal: int | None
) -> Pattern:
    """Read the main clause in the way that its kind needs."""
    if asked == "event":
        words = [w for w in words if w not in {"do", "doing", "with", "next", "then", "to"}]
    if asked == "how many":
        pattern = read_clause(["many", *words], vocabulary, asked=True)
    elif asked in {"entity"}:
        pattern = read_clause(words, vocabulary, asked=True)
    else:
        pattern = read_clause([w for w in words if stem(w) != "color"], vocabulary)
    return pattern if ordinal is None else replace(pattern, ordinal=ordinal)


def _anchor(words: list[str], vocabulary: Vocabulary) -> Pattern:
    return read_clause(words, vocabulary)
