"""Questions as typed intents: what is asked, of which relation, in which time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, TypeAlias

from reelgraph.agent.alternatives import (
    Measure,
    Order,
    first_of,
    gap_of,
    split_and,
    split_or,
    take_measure,
)
from reelgraph.agent.clauses import Pattern, read_clause
from reelgraph.agent.language import ORDINALS, TimePhrase, stem, take_times, tokens, word_set
from reelgraph.agent.phrases import noun_phrase
from reelgraph.agent.relatives import Relative, take_relatives
from reelgraph.agent.rewording import reworded
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
    "order",
    "gap",
    "either",
]
"""What sort of thing the answer is.

An event is ``what happens`` or ``what does X do``; an order is which of several comes
first; a gap is how far two of them lie apart; either is a choice between two.
"""

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
_DO = word_set("do doing next then else afterwards subsequently")
_THAT = {("that",), ("this",), ("it",)}
_NEXT = word_set("next afterwards then subsequently")
_LATER = word_set("then later afterwards subsequently")
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
        anchors: The clauses that say when, as in ``after X and before Y``.
        among: The clauses that a comparison is made between, if it is one.
        order: Which of them is asked for, or None.
        measure: ``who ... the longest``: by what the answer stands out, or None.
        also: Clauses that must be true of the answer as well (``and throws it``).
        then: Whether those come later.
        relatives: Clauses that say which object is meant, in the order of their names.
        time: The time it names, or None.
        extreme: ``"max"`` or ``"min"`` for ``the smallest number of``.
        choices: The options of a multiple-choice question.
    """

    text: str
    asked: Asked
    pattern: Pattern
    anchors: tuple[Anchor, ...] = ()
    among: tuple[Pattern, ...] = ()
    order: Order | None = None
    measure: Measure | None = None
    also: tuple[Pattern, ...] = ()
    then: bool = False
    relatives: tuple[Relative, ...] = ()
    time: TimePhrase | None = None
    extreme: Literal["max", "min"] | None = None
    choices: tuple[str, ...] = ()

    @property
    def anchor(self) -> Anchor | None:
        """The first clause that says when, or None."""
        return self.anchors[0] if self.anchors else None

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """Every clause of the question."""
        anchors = (anchor.pattern for anchor in self.anchors)
        relatives = (relative.pattern for relative in self.relatives)
        return (self.pattern, *anchors, *self.among, *self.also, *relatives)


def parse_question(text: str, vocabulary: Vocabulary, choices: Sequence[str] = ()) -> Question:
    """Read a question with the words of one graph; the last few are kept.

    Args:
        text: The question in English.
        vocabulary: The graph's labels, attributes and predicates.
        choices: The options, if it is multiple choice.
    """
    return _parsed(text, vocabulary, tuple(choices))


@lru_cache(maxsize=64)
def _parsed(text: str, vocabulary: Vocabulary, choices: tuple[str, ...]) -> Question:
    rest, time = take_times(reworded(text))
    rest = " ".join(rest.split())
    if compared := _comparison(rest, vocabulary):
        return replace(compared, text=text, time=time, choices=choices)
    until, rest = _until_when(rest)
    rest, measure = take_measure(rest)
    rest, ordinal = _unwrap(rest)
    rest, extreme = _take_extreme(rest) if measure is None else (rest, None)
    words, relatives = take_relatives(tokens(rest), vocabulary)
    main, anchors = _anchors(words, vocabulary)
    asked, clause = _kind(main)
    if extreme and asked == "entity":
        asked = "how many"
    question = Question(
        text,
        asked,
        Pattern(),
        anchors,
        measure=measure,
        relatives=relatives,
        time=time,
        extreme=extreme,
        choices=choices,
    )
    question = _with_clauses(question, clause, vocabulary, ordinal)
    if until:
        question = replace(question, pattern=replace(question.pattern, aspect="end"))
    return _after_relative(question, words)


def _until_when(text: str) -> tuple[bool, str]:
    """Take ``until`` off ``until when does it last``."""
    plain = re.sub(r"^(?:until|till|up to) (?=when\b)", "", text)
    return plain != text, plain


def _after_relative(question: Question, words: Sequence[str]) -> Question:
    """Let ``what does the one who catches it do next`` mean after the catch."""
    if not question.relatives:
        return question
    pattern = replace(question.relatives[0].pattern, asked=None)
    if len(question.anchors) == 1 and question.anchors[0].pattern.words in _THAT:
        return replace(question, anchors=(Anchor(question.anchors[0].relation, pattern),))
    if question.anchors or not _NEXT & set(words):
        return question
    return replace(question, anchors=(Anchor("after", pattern),))


def _comparison(text: str, vocabulary: Vocabulary) -> Question | None:
    """Read a question about the order or the distance of several events."""
    if ordered := first_of(text, vocabulary):
        order, patterns = ordered
        return Question(text, "order", Pattern(), among=patterns, order=order)
    if apart := gap_of(text, vocabulary):
        return Question(text, "gap", Pattern(), among=apart)
    return None


def _with_clauses(
    question: Question, clause: list[str], vocabulary: Vocabulary, ordinal: int | None
) -> Question:
    """Read the main clause, alone or as several that are joined by ``and`` or ``or``."""
    asked = question.asked
    if asked == "yes or no" and question.measure and "than" in clause:
        return _longer_than(question, clause, vocabulary)
    if asked == "entity" and "or" in clause and "," in clause:
        at = clause.index(",")
        groups = _either(clause[at + 1 :], vocabulary)
        pattern = _pattern(asked, clause[:at], vocabulary, ordinal)
        return replace(question, pattern=pattern, among=groups)
    clause = [w for w in clause if w != ","]
    if asked == "yes or no" and len(either := split_or(clause)) > 1:
        among = tuple(_pattern(asked, words, vocabulary, ordinal) for words in either)
        return replace(question, asked="either", pattern=among[0], among=among)
    first, *more = split_and(clause, vocabulary) if asked in {"yes or no", "entity"} else [clause]
    patterns = [_pattern(asked, words, vocabulary, ordinal) for words in (first, *more)]
    patterns = _shared(patterns)
    then = any(w in _LATER for w in clause)
    return replace(question, pattern=patterns[0], also=tuple(patterns[1:]), then=then)


def _shared(patterns: list[Pattern]) -> list[Pattern]:
    """Let ``throws and catches the ball`` mean the ball in both clauses."""
    given = next((p.object for p in patterns if p.object and not p.object.anything), None)
    role = patterns[0].asked
    if given is None or role == "object":
        return patterns
    return [
        replace(p, object=given) if p.object is None and len(patterns) > 1 else p for p in patterns
    ]


def _either(words: list[str], vocabulary: Vocabulary) -> tuple[Pattern, ...]:
    """Read ``the boy or the girl`` at the end of a question."""
    parts = " ".join(words).split(" or ")
    refs = [noun_phrase(part.replace(",", " ").split(), vocabulary) for part in parts]
    return tuple(Pattern(subject=ref) for ref in refs)


def _longer_than(question: Question, clause: list[str], vocabulary: Vocabulary) -> Question:
    """Read ``does A hold it longer than B`` as two clauses."""
    at = clause.index("than")
    first = read_clause([w for w in clause[:at] if w != ","], vocabulary)
    other = noun_phrase([w for w in clause[at + 1 :] if w not in _INVERTED], vocabulary)
    return replace(question, pattern=first, among=(first, replace(first, subject=other)))


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


def _anchors(words: list[str], vocabulary: Vocabulary) -> tuple[list[str], tuple[Anchor, ...]]:
    """Split a question into its main clause and the clauses that say when."""
    if between := _between(words, vocabulary):
        main, first, last = between
        clauses: list[tuple[Connective, list[str]]] = [("after", first), ("before", last)]
    else:
        main, rest, relation = _split(words)
        clauses = []
        while relation:
            rest, more, following = _split(rest) if rest[:1] else (rest, [], None)
            clauses.append((relation, _without_joint(rest)))
            rest, relation = more, following
    return main, tuple(Anchor(r, read_clause(w, vocabulary)) for r, w in clauses)


def _without_joint(words: list[str]) -> list[str]:
    """Drop ``and`` or ``but`` before the next clause that says when."""
    while words and words[-1] in {"and", "but", ","}:
        words = words[:-1]
    return words


def _between(
    words: list[str], vocabulary: Vocabulary
) -> tuple[list[str], list[str], list[str]] | None:
    """Split ``what happens between the throw and the catch``; None for a place between things."""
    if "between" not in words or "and" not in words[words.index("between") :]:
        return None
    at = words.index("between")
    joint = words.index("and", at)
    end = words.index(",", joint) if at == 0 and "," in words[joint:] else len(words)
    first, last = words[at + 1 : joint], words[joint + 1 : end]
    if all(read_clause(part, vocabulary).sense for part in (first, last)):
        return words[:at] or words[end + 1 :], first, last
    return None


def _split(words: list[str]) -> tuple[list[str], list[str], Connective | None]:
    """Split a question at its connective into the main clause and the clause that says when."""
    for index, word in enumerate(words):
        if word not in _CONNECTIVES or _is_question_word(words, index):
            continue
        if word == "once" and words[index - 1 : index] == ["at"]:
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
    if "or" not in words:
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
    ("describe", r"(?:what (?:is|are) (?:in|there) |what can be seen|describe|summari[sz]e)"),
    ("describe", r"what (?:is|are) on (?:the |this )?(?:video|clip|picture|screen|image|frame)\b"),
    ("how", r"how\b"),
)


def _pattern(
    asked: Asked, words: list[str], vocabulary: Vocabulary, ordinal: int | None
) -> Pattern:
    """Read the main clause in the way that its kind needs."""
    if asked == "event":
        pattern = _doing(words, vocabulary)
    elif asked == "how many":
        pattern = read_clause(["many", *words], vocabulary, asked=True)
        if words[-1:] and words[-1] in {"do", "doing", "done"}:
            pattern = replace(pattern, unread=(words[-1],))
    elif asked in {"entity"}:
        pattern = read_clause(words, vocabulary, asked=True)
    else:
        pattern = read_clause([w for w in words if stem(w) != "color"], vocabulary)
    return pattern if ordinal is None else replace(pattern, ordinal=ordinal)


def _doing(words: list[str], vocabulary: Vocabulary) -> Pattern:
    """Read ``what does X do with Y`` and ``what happens to Y``: who acts, and on what."""
    at = next((i for i, w in enumerate(words) if w in {"with", "to"}), len(words))
    head = [w for w in words[:at] if w not in _DO]
    pattern = read_clause(head, vocabulary)
    other = noun_phrase([w for w in words[at + 1 :] if w not in _DO], vocabulary)
    ordinal = next((ORDINALS[w] for w in words if w in ORDINALS), None)
    if other is not None and other.ordinal is not None and other.labels == frozenset():
        other = None
    if pattern.ordinal is None and words[-1:] and words[-1] in ORDINALS:
        pattern = replace(pattern, ordinal=ordinal)
    return pattern if other is None else replace(pattern, object=other)
