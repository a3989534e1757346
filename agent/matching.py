"""Which occurrences a clause describes, and which of them lie in the asked time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reelgraph.agent.clauses import Pattern, Role
from reelgraph.agent.facts import Facts, Occurrence
from reelgraph.agent.language import TimePhrase
from reelgraph.agent.phrases import Ref
from reelgraph.agent.question import Anchor, Question
from reelgraph.agent.referents import referents, why_unresolved
from reelgraph.agent.verbs import VISIBLE, verb
from reelgraph.graph.lexicon import inverse_keys, predicate_key
from reelgraph.graph.schema import CAMERA, Interval

__all__ = [
    "AT_ONCE_S",
    "FALLBACKS",
    "GOING",
    "SLACK_S",
    "Span",
    "Unknown",
    "anchored",
    "in_time",
    "matching",
    "spans",
    "window",
]

SLACK_S = 0.3
"""How far two things that happen at once may lie apart in a graph."""

MOMENT_S = 1.0
"""What happens beside something as short as this happens while it does."""

AT_ONCE_S = 0.5
"""Events that are further apart than this do not happen ``at once``."""

FALLBACKS = {
    "enters": "appears",
    "appears": "enters",
    "leaves": "disappears",
    "disappears": "leaves",
}
"""What else may stand in a graph for entering and leaving the view."""

GOING = {"takes away": ("leaves", "disappears"), "puts back": ("enters", "appears")}
"""How a thing goes and comes back where nobody was seen to take or to bring it."""

JOURNEY_S = 4.0
"""Being taken and leaving the view are one event if no further apart than this."""


class Unknown(Exception):  # noqa: N818
    """The question names something that the graph does not have; the text says what."""


@dataclass(frozen=True)
class Span:
    """A stretch of time in which something happens once, or several things at once."""

    start: float
    end: float
    occurrences: tuple[Occurrence, ...]


def matching(pattern: Pattern, facts: Facts) -> list[Occurrence]:
    """Return the occurrences that a clause describes, in order of time.

    ``who`` means a person, or whatever else does it where no person does (a hand).

    Raises:
        Unknown: If it names an object or a predicate that the graph does not have.
    """
    candidates = _candidates(pattern, facts)
    found = _first_fitting(candidates, _wanted(pattern, facts), pattern.asked)
    if not found and any(ref.people for ref in pattern.refs.values()):
        found = _first_fitting(candidates, _wanted(_of_anything(pattern), facts), pattern.asked)
    unique = {(o.cite, o.subject if pattern.asked else 0): o for o in reversed(found)}
    ordered = sorted(unique.values(), key=lambda o: (o.span, o.cite))
    return ordered if pattern.aspect is None else [_edge(o, pattern.aspect) for o in ordered]


def _of_anything(pattern: Pattern) -> Pattern:
    """Return a clause in which ``who`` need not be a person."""
    for role, ref in pattern.refs.items():
        pattern = _with_role(pattern, role, replace(ref, people=False))
    return pattern


def _first_fitting(
    candidates: Sequence[Sequence[Occurrence]],
    wanted: dict[Role, frozenset[int]],
    asked: Role | None,
) -> list[Occurrence]:
    """Return the fitting occurrences of the first source that has any."""
    for source in candidates:
        readings = (reading for o in source for reading in _readings(o))
        if found := [r for r in readings if _fits(r, wanted, asked)]:
            return found
    return []


def _candidates(pattern: Pattern, facts: Facts) -> list[list[Occurrence]]:
    """Return the occurrences of a clause's predicates, then of what stands for them.

    Raises:
        Unknown: If the graph has neither.
    """
    found = [facts.occurrences(pattern.predicates)] if pattern.predicates else []
    if pattern.sense in GOING:
        return [_journeys(pattern, facts)]
    if other := facts.vocabulary().meaning(FALLBACKS.get(pattern.sense, "")):
        found.append(facts.occurrences(other))
    if pattern.sense in {"enters", "appears"}:
        first = facts.whole.start + SLACK_S
        found.append([_edge(o, "start") for o in facts.presence() if o.span.start > first])
    if pattern.sense in {"leaves", "disappears"}:
        last = facts.whole.end - SLACK_S
        found.append([_edge(o, "end") for o in facts.presence() if o.span.end < last])
    if found:
        return found
    known = ", ".join(facts.predicates) or "none"
    what = " ".join(pattern.unread) or pattern.sense or " ".join(pattern.words)
    if not what:
        raise Unknown(
            "the question does not say what happens; name it, as in 'When does the dog leave?'"
        )
    raise Unknown(f"the graph has no relation that means {what!r}; its relations are: {known}")


def _journeys(pattern: Pattern, facts: Facts) -> list[Occurrence]:
    """Return when things are taken away or brought back, seen in a hand or not.

    A thing that only leaves or enters the view counts too, with the camera as the one
    who acts; it is left out where the same journey was seen in a hand.
    """
    handled = facts.occurrences(pattern.predicates)
    words = [p for name in GOING[pattern.sense] for p in facts.vocabulary().meaning(name)]
    alone = [
        replace(o, subject=CAMERA, object=o.subject)
        for o in facts.occurrences(words)
        if o.object == CAMERA and (pattern.sense == "takes away" or _seen_before(o, facts))
    ]
    new: list[Occurrence] = []
    for o in alone:
        if not any(o.object == h.object and _close(o, h) for h in (*handled, *new)):
            new.append(o)
    return sorted([*handled, *new], key=lambda o: (o.span, o.cite))


def _close(a: Occurrence, b: Occurrence) -> bool:
    return abs(a.span.start - b.span.start) <= JOURNEY_S


def _seen_before(arrival: Occurrence, facts: Facts) -> bool:
    """Return whether a thing of this kind was there before, so that this is a return."""
    label = facts.objects[arrival.subject]["label"]
    rows = (row for row in facts.objects.values() if row["label"] == label)
    return any(span[0] < arrival.span.start - JOURNEY_S for row in rows for span in row["presence"])


def _edge(stay: Occurrence, end: str) -> Occurrence:
    """Return the moment at which something starts or ends."""
    time_s = stay.span.start if end == "start" else stay.span.end
    return replace(stay, cite=f"{stay.cite}.{end}", span=Interval(time_s, time_s))


def _wanted(pattern: Pattern, facts: Facts) -> dict[Role, frozenset[int]]:
    """Return the ids that may fill each role that the clause restricts."""
    wanted: dict[Role, frozenset[int]] = {}
    for role, ref in pattern.refs.items():
        if ref.anything and not ref.people:
            continue
        wanted[role] = referents(ref, facts)
        if not wanted[role]:
            raise Unknown(why_unresolved(ref, facts))
    return _without_others(pattern, wanted)


def _without_others(
    pattern: Pattern, wanted: dict[Role, frozenset[int]]
) -> dict[Role, frozenset[int]]:
    """For ``the other person``, leave out those whom the clause names besides."""
    for role, ref in pattern.refs.items():
        if ref.other and role in wanted:
            named = [ids for other, ids in wanted.items() if other != role and len(ids) == 1]
            wanted[role] = wanted[role].difference(*named)
    return wanted


def _readings(occurrence: Occurrence) -> list[Occurrence]:
    """Return an occurrence, and for a symmetric predicate also the other way round."""
    key = predicate_key(occurrence.predicate)
    if occurrence.object == CAMERA or key not in inverse_keys(key):
        return [occurrence]
    turned = replace(occurrence, subject=occurrence.object, object=occurrence.subject)
    return [occurrence, turned]


def _fits(occurrence: Occurrence, wanted: dict[Role, frozenset[int]], asked: Role | None) -> bool:
    if asked and getattr(occurrence, asked) in {None, CAMERA}:
        return False
    return all(getattr(occurrence, role) in ids for role, ids in wanted.items())


def spans(pattern: Pattern, facts: Facts) -> list[Span]:
    """Return when a clause is true, its ordinal and ``at once`` taken into account."""
    found = matching(pattern, facts)
    if pattern.together:
        grouped = _groups(found, _least(pattern))
    else:
        grouped = [Span(o.span.start, o.span.end, (o,)) for o in found]
    return pick(grouped, pattern.ordinal)


def pick(found: Sequence[Span], ordinal: int | None) -> list[Span]:
    """Return the n-th of several, all of them where no ordinal is given."""
    if ordinal is None:
        return list(found)
    index = ordinal - 1 if ordinal > 0 else ordinal
    return [found[index]] if -len(found) <= index < len(found) else []


def _least(pattern: Pattern) -> int:
    counts = [ref.count for ref in pattern.refs.values() if ref.count]
    return max(counts, default=2)


def _groups(found: Sequence[Occurrence], least: int) -> list[Span]:
    """Return groups of at least so many occurrences that happen at once."""
    groups: list[list[Occurrence]] = []
    for occurrence in found:
        last = groups[-1] if groups else []
        if last and occurrence.span.start < max(o.span.end for o in last) + AT_ONCE_S:
            last.append(occurrence)
        else:
            groups.append([occurrence])
    return [
        Span(g[0].span.start, max(o.span.end for o in g), tuple(g))
        for g in groups
        if len(g) >= least
    ]


def window(phrase: TimePhrase, whole: Interval) -> Interval:
    """Return the seconds that a time phrase means in a video, or in the asked part of one."""
    tenth = min(whole.duration, max(1.0, whole.duration / 10))
    middle = (whole.start + whole.end) / 2
    start, end = phrase.start_s, phrase.end_s
    bounds = {
        "at": (start, start),
        "before": (whole.start, start),
        "after": (start, whole.end),
        "between": (start, end),
        "first": (whole.start, whole.start + start),
        "final": (whole.end - start, whole.end),
        "start": (whole.start, whole.start + tenth),
        "end": (whole.end - tenth, whole.end),
        "middle": (middle - tenth, middle + tenth),
    }[phrase.where]
    first, last = (min(max(whole.start, bound), whole.end) for bound in bounds)
    return Interval(min(first, last), max(first, last))


def in_time(
    found: Sequence[Occurrence], phrase: TimePhrase | None, whole: Interval
) -> list[Occurrence]:
    """Return the occurrences that hold at some moment of the named time."""
    if phrase is None:
        return list(found)
    wanted = window(phrase, whole)
    hits = [o for o in found if _overlap(o.span, wanted)]
    if not hits and phrase.where == "at":
        wide = Interval(wanted.start - SLACK_S, wanted.end + SLACK_S)
        hits = [o for o in found if _overlap(o.span, wide)]
    if phrase.where == "after":
        hits = [o for o in hits if o.span.start >= wanted.start or o.kind != "event"]
    return hits


def _overlap(a: Interval, b: Interval) -> bool:
    if b.start == b.end:
        return a.start <= b.start < a.end or a.start == b.start
    return a.start < b.end and (b.start < a.end or b.start <= a.start == a.end)


def anchored(
    found: Sequence[Occurrence], question: Question, facts: Facts
) -> tuple[list[Occurrence], Span | None]:
    """Return the occurrences that stand as asked to a question's anchors, nearest first.

    Returns:
        The occurrences, and when the first anchor is true; None without an anchor.

    Raises:
        Unknown: If an anchor itself never happens.
    """
    if not question.anchors:
        return list(found), None
    first, *more = ((a.relation, _times(a, question, facts)) for a in question.anchors)
    relation, times = first
    for time in times:
        hits = [o for o in found if _stands(o, relation, time) and _same_doer(o, time, question)]
        for other, others in more:
            later = [t for t in others if t.start >= time.start] or others
            hits = [o for o in hits if _stands(o, other, later[0])]
        if hits:
            return sorted(hits, key=lambda o: o.span, reverse=relation == "before"), time
    return [], times[0]


def _same_doer(occurrence: Occurrence, time: Span, question: Question) -> bool:
    """Return whether who is asked for is also who does what ``after catching it`` says."""
    role = _role_left_out(question.anchors[0].pattern)
    asked = question.pattern.asked
    if role is None or asked != "subject":
        return True
    return any(getattr(o, role) == occurrence.subject for o in time.occurrences)


def _times(anchor: Anchor, question: Question, facts: Facts) -> list[Span]:
    """Return when the clause of an anchor is true, in order of time."""
    if not anchor.pattern.words:
        raise Unknown(f"the question does not say {anchor.relation} what")
    pattern = _completed(anchor.pattern, question.pattern)
    if pattern.unread and not pattern.predicates:
        raise Unknown(f"the graph has no relation that means {' '.join(pattern.words)!r}")
    if times := spans(pattern, facts):
        return times
    raise Unknown(f"the graph never says {' '.join(anchor.pattern.words)!r}")


def _completed(pattern: Pattern, main: Pattern) -> Pattern:
    """Fill what an elliptic anchor leaves out: ``after person 1``, ``before handing it over``."""
    if not pattern.sense:
        role = main.asked or ("object" if main.subject is None else "subject")
        ref = pattern.subject or pattern.object
        return replace(_with_role(main, role, ref), ordinal=None)
    if _role_left_out(pattern) and main.subject and main.asked != "subject":
        return _with_role(pattern, _role_left_out(pattern) or "subject", main.subject)
    return pattern


def _role_left_out(pattern: Pattern) -> Role | None:
    """Return the role of who acts, where a clause such as ``handing it over`` leaves it out."""
    if not pattern.words or not pattern.words[0].endswith("ing"):
        return None
    sense = verb(pattern.words[0])
    role: Role = "recipient" if sense is not None and sense.frame == "receiver" else "subject"
    return role if role not in pattern.refs else None


def _with_role(pattern: Pattern, role: Role, ref: Ref | None) -> Pattern:
    """Return a clause with another object in one of its roles."""
    if role == "subject":
        return replace(pattern, subject=ref)
    return replace(pattern, object=ref) if role == "object" else replace(pattern, recipient=ref)


def _stands(occurrence: Occurrence, relation: str, time: Span) -> bool:
    """Return whether something lies as asked to a time, and is no part of what happens then."""
    span = occurrence.span
    if relation == "before":
        right = span.start < time.start
    elif relation == "after":
        right = span.start > time.start + 0.05 and span.start >= time.end - 2 * SLACK_S
    else:
        slack = SLACK_S if time.end - time.start <= MOMENT_S else 0.0
        right = span.start < time.end + slack and span.end > time.start - slack
    return right and all(occurrence.cite != o.cite for o in time.occurrences)


def visible(pattern: Pattern) -> bool:
    """Return whether a clause is about being in view."""
    return pattern.predicates == (VISIBLE,)
