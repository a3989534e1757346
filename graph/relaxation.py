"""Relaxation: when nothing fits a query, the nearest thing that does, and how it was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from reelgraph.errors import QueryError
from reelgraph.graph import lexicon
from reelgraph.graph.clock import Window
from reelgraph.graph.names import Match
from reelgraph.graph.schema import Interval, Relation

if TYPE_CHECKING:
    from reelgraph.graph.temporal import TemporalGraph

__all__ = ["Relaxed", "relax"]

_LEVELS: Final[tuple[tuple[Match, str], ...]] = (
    ("lemma", "another form of the verb"),
    ("synonym", "a synonym"),
    ("hypernym", "a wider or narrower predicate"),
)
_SHOWN = 3
"""How many predicates or labels a sentence lists."""


@dataclass(frozen=True, slots=True)
class Relaxed:
    """What a query found, and what had to be given up for it.

    Attributes:
        relations: The relations, sorted as the graph sorts them; empty if nothing is near.
        steps: A sentence for each rung of the ladder: what was not there, and last what
            was taken instead. Empty if the query was answered as asked.
    """

    relations: tuple[Relation, ...]
    steps: tuple[str, ...]

    def __str__(self) -> str:
        return "; ".join(self.steps)


@dataclass(frozen=True, slots=True)
class _Ask:
    """One form of the query; ``near`` keeps only what is nearest to this time."""

    subject: int | str | None
    predicate: str | None
    object: int | str | None
    min_score: float | None
    window: Interval | None
    near: Interval | None = None
    match: Match = "exact"

    def answer(self, graph: TemporalGraph) -> tuple[Relation, ...]:
        """Return what fits; a name that the graph does not have fits nothing."""
        try:
            found = graph.relations(
                self.subject,
                self.predicate,
                self.object,
                during=self.window,
                min_score=self.min_score,
                match=self.match,
            )
        except QueryError:
            return ()
        if self.near is None or not found:
            return tuple(found)
        least = min(abs(_wait(r, self.near)) for r in found)
        return tuple(r for r in found if abs(_wait(r, self.near)) <= least)


@dataclass(frozen=True, slots=True)
class _Rung:
    """A way to ask less, and what it is called."""

    ask: _Ask
    words: str

    def forms(self) -> Iterator[tuple[_Ask, str]]:
        """Yield the query with its predicate in every way that is allowed, nearest first."""
        yield self.ask, self.words
        levels = _LEVELS if self.ask.match == "exact" and self.ask.predicate is not None else ()
        for match, words in levels:
            yield replace(self.ask, match=match), f"{self.words}, {words}"


def relax(
    graph: TemporalGraph,
    subject: int | str | None = None,
    predicate: str | None = None,
    object: int | str | None = None,  # noqa: A002
    *,
    during: Window | None = None,
    at: float | None = None,
    min_score: float | None = None,
) -> Relaxed:
    """Return the relations that fit a query, or else those nearest to it.

    The ladder: the words as written; another form of the verb; a synonym; a wider or
    narrower predicate; a wider kind of object (person for man); a little more time on
    both sides; any time, nearest first; any object; any subject. From the wider kind of
    object on, each rung tries the predicate in every way, from near to far, before the
    next one. A name that the graph does not have counts as not found.

    Args:
        graph: Where to look.
        subject: Id or label of the one who acts or is described.
        predicate: What is said of the two.
        object: Id or label of the other one, or of the recipient.
        during: A window in seconds.
        at: A time in seconds.
        min_score: Only relations at least this certain; never relaxed.

    Raises:
        QueryError: If the time makes no sense.

    Example:
        ``str(graph.relax("man", "grab", during=(3, 5)))`` may read ``no 'grab' by man at
        3-5 s; not with another form of the verb; not with a synonym; took 'holds' (a wider
        or narrower predicate)``.
    """
    asked = _Ask(subject, predicate, object, min_score, graph._clock.when(during, at))
    found = asked.answer(graph)
    if found:
        return Relaxed(found, ())
    steps = [f"no {_told(asked)}"]
    for rung in _ladder(graph, asked):
        for ask, words in rung.forms():
            if found := ask.answer(graph):
                return Relaxed(found, (*steps, _taken(found, words, asked)))
        steps.append(f"not with {rung.words}")
    return Relaxed((), tuple(steps))


def _ladder(graph: TemporalGraph, asked: _Ask) -> Iterator[_Rung]:
    """Yield what to try, nearest first."""
    if asked.predicate is not None:
        yield from (_Rung(replace(asked, match=match), words) for match, words in _LEVELS)
    yield from _wider_kinds(graph, asked)
    if asked.window is not None:
        slack = max(1.0, asked.window.duration)
        start, end = asked.window
        window = Interval(max(0.0, start - slack), end + slack)
        yield _Rung(replace(asked, window=window), f"{_number(slack)} s more on both sides")
        yield _Rung(_any_time(asked), "another time")
    for words, less in (
        ("any object", replace(asked, object=None)),
        ("any subject", replace(asked, subject=None)),
    ):
        if less != asked:
            yield _Rung(less, words)
            if asked.window is not None:
                yield _Rung(_any_time(less), f"{words} at another time")


def _any_time(ask: _Ask) -> _Ask:
    return replace(ask, window=None, near=ask.window)


def _wider_kinds(graph: TemporalGraph, asked: _Ask) -> Iterator[_Rung]:
    """Yield the query about wider kinds of its objects, as far as the graph has them."""
    labels = sorted({item.label for item in graph.objects()})
    for name, value in (("subject", asked.subject), ("object", asked.object)):
        if not isinstance(value, str):
            continue
        wider = frozenset[str]().union(*map(lexicon.broader_labels, lexicon.label_forms(value)))
        for label in labels:
            if lexicon.label_forms(label) & wider:
                ask = (
                    replace(asked, subject=label)
                    if name == "subject"
                    else replace(asked, object=label)
                )
                yield _Rung(ask, f"{label} for {value}")


# -- sentences -------------------------------------------------------------------------


def _told(ask: _Ask) -> str:
    """Return a query as words: ``'grab' by man of cup at 3-5 s``."""
    words = [repr(ask.predicate) if ask.predicate is not None else "relation"]
    words += [f"by {ask.subject}"] if ask.subject is not None else []
    words += [f"of {ask.object}"] if ask.object is not None else []
    if ask.window is not None:
        start, end = map(_number, ask.window)
        words.append(f"at {start} s" if start == end else f"at {start}-{end} s")
    return " ".join(words)


def _taken(found: tuple[Relation, ...], words: str, asked: _Ask) -> str:
    """Return what was taken instead, and how far away in time."""
    said = [repr(name) for name in dict.fromkeys(r.predicate for r in found)]
    more = f" and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
    wait = min((_wait(r, asked.window) for r in found), key=abs) if asked.window else 0.0
    when = f", {_number(abs(wait))} s {'later' if wait > 0 else 'earlier'}" if wait else ""
    return f"took {', '.join(said[:_SHOWN])}{more} ({words}{when})"


def _wait(r: Relation, window: Interval) -> float:
    """Return the seconds from a window to a relation: 0 if they touch, below 0 if earlier."""
    waits = [max(i.start - window.end, 0.0) + min(i.end - window.start, 0.0) for i in r.intervals]
    return min(waits, key=abs)


def _number(value: float) -> str:
    return f"{round(value, 2):g}"
