"""From a typed question and facts to a finding: what is so, and what shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from reelgraph.agent.binding import bound
from reelgraph.agent.clauses import Pattern
from reelgraph.agent.facts import Facts, Occurrence
from reelgraph.agent.finding import Finding, unknown
from reelgraph.agent.happenings import event, where
from reelgraph.agent.language import tokens
from reelgraph.agent.manner import how, why
from reelgraph.agent.matching import (
    SLACK_S,
    Span,
    Unknown,
    anchored,
    in_time,
    matching,
    pick,
    spans,
    visible,
    window,
)
from reelgraph.agent.ordering import either, gap, longer_than, order, stand_out
from reelgraph.agent.phrases import Ref
from reelgraph.agent.question import Question
from reelgraph.agent.referents import places, referents, why_unresolved
from reelgraph.agent.rewording import reworded
from reelgraph.graph import intervals
from reelgraph.graph.schema import Interval

__all__ = ["solve"]


_SUPPOSED = frozenset(
    ["if", "would", "will", "should", "might", "may", "unless", "because", "suppose"]
)
"""Words that ask for more than what happens."""

_MUTUAL = frozenset({("each", "other"), ("one", "another")})

_EVERYONE = frozenset(["everybody", "everyone", "all", "every", "each"])


def solve(question: Question, facts: Facts) -> Finding:
    """Answer a question from facts; what they do not say is ``"unknown"``."""
    words = tokens(reworded(question.text))
    if _SUPPOSED & set(words):
        return unknown("the graph says what happens, not what would or should")
    if _MUTUAL & set(pairwise(words)):
        return unknown("the question asks for what several do to each other")
    try:
        question = bound(question, facts)
        finding = _SOLVERS[question.asked](question, facts)
        return _with_anchor(finding, question, facts)
    except Unknown as missing:
        return Finding("unknown", str(missing))


def _with_anchor(finding: Finding, question: Question, facts: Facts) -> Finding:
    """Return a finding with what its time was taken from."""
    counts = question.asked in {"how many", "how often"}
    if not question.anchors or counts or finding.status == "unknown" or finding.beside:
        return finding
    _, time = anchored(finding.occurrences, question, facts)
    own = {o.cite for o in finding.occurrences}
    beside = [o for o in (time.occurrences if time else ()) if o.cite not in own]
    return replace(finding, beside=tuple(beside[:1]))


def _found(question: Question, facts: Facts) -> list[Occurrence]:
    """Return the occurrences of the main clause in the asked time, ordinal applied."""
    found = in_time(matching(question.pattern, facts), question.time, facts.whole)
    found, _ = anchored(found, question, facts)
    ordinal = question.pattern.ordinal
    if ordinal is None:
        return found
    ordered = sorted(found, key=lambda o: o.span)
    chosen = pick([Span(o.span.start, o.span.end, (o,)) for o in ordered], ordinal)
    return [o for span in chosen for o in span.occurrences]


def _entity(question: Question, facts: Facts) -> Finding:
    pattern = question.pattern
    if pattern.unread:
        return unknown(f"the graph does not say anything about {' '.join(pattern.unread)!r}")
    if pattern.negated:
        return _never(question, facts)
    if visible(pattern) and "on" in pattern.words and _names_nothing(pattern):
        return unknown("the graph does not say what is on it")
    found = _found(question, facts)
    if question.measure:
        return stand_out(question, found, facts, question.measure)
    found, sure = _at_the_end(found, question, facts)
    if question.anchor and question.anchor.relation != "while" and pattern.ordinal is None:
        found = found[:1]
    role = pattern.asked or "subject"
    if pattern.repeats is not None:
        often = Counter(getattr(o, role) for o in found)
        found = [o for o in found if often[getattr(o, role)] == pattern.repeats]
    for clause in question.also:
        found = _joined(found, clause, question, facts)
    entities = tuple(dict.fromkeys(getattr(o, role) for o in found))
    if not entities:
        return Finding("no", _never_said(question), role=role)
    return Finding("yes", "", tuple(found), entities, role=role, confidence=sure)


def _at_the_end(
    found: list[Occurrence], question: Question, facts: Facts
) -> tuple[list[Occurrence], float]:
    """For ``at the end``, keep what lasts longest, or the last that there is; and how sure."""
    if question.time is None or question.time.where != "end":
        return found, 0.9
    if not found:
        return matching(question.pattern, facts)[-1:], 0.6
    if visible(question.pattern):
        return found, 0.9
    last = max(o.span.end for o in found)
    return [o for o in found if o.span.end >= last - 0.1], 0.9


def _names_nothing(pattern: Pattern) -> bool:
    return pattern.subject is None or (pattern.subject.anything and not pattern.subject.people)


def _joined(
    found: list[Occurrence], pattern: Pattern, question: Question, facts: Facts
) -> list[Occurrence]:
    """Keep those of whom another clause is true as well, and what shows that."""
    if pattern.unread or not pattern.sense:
        raise Unknown(f"the graph has no relation that means {' '.join(pattern.words)!r}")
    role, own = pattern.asked or "subject", question.pattern.asked or "subject"
    other = in_time(matching(replace(pattern, negated=False), facts), question.time, facts.whole)
    if pattern.negated:
        guilty = {getattr(o, role) for o in other}
        return [o for o in found if getattr(o, own) not in guilty]
    pairs = [
        (a, b)
        for a in found
        for b in other
        if getattr(a, own) == getattr(b, role)
        and (not question.then or b.span.start > a.span.start)
    ]
    return list({o.cite: o for pair in pairs for o in pair}.values())


def _never(question: Question, facts: Facts) -> Finding:
    """Answer ``which X never does Y``: those for which nothing says that they do."""
    pattern = replace(question.pattern, negated=False)
    if visible(pattern) and not (question.time or question.anchors):
        return unknown("the graph says what happens, not all that does not")
    role = pattern.asked or "subject"
    asked = pattern.refs.get(role)
    pool = referents(asked, facts) if asked else frozenset(facts.objects)
    did = in_time(matching(pattern, facts), question.time, facts.whole)
    guilty = {getattr(o, role) for o in did}
    layers = places(pool, facts)
    same_place = {i for i in pool if i in layers and layers[i] in {layers.get(g) for g in guilty}}
    seen = [o for o in facts.presence() if o.subject in pool]
    here = {o.subject for o in in_time(seen, question.time, facts.whole)}
    others = [
        referents(ref, facts) for other, ref in pattern.refs.items() if other != role and ref.labels
    ]
    named = {i for ids in others if len(ids) == 1 for i in ids}
    left = tuple(sorted((pool & here) - guilty - same_place - named))
    if not left:
        return Finding("no", _never_said(question), tuple(did), role=role)
    return Finding("yes", "", tuple(did), left, role=role, confidence=0.7)


def _never_said(question: Question) -> str:
    return f"nothing in the graph answers {question.text.strip().rstrip('?')!r}"


def _when(question: Question, facts: Facts) -> Finding:
    found = _found(question, facts)
    if question.pattern.together:
        grouped = spans(question.pattern, facts)
        found = [o for span in grouped for o in span.occurrences]
    if not found:
        return Finding("no", _never_said(question))
    return Finding("yes", "", tuple(found), value=found[0].span.start)


def _how_long(question: Question, facts: Facts) -> Finding:
    text = question.text.lower()
    whole = any(word in text for word in ("video", "clip", "film", "recording"))
    if whole and question.pattern.subject is None:
        return Finding("yes", "", value=facts.whole.duration)
    found = _found(question, facts)
    if found and question.anchors:
        found = _whole_beside(found, question, facts)
    if not found:
        return Finding("no", _never_said(question))
    total = intervals.duration(o.span for o in found)
    return Finding("yes", "", tuple(found), value=total)


def _whole_beside(
    found: Sequence[Occurrence], question: Question, facts: Facts
) -> list[Occurrence]:
    """Keep what lies as a whole before, after or within the anchor: parts have no duration."""
    _, time = anchored(found, question, facts)
    relation = question.anchors[0].relation
    if time is None:
        return list(found)
    return [
        o
        for o in found
        if (relation == "before" and o.span.end <= time.start + SLACK_S)
        or (relation == "after" and o.span.start >= time.end - SLACK_S)
        or (relation == "while" and time.start <= o.span.start and o.span.end <= time.end)
    ]


def _how_often(question: Question, facts: Facts) -> Finding:
    found = _found(question, facts)
    return Finding("yes", "", tuple(found), value=len(found))


def _how_many(question: Question, facts: Facts) -> Finding:
    if question.extreme:
        return _extreme(question, facts)
    pattern = question.pattern
    if pattern.unread:
        return unknown(f"the graph does not say anything about {' '.join(pattern.unread)!r}")
    if visible(pattern) and (question.anchor or question.time):
        return _how_many_seen(question, facts)
    found = _found(question, facts)
    role = pattern.asked or "subject"
    entities = tuple(dict.fromkeys(getattr(o, role) for o in found))
    if not entities:
        return Finding("no", _never_said(question), value=0)
    return Finding("yes", "", tuple(found), entities, value=len(entities), role=role)


def _how_many_seen(question: Question, facts: Facts) -> Finding:
    """Count what is in view at once, at its most, in the asked time."""
    found = matching(question.pattern, facts)
    span = window(question.time, facts.whole) if question.time else None
    if question.anchors:
        found, time = anchored(found, question, facts)
        span = Interval(time.start, time.end) if time else span
    if span is None:
        return unknown(_never_said(question))
    best = _most_at_once(found, span)
    entities = tuple(sorted({o.subject for o in best}))
    return Finding("yes", "", tuple(best), entities, value=len(entities), role="subject")


def _most_at_once(found: Sequence[Occurrence], span: Interval) -> list[Occurrence]:
    """Return the largest set of occurrences that hold at one moment of ``span``."""
    moments = [span.start, *(o.span.start for o in found if span.start <= o.span.start < span.end)]
    sets = [[o for o in found if o.span.start <= t < o.span.end] for t in moments]
    return max(sets, key=len, default=[])


def _extreme(question: Question, facts: Facts) -> Finding:
    """Read the figure that the count tool computed."""
    result = next(iter(facts.results.values()), None)
    if result is None or not isinstance(result["value"], int | float):
        ref = question.pattern.subject or Ref(question.text)
        return unknown(why_unresolved(ref, facts))
    return Finding(
        "yes", "", entities=tuple(result["objects"]), value=result["value"], result=result["id"]
    )


def _yes_no(question: Question, facts: Facts) -> Finding:
    pattern = question.pattern
    if question.measure and question.among:
        return longer_than(question, facts, question.measure)
    if not pattern.sense:
        return _is_so(pattern, facts)
    for clause in (pattern, *question.also):
        if clause.unread:
            return unknown(f"the graph does not say anything about {' '.join(clause.unread)!r}")
    if _EVERYONE & set(pattern.words):
        return _all_do(question, facts)
    shown: list[Occurrence] = []
    for clause in (pattern, *question.also):
        plain = replace(clause, negated=False)
        found = _found(replace(question, pattern=plain), facts)
        if not found:
            return _not_so(question, clause, facts)
        shown += found[: None if not question.also else 1]
    return Finding("no" if pattern.negated else "yes", "", tuple(shown))


def _all_do(question: Question, facts: Facts) -> Finding:
    """Answer ``does everybody do it``: yes if each of those meant does."""
    pattern = replace(question.pattern, negated=False)
    ref = pattern.subject
    pool = referents(ref, facts) if ref and pattern.sense else frozenset()
    found = _found(replace(question, pattern=pattern), facts) if pool else []
    if not found or question.pattern.negated:
        return unknown(_never_said(question))
    left = pool - {o.subject for o in found}
    if left:
        return Finding("no", "", tuple(found), tuple(sorted(left)), confidence=0.6)
    return Finding("yes", "", tuple({o.subject: o for o in reversed(found)}.values()))


def _not_so(question: Question, clause: Pattern, facts: Facts) -> Finding:
    """Return that the graph does not say so, with what it says of the same instead."""
    named = _named(clause, facts)
    if question.pattern.negated:
        return Finding("yes", "", (), named or _anyone(clause, facts), confidence=0.6)
    others = matching(Pattern(clause.predicates, clause.sense), facts)
    if visible(clause):
        others = [o for o in others if o.subject in named]
    close = [o for o in others if set(named) & set(o.participants)]
    return Finding("no", "", tuple((close or others)[:3]), named, confidence=0.6)


def _anyone(pattern: Pattern, facts: Facts) -> tuple[int, ...]:
    """Return the people that ``nobody`` speaks of, at most as many as can be named."""
    ids = [referents(ref, facts) for ref in pattern.refs.values() if ref.people]
    return tuple(sorted(ids[0]))[:8] if ids else tuple(sorted(facts.objects))[:8]


def _named(pattern: Pattern, facts: Facts) -> tuple[int, ...]:
    """Return the objects that a clause names, where it names few."""
    ids = [referents(ref, facts) for ref in pattern.refs.values() if not ref.anything]
    return tuple(dict.fromkeys(i for group in ids if len(group) < 4 for i in sorted(group)))


def _is_so(pattern: Pattern, facts: Facts) -> Finding:
    """Answer ``is the ball red`` from attributes."""
    ref = pattern.subject
    if ref is None or ref.unknown or not ref.attributes:
        return unknown(why_unresolved(ref or Ref(" ".join(pattern.words)), facts))
    if hits := referents(ref, facts):
        return Finding("yes", "", entities=tuple(sorted(hits)))
    bare = referents(replace(ref, attributes=()), facts)
    if not bare:
        return unknown(why_unresolved(ref, facts))
    return Finding("no", "", entities=tuple(sorted(bare)), confidence=0.6)


def _attribute(question: Question, facts: Facts) -> Finding:
    subject = question.pattern.subject or question.pattern.object
    ids = referents(subject, facts) if subject else frozenset()
    told = [i for i in sorted(ids) if facts.objects[i]["attributes"]]
    if not told:
        return unknown(why_unresolved(subject or Ref(question.text), facts))
    return Finding("yes", "", entities=tuple(told))


def _describe(question: Question, facts: Facts) -> Finding:
    text = question.text.lower()
    asks = any(word in text for word in ("what", "describe", "summar"))
    pattern = question.pattern
    if not asks or not facts.objects or pattern.unread:
        return unknown("the question could not be understood in terms of this graph")
    events = [o for o in facts.occurrences() if o.kind == "event"][:3]
    return Finding("yes", "", tuple(events), tuple(sorted(facts.objects)[:8]), role="subject")


_SOLVERS = {
    "entity": _entity,
    "event": event,
    "when": _when,
    "where": where,
    "how long": _how_long,
    "how many": _how_many,
    "how often": _how_often,
    "yes or no": _yes_no,
    "attribute": _attribute,
    "why": why,
    "how": how,
    "describe": _describe,
    "order": order,
    "gap": gap,
    "either": either,
}
