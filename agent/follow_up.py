"""Follow-up questions spelled out: ``he`` and ``next`` by what the last answer was about."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reelgraph.agent.answer import Answer
from reelgraph.agent.referents import is_person
from reelgraph.errors import QueryError
from reelgraph.graph.temporal import TemporalGraph

__all__ = ["spelled_out"]

_LEAD = re.compile(r"^\s*(?:(?:and|so|but|ok|okay)\b[\s,]*)+", re.IGNORECASE)
_SOMEBODY = re.compile(r"\b(?:he|she|him)\b", re.IGNORECASE)
_THEY = re.compile(r"\b(?:they|them)\b", re.IGNORECASE)
_WHOSE = re.compile(r"\b(?:his|her|their|its)\s+(?=\w)", re.IGNORECASE)
_HER = re.compile(r"\bher\b(?=\s*[?.,!]|\s*$)", re.IGNORECASE)
_THING = re.compile(r"\bit\b", re.IGNORECASE)
_NEXT = re.compile(r"\b(?:next|then|afterwards?|after\s+that|later|subsequently)\b", re.IGNORECASE)
_BEFORE = re.compile(r"\b(?:before\s+that|beforehand)\b", re.IGNORECASE)
_ANCHORED = re.compile(r"\b(?:after|before|next\s+to|until|since|while)\s+(?!that\b)\w", re.I)


def spelled_out(question: str, last: Answer, graph: TemporalGraph) -> str:
    """Return a question without words that only the answer before it explains.

    ``he``, ``she`` and ``they`` become the last answer's first person, ``it`` its first
    other thing, ``next`` and ``then`` the time after its evidence.

    Args:
        question: As the user wrote it.
        last: The last answer that has evidence.
        graph: The graph that both are about.
    """
    text = _LEAD.sub("", question)
    acting = _ordered(last, graph)
    people = [i for i in acting if is_person(graph.object(i).label)]
    things = [i for i in acting if i not in people]
    for pattern, ids in (
        (_SOMEBODY, people or acting),
        (_HER, people or acting),
        (_THEY, acting),
        (_THING, things or acting),
    ):
        if ids:
            # A backslash in a label is itself, not a reference to a group.
            text = pattern.sub(graph.name(ids[0]).replace("\\", r"\\"), text)
    text = _WHOSE.sub("the ", text)
    if not _NEXT.sub("", text).strip(" ?.!"):
        text = f"What does {graph.name(acting[0])} do next?" if acting else "What happens next?"
    return _anchored(text, last)


def _ordered(last: Answer, graph: TemporalGraph) -> Sequence[int]:
    """Return the objects of an answer in the order of its evidence, who acts first."""
    found = dict.fromkeys(i for item in last.evidence for i in item.objects)
    return [i for i in found if _is_known(i, graph)]


def _is_known(object_id: int, graph: TemporalGraph) -> bool:
    try:
        graph.object(object_id)
    except QueryError:
        return False
    return True


def _anchored(text: str, last: Answer) -> str:
    """Replace ``next`` and ``before that`` by the time of the last answer."""
    if _BEFORE.search(text):
        start = min(item.interval.start for item in last.evidence)
        return _BEFORE.sub(f"before {start:.2f} s", text)
    if not _NEXT.search(text) or _ANCHORED.search(text):
        return text
    end = last.evidence[0].interval.end
    question = _NEXT.sub(" ", text).rstrip(" ?.!")
    return f"{' '.join(question.split())} next after {end:.2f} s?"
