"""How a draft names objects: ``person #1`` as text says it, ``person1`` as tags do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from reelgraph.agent.language import stem, tokens
from reelgraph.agent.verbs import verb
from reelgraph.agent.vocabulary import GRAMMAR
from reelgraph.errors import QueryError
from reelgraph.graph.schema import Relation
from reelgraph.graph.temporal import TemporalGraph

__all__ = ["misnamed", "with_mentions", "with_names"]

_TAG = re.compile(r"(?<![\w\[#.])([^\W\d_][\w-]*?)\??(\d+)\b(?![.\w]*\])")
_BY_ID = re.compile(r"\[o\d+|#\d+")
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


def with_mentions(sentence: str, relations: Sequence[Relation], graph: TemporalGraph) -> str:
    """Return a sentence with ``[o2]`` where it only describes objects.

    A trait that one object of the graph has alone, if it is no verb, means that object; so
    does a label that one participant of the relations has alone, if the sentence has it
    once. A sentence that names an object by its id is returned as it is.

    Args:
        sentence: One sentence of a draft.
        relations: What it cites.
        graph: Whose objects it names.
    """
    if _BY_ID.search(sentence) or not relations:
        return sentence
    ends = {i for r in relations for i in (r.subject, r.object, r.recipient) if i is not None}
    items, plain = graph.objects(), sentence.lower()
    traits = _alone([(trait, o.id) for o in items for trait in o.attributes])
    told = [pair for pair in traits if pair[0].lower() in plain and not _acts(pair[0])]
    found: set[int] = set()
    for text, object_id in sorted(told, key=lambda pair: -len(pair[0])):
        pattern = re.compile(rf"\b{re.escape(text)}\b", re.IGNORECASE)
        if object_id not in found and pattern.search(sentence):
            sentence = pattern.sub(f"[o{object_id}]", sentence, count=1)
            found.add(object_id)
    for text, object_id in _alone([(o.label, o.id) for o in items if o.id in ends]):
        pattern = re.compile(rf"\b{re.escape(text)}\b", re.IGNORECASE)
        if object_id not in found and len(pattern.findall(sentence)) == 1:
            sentence = pattern.sub(f"[o{object_id}]", sentence)
    return sentence


def _acts(text: str) -> bool:
    return any(verb(word) or word.endswith("ing") for word in tokens(text))


def _alone(words: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return the pairs of words and objects whose words no other object has."""
    counts = Counter(text.lower() for text, _ in words)
    return [(text, object_id) for text, object_id in words if counts[text.lower()] == 1]


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
