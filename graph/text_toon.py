"""TOON text: a graph as two tables in Token-Oriented Object Notation.

Follows the specification at https://github.com/toon-format/spec (tabular arrays, section
9.3; quoting, section 7.2; canonical numbers, section 2): JSON readers of TOON get it back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reelgraph.graph.schema import SceneObject
from reelgraph.graph.text_budget import Selection
from reelgraph.graph.text_order import Fact
from reelgraph.graph.text_words import clean, seconds, times

if TYPE_CHECKING:
    from reelgraph.graph.temporal import TemporalGraph

__all__ = ["Toon"]

_NUMERIC = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|0\d+", re.IGNORECASE)
_LISTED = 8


class Toon:
    """Writes selections of one graph as TOON.

    Args:
        graph: What the text is about.
    """

    def __init__(self, graph: TemporalGraph) -> None:
        self._graph = graph
        self._objects = graph.objects()

    def tables(self, chosen: Selection) -> str:
        """Return the objects and the relations, one row for each interval.

        Facts in short have whole seconds. Columns that no row fills are left out.
        """
        duration = f"duration_s: {seconds(self._graph.video.duration_s)}"
        lines = [] if chosen.excerpt else [duration]
        listed = {item.id for item in chosen.objects}
        rows = [
            _object_row(item, described=item.id in listed)
            for item in self._objects
            if item.id in listed | chosen.named
        ]
        lines += _table("objects", ("id", "label", "guess", "attributes", "seen"), rows)
        facts = [(fact, 1) for fact in chosen.exact] + [(fact, 0) for fact in chosen.brief]
        facts.sort(key=lambda item: item[0].span)
        columns = ("start_s", "end_s", "subject", "predicate", "object", "to", "id")
        lines += _table("relations", columns, [_fact_row(*item) for item in facts])
        return "\n".join([*lines, *([f"left_out: {_quoted(chosen.left)}"] if chosen.left else [])])


def _object_row(item: SceneObject, *, described: bool) -> list[str]:
    shown = _LISTED if described else 0
    traits = "; ".join(clean(trait) for trait in item.attributes[:shown])
    seen = "; ".join(times(span) for span in item.presence[:shown])
    cells = [clean(item.label), "yes" if item.uncertain else "", traits, seen]
    return [str(item.id), *map(_quoted, cells)]


def _fact_row(fact: Fact, digits: int) -> list[str]:
    r = fact.relation
    return [
        seconds(fact.span.start, digits),
        seconds(fact.span.end, digits),
        str(r.subject),
        _quoted(clean(r.predicate)),
        str(r.object),
        '""' if r.recipient is None else str(r.recipient),
        _quoted(clean(r.id)),
    ]


def _table(name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a tabular array without the columns that are empty in every row."""
    used = [i for i in range(len(columns)) if any(row[i] != '""' for row in rows)]
    if not rows:
        return [f"{name}[0]:"]
    header = ",".join(columns[i] for i in used)
    lines = (",".join(row[i] for i in used) for row in rows)
    return [f"{name}[{len(rows)}]{{{header}}}:", *(f"  {line}" for line in lines)]


def _quoted(text: str) -> str:
    """Return a string as a TOON value, in quotes where the format asks for them."""
    plain = (
        text
        and text == text.strip()
        and text not in {"true", "false", "null"}
        and not text.startswith("-")
        and not _NUMERIC.fullmatch(text)
        and not re.search(r'[:"\\\[\]{},\n\r\t]', text)
    )
    if plain:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
