"""Text layouts: a graph as an event log, as grouped triples and as a timeline per object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from reelgraph.graph.schema import CAMERA, Relation
from reelgraph.graph.text_budget import Selection
from reelgraph.graph.text_order import Fact
from reelgraph.graph.text_words import Namer, clean, seconds, times

if TYPE_CHECKING:
    from reelgraph.graph.temporal import TemporalGraph

__all__ = ["Prose"]

_IN_SHORT = "rounded:"

KeyT = TypeVar("KeyT")


class Prose:
    """Writes selections of one graph as lines to read.

    Args:
        graph: What the text is about.
    """

    def __init__(self, graph: TemporalGraph) -> None:
        self._graph = graph
        self._namer = Namer(graph)

    def events(self, chosen: Selection) -> str:
        """Return a chronological log; facts in short follow, grouped by what they say."""
        log = [self._event(fact) for fact in chosen.exact]
        short = [_IN_SHORT, *self._gathered(chosen.brief)] if chosen.brief else []
        return self._page(chosen, [*log, *short])

    def triples(self, chosen: Selection) -> str:
        """Return one line per subject, predicate and object with all its times."""
        digits = {id(fact): 0 for fact in chosen.brief}
        facts = sorted((*chosen.exact, *chosen.brief), key=lambda fact: fact.span)
        lines = [
            f"{self._namer.statement(group[0].relation)} {_when(group, digits)}"
            for group in _grouped(facts, lambda fact: _triple(fact.relation))
        ]
        return self._page(chosen, lines)

    def timeline(self, chosen: Selection) -> str:
        """Return for each object what it takes part in, in order of time."""
        digits = {id(fact): 0 for fact in chosen.brief}
        facts = sorted((*chosen.exact, *chosen.brief), key=lambda fact: fact.span)
        of: dict[int, list[str]] = {}
        for fact in facts:
            r = fact.relation
            when = times(fact.span, digits.get(id(fact), 1))
            for owner in sorted({r.subject, r.object, r.recipient or CAMERA} - {CAMERA}):
                of.setdefault(owner, []).append(f"{when} {self._told_of(owner, r)} {clean(r.id)}")
        listed = {item.id: self._namer.described(item) for item in chosen.objects}
        names = {owner: self._namer.name(owner) for owner in of}
        heads = {**names, **{i: text for i, text in listed.items() if text}}
        lines = [line for i in sorted(heads) for line in [_head(heads[i]), *of.get(i, [])]]
        others = [self._namer.name(i) for i in listed if i not in heads]
        return self._framed(chosen, [*lines, *_others(others)])

    def _told_of(self, owner: int, relation: Relation) -> str:
        """Return what a relation says of one of its objects, which goes without its name."""
        ends = [relation.subject, relation.object, relation.recipient]
        if owner == relation.subject and ends.count(owner) == 1:
            words = [clean(relation.predicate), self._namer.other(relation)]
            return " ".join(word for word in words if word)
        return self._namer.statement(relation)

    def _event(self, fact: Fact) -> str:
        said = self._namer.statement(fact.relation)
        return f"{times(fact.span)} {said} {clean(fact.relation.id)}"

    def _gathered(self, facts: Sequence[Fact]) -> list[str]:
        """Return one line per subject: its predicates, for each the objects and times."""
        return [
            f"{self._namer.name(same[0].relation.subject)} {self._deeds(same)}"
            for same in _grouped(facts, lambda fact: fact.relation.subject)
        ]

    def _deeds(self, facts: Sequence[Fact]) -> str:
        """Return what the facts say of their common subject."""
        whole = {id(fact): 0 for fact in facts}
        deeds = []
        for said in _grouped(facts, lambda fact: fact.relation.predicate):
            others = [
                f"{self._namer.other(same[0].relation)} {_when(same, whole)}".strip()
                for same in _grouped(said, lambda fact: _triple(fact.relation))
            ]
            deeds.append(f"{clean(said[0].relation.predicate)} {', '.join(others)}")
        return "; ".join(deeds)

    def _page(self, chosen: Selection, lines: Sequence[str]) -> str:
        """Return the lines between the objects and what is left out.

        An object of which nothing is known but its label needs no line if a fact names it.
        """
        described = [self._namer.described(item) for item in chosen.objects]
        others = [
            self._namer.name(item.id)
            for item, text in zip(chosen.objects, described, strict=True)
            if not text and item.id not in chosen.named
        ]
        told = [text for text in described if text]
        return self._framed(chosen, [*told, *lines, *_others(others)])

    def _framed(self, chosen: Selection, lines: Sequence[str]) -> str:
        title = [] if chosen.excerpt else [f"video {seconds(self._graph.video.duration_s)} s"]
        if any(item.uncertain for item in self._graph.objects()):
            title.append("? marks a label that is a guess")
        left = [f"left out: {chosen.left}"] if chosen.left else []
        return "\n".join([*(["; ".join(title)] if title else []), *lines, *left])


def _head(described: str) -> str:
    """Return the line that opens an object's part."""
    return described if ": " in described else f"{described}:"


def _others(names: Sequence[str]) -> list[str]:
    return [f"others: {', '.join(names)}"] if names else []


def _triple(relation: Relation) -> tuple[int, str, int, int | None]:
    return relation.subject, relation.predicate, relation.object, relation.recipient


def _when(facts: Sequence[Fact], digits: dict[int, int]) -> str:
    """Return the times of facts, each with the id of its relation."""
    return " ".join(
        f"{times(fact.span, digits.get(id(fact), 1))} {clean(fact.relation.id)}" for fact in facts
    )


def _grouped(facts: Iterable[Fact], key: Callable[[Fact], KeyT]) -> list[list[Fact]]:
    """Return the facts that share a key, in the order in which the keys appear."""
    groups: dict[KeyT, list[Fact]] = {}
    for fact in facts:
        groups.setdefault(key(fact), []).append(fact)
    return list(groups.values())
