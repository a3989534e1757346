"""Brief text: a graph in the fewest tokens that still say each fact with its time and id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelgraph.graph.schema import CAMERA, Relation
from reelgraph.graph.text_budget import Selection
from reelgraph.graph.text_order import Fact
from reelgraph.graph.text_words import ONE_PLACE, clean, times

if TYPE_CHECKING:
    from reelgraph.graph.temporal import TemporalGraph

__all__ = ["Brief"]


class Brief:
    """Writes selections of one graph with objects by number and times in whole seconds.

    The first line says which number is what; each further one is a subject, a predicate
    and an object with all its times, each followed by the id of its relation.

    Args:
        graph: What the text is about.
    """

    def __init__(self, graph: TemporalGraph) -> None:
        self._graph = graph

    def lines(self, chosen: Selection) -> str:
        """Return the legend, the facts and what is left out."""
        listed = {item.id for item in chosen.objects} | chosen.named - {CAMERA}
        legend = "; ".join(self._described(number) for number in sorted(listed))
        said: dict[str, list[str]] = {}
        for fact in sorted((*chosen.exact, *chosen.brief), key=lambda fact: fact.span):
            said.setdefault(_statement(fact.relation), []).append(_when(fact))
        facts = [f"{statement} {' '.join(when)}" for statement, when in said.items()]
        left = f"left out: {chosen.left}" if chosen.left else ""
        return "\n".join(line for line in (legend, *facts, left) if line)

    def _described(self, number: int) -> str:
        item = self._graph.object(number)
        traits = f" ({', '.join(map(clean, item.attributes))})" if item.attributes else ""
        return f"{number} {clean(item.label)}{'?' if item.uncertain else ''}{traits}"


def _statement(relation: Relation) -> str:
    """Return ``"1 hands 3 to 2"``."""
    words = [str(relation.subject), clean(relation.predicate)]
    if relation.object != CAMERA:
        words.append(str(relation.object))
    elif relation.predicate not in ONE_PLACE:
        words.append("camera")
    if relation.recipient is not None:
        words += ["to", str(relation.recipient)]
    return " ".join(words)


def _when(fact: Fact) -> str:
    return f"{times(fact.span, 0)} {clean(fact.relation.id)}"
