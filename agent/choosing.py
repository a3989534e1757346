"""Multiple choice: which option a finding supports."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from reelgraph.agent.clauses import Pattern, read_clause
from reelgraph.agent.facts import Facts, Occurrence
from reelgraph.agent.finding import Finding
from reelgraph.agent.language import number, stem, tokens
from reelgraph.agent.matching import AT_ONCE_S, Unknown, matching
from reelgraph.agent.phrases import noun_phrase
from reelgraph.agent.question import Question
from reelgraph.agent.referents import places, rank_of, referents
from reelgraph.agent.support import Support, supports

__all__ = ["Choosing", "choose", "guess"]

_NONE = re.compile(r"^(?:none|nobody|no one|nothing|neither)\b")
_ALL = re.compile(r"^(?:all|both|every)\b")
_FUNCTION = frozenset(
    ["a", "an", "the", "of", "to", "in", "on", "at", "and", "is", "are", "it", "with", "his", "her"]
)


@dataclass(frozen=True)
class Choosing:
    """An option with what speaks for it.

    Attributes:
        index: The option.
        score: How far the finding supports it, 0 for not at all.
        shown_by: The occurrence that the option describes, where that is what decided.
    """

    index: int
    score: float
    shown_by: Occurrence | None = None


def choose(question: Question, finding: Finding, facts: Facts) -> Choosing | None:
    """Return the option that a finding supports best, or None if none is supported."""
    if finding.status == "unknown":
        return None
    judged = [_judge(i, question, finding, facts) for i in range(len(question.choices))]
    best = max(judged, key=lambda option: (option.score, -option.index))
    return best if best.score > 0 else None


def _judge(index: int, question: Question, finding: Finding, facts: Facts) -> Choosing:
    option = question.choices[index].lower()
    counted = question.asked in {"how many", "how often", "how long", "when", "gap"}
    if counted and finding.value is not None:
        return Choosing(index, _number_score(option, finding))
    if question.asked == "yes or no" and tokens(option)[:1] in (["yes"], ["no"]):
        return Choosing(index, float(tokens(option)[0] == finding.status))
    if question.asked == "entity":
        return Choosing(index, _entity_score(option, question, finding, facts))
    if question.asked == "attribute":
        return Choosing(index, _attribute_score(option, finding, facts))
    return _judge_event(index, option, question, finding, facts)


def _number_score(option: str, finding: Finding) -> float:
    """Return 1 for the same number, less for one that is only near."""
    values = [float(v) for w in tokens(option) if (v := _value(w)) is not None]
    if not values:
        return float(finding.value == 0 and bool(_NONE.match(option)))
    off = min(abs(value - (finding.value or 0.0)) for value in values)
    whole = finding.value == int(finding.value or 0) and all(v == int(v) for v in values)
    if len(values) == 2 and min(values) <= (finding.value or 0.0) <= max(values):
        return 1.0
    return 1.0 if off == 0 else 0.0 if whole else 1 / (1 + off)


def _value(word: str) -> float | None:
    if re.fullmatch(r"\d+\.\d+", word):
        return float(word)
    return number(word)


def _entity_score(option: str, question: Question, finding: Finding, facts: Facts) -> float:
    """Compare the objects that answer with the objects that the option names."""
    answer = set(finding.entities)
    if _NONE.match(option):
        return 0.8 * (not answer)
    pool = _pool(question, facts) | answer
    if _ALL.match(option):
        return 0.9 * (len(answer) > 1 and answer == pool)
    if not answer:
        return 0.0
    named = [_named(part, pool, facts) for part in re.split(r"\band\b|,", option) if part.strip()]
    if len(named) > 1:
        everyone = set().union(*named)
        return 0.95 * (all(group & answer for group in named) and answer <= everyone)
    return len(named[0] & answer) / len(named[0] | answer) if named and named[0] else 0.0


def _pool(question: Question, facts: Facts) -> set[int]:
    """Return the objects among which the question asks."""
    role = question.pattern.asked
    ref = question.pattern.refs.get(role) if role else None
    return set(referents(ref, facts)) if ref else set()


def _named(option: str, pool: set[int], facts: Facts) -> set[int]:
    """Return the objects of the pool that an option names by place, label or attribute."""
    ref = noun_phrase(tokens(option), facts.vocabulary())
    if ref is None or ref.unknown:
        return set()
    if ref.rank is not None:
        layers = places(pool, facts)
        return {i for i in pool if rank_of(i, layers) == ref.rank}
    if ref.anything and not ref.people:
        return set()
    return set(referents(ref, facts))


def _attribute_score(option: str, finding: Finding, facts: Facts) -> float:
    traits = {
        stem(w) for i in finding.entities for a in facts.objects[i]["attributes"] for w in tokens(a)
    }
    wanted = _content(option)
    return len(wanted & traits) / len(wanted) if wanted else 0.0


def _judge_event(
    index: int, option: str, question: Question, finding: Finding, facts: Facts
) -> Choosing:
    """Prefer the option that happens, and of several the one that happens soonest."""
    pool = finding.pool or finding.occurrences
    pattern = read_clause(tokens(option), facts.vocabulary())
    told = _matches(pattern, question, facts)
    for place, occurrence in enumerate(pool):
        if occurrence.cite in told:
            return Choosing(index, 1.0 - place / (2 * len(pool)), occurrence)
    return Choosing(index, 0.0)


def _matches(pattern: Pattern, question: Question, facts: Facts) -> set[str]:
    """Return what an option's clause describes; counts in it must be reached at once."""
    if not pattern.predicates or pattern.negated:
        return set()
    try:
        found = matching(pattern, facts)
        if subject := question.pattern.subject:
            ids = referents(subject, facts)
            found = [o for o in found if pattern.subject or o.subject in ids or not ids]
    except Unknown:
        return set()
    least = max((ref.count or 1 for ref in pattern.refs.values()), default=1)
    return {o.cite for o in found if _at_once(o, found) >= least}


def _at_once(occurrence: Occurrence, found: Sequence[Occurrence]) -> int:
    """Return how many occurrences happen at once with one of them, itself included."""
    span = occurrence.span
    near = (
        o.span.start < span.end + AT_ONCE_S and span.start < o.span.end + AT_ONCE_S for o in found
    )
    return sum(near)


def guess(question: Question, facts: Facts) -> tuple[Support, float]:
    """Return the option that fits best what the graph holds, and how likely that is.

    Used only where the caller allows unsupported answers; the first of equals.
    """
    found = supports(question.text, question.choices, facts)
    best = max(found, key=lambda support: (support.score, -support.index))
    return best, 1 / sum(math.exp(support.score - best.score) for support in found)


def _content(text: str) -> set[str]:
    return {stem(w) for w in tokens(text) if w not in _FUNCTION and w != ","}
