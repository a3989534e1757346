"""Binding: what pronouns and relative clauses of a question stand for in one graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from reelgraph.agent.clauses import Pattern, Role
from reelgraph.agent.facts import Facts
from reelgraph.agent.language import word_set
from reelgraph.agent.matching import Span, Unknown, matching, pick
from reelgraph.agent.phrases import Ref
from reelgraph.agent.question import Anchor, Question
from reelgraph.agent.referents import is_person, referents
from reelgraph.agent.relatives import Relative

__all__ = ["bound"]

_PEOPLE = word_set("he she him her they them himself herself themselves")
_THINGS = word_set("it itself they them")


def bound(question: Question, facts: Facts) -> Question:
    """Return a question whose pronouns and relative clauses name objects.

    A pronoun takes the nearest other noun phrase of the question that it agrees with; one
    that agrees with none restricts nothing.

    Raises:
        Unknown: If nothing in the graph is what a relative clause describes.
    """
    question = _with_relatives(question, facts)
    main = _bind(question.pattern, [a.pattern for a in question.anchors])
    known, anchors = [main], []
    for anchor in question.anchors:
        pattern = _bind(anchor.pattern, known)
        known = [pattern, *known]
        anchors.append(Anchor(anchor.relation, pattern))
    also = tuple(_bind(pattern, [main]) for pattern in question.also)
    among = question.among
    bound_among = tuple(_bind(p, [q for q in among if q is not p]) for p in among)
    return replace(question, pattern=main, anchors=tuple(anchors), also=also, among=bound_among)


def _with_relatives(question: Question, facts: Facts) -> Question:
    """Give every name of a relative clause the objects that the clause describes."""
    if not any(ref.relative for pattern in question.patterns for ref in pattern.refs.values()):
        return question
    means: dict[int, frozenset[int]] = {}

    def named(ref: Ref) -> Ref:
        if ref.relative is None:
            return ref
        if ref.relative not in means:
            raise Unknown(f"the question names {ref.text!r}, which it does not explain")
        return replace(ref, ids=means[ref.relative])

    for number, relative in enumerate(question.relatives, 1):
        pattern = _mapped(relative.pattern, named)
        means[number] = _described(pattern, relative, facts)
    return _changed(question, lambda pattern: _mapped(pattern, named))


def _described(pattern: Pattern, relative: Relative, facts: Facts) -> frozenset[int]:
    """Return the objects that a relative clause describes."""
    what = " ".join(relative.words)
    if pattern.unread or not (pattern.predicates or pattern.sense):
        raise Unknown(f"the graph has no relation that means {what!r}")
    found = matching(replace(pattern, negated=False, ordinal=None), facts)
    if pattern.ordinal is not None and not pattern.negated:
        spans = pick([Span(o.span.start, o.span.end, (o,)) for o in found], pattern.ordinal)
        found = [o for span in spans for o in span.occurrences]
    role = pattern.asked or "subject"
    ids = frozenset(getattr(o, role) for o in found)
    if pattern.negated:
        ref = pattern.refs.get(role)
        ids = (referents(ref, facts) if ref else frozenset(facts.objects)) - ids
    if not ids:
        raise Unknown(f"nothing in the graph is {what!r}")
    return ids


def _mapped(pattern: Pattern, change: Callable[[Ref], Ref]) -> Pattern:
    """Return a clause with each of its noun phrases changed."""
    return replace(
        pattern,
        subject=change(pattern.subject) if pattern.subject else None,
        object=change(pattern.object) if pattern.object else None,
        recipient=change(pattern.recipient) if pattern.recipient else None,
    )


def _changed(question: Question, change: Callable[[Pattern], Pattern]) -> Question:
    """Return a question with each of its clauses changed, but for the relative ones."""
    return replace(
        question,
        pattern=change(question.pattern),
        anchors=tuple(Anchor(a.relation, change(a.pattern)) for a in question.anchors),
        among=tuple(map(change, question.among)),
        also=tuple(map(change, question.also)),
    )


def _bind(pattern: Pattern, others: Iterable[Pattern]) -> Pattern:
    """Return a clause whose pronouns mean what the other clauses name."""
    own = [ref for ref in pattern.refs.values() if not _pronoun(ref)]
    known = [
        (role, ref)
        for other in others
        for role, ref in other.refs.items()
        if not _pronoun(ref) and not ref.anything and ref not in own
    ]

    def meant(role: Role, ref: Ref) -> Ref:
        fitting = [(r != role, other) for r, other in known if _agrees(ref.text, other)]
        return min(fitting, key=lambda pair: pair[0])[1] if fitting else ref

    def of(role: Role) -> Ref | None:
        ref = pattern.refs.get(role)
        return meant(role, ref) if ref is not None and _pronoun(ref) else ref

    return replace(pattern, subject=of("subject"), object=of("object"), recipient=of("recipient"))


def _pronoun(ref: Ref) -> bool:
    return ref.text in _PEOPLE | _THINGS


def _agrees(pronoun: str, ref: Ref) -> bool:
    """Return whether a pronoun may stand for a noun phrase."""
    person = ref.people or any(is_person(label) for label in ref.labels)
    return (person and pronoun in _PEOPLE) or (not person and pronoun in _THINGS)
