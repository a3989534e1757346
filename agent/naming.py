"""How a draft names objects: ``person #1`` as text says it, ``person1`` as tags do."""

from __future__ import annotations

import re

from reelgraph.agent.language import stem
from reelgraph.agent.vocabulary import GRAMMAR
from reelgraph.errors import QueryError
from reelgraph.graph.temporal import TemporalGraph

__all__ = ["misnamed", "with_names"]

_TAG = re.compile(r"(?<![\w\[#.])([^\W\d_][\w-]*?)\??(\d+)\b(?![.\w]*\])")
_NAME = re.compile(r"([^\W\d_][\w-]*)\?? #(\d+)\b|\b([^\W\d_][\w-]*) \[o(\d+)\]")


def with_names(text: str, graph: TemporalGraph) -> str:
    """Return a text with tags such as ``person1`` and ``ball?3`` as ``person #1``.

    Only a tag that names an object of the graph by a word of its label, or by the label
    of another object, is one.

    Args:
        text: What a model wrote.
        graph: Whose objects it names.
    """

    def name(found: re.Match[str]) -> str:
        if _label(int(found[2]), graph) is None or not _known(found[1], graph):
            return found[0]
        return f"{found[1]} #{found[2]}"

    return _TAG.sub(name, text)


def misnamed(text: str, graph: TemporalGraph) -> list[str]:
    """Return what is wrong with names such as ``ball #1`` where object 1 is a person.

    A word that is no label of the graph is not judged, nor one that builds sentences (``and``).

    Args:
        text: What a model wrote, tags replaced.
        graph: Whose objects it names.
    """
    problems = []
    for found in _NAME.finditer(text):
        word, number = found[1] or found[3], int(found[2] or found[4])
        ids = set() if stem(word.lower()) in GRAMMAR else _known(word, graph)
        if ids and number not in ids and _label(number, graph) is not None:
            problems.append(f"{found[0]!r} misnames an object: {number} is {graph.name(number)}")
    return problems


def _label(object_id: int, graph: TemporalGraph) -> str | None:
    try:
        return graph.object(object_id).label
    except QueryError:
        return None


def _known(word: str, graph: TemporalGraph) -> set[int]:
    """Return the objects that a word names."""
    try:
        return {item.id for item in graph.objects(word)}
    except QueryError:
        return {item.id for item in graph.objects() if word.lower() in item.label.split()}
