"""Whether a sentence says what the relations it cites say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from reelgraph.agent.language import stem, tokens, word_set
from reelgraph.agent.verbs import canonical, spatial, verb
from reelgraph.graph.lexicon import inverse_keys, predicate_key, synonym_keys
from reelgraph.graph.schema import CAMERA, Relation
from reelgraph.graph.temporal import TemporalGraph

__all__ = ["contradiction"]

_OBJECT = re.compile(r"\[o(\d+)\]|#(\d+)")
_REFERENCE = re.compile(r"\[[a-z]\w*(?:\.\w+)*\]")
_PASSIVE = re.compile(r"\b(?:is|are|was|were|be|been|being|gets|got)\b")
_VERB_ENDINGS = ("s", "ed", "ing")
_LIGHT = word_set(
    "a an the and or then is are was were be been being has have had to from by of with for at in "
    "on it its their his her while when after before as also still first last next that which who "
    "both later again yes option answer shows so until during same time"
)


@dataclass(frozen=True)
class _Mention:
    """An object where a sentence names it."""

    id: int
    start: int
    end: int


def contradiction(
    sentence: str, inline: Sequence[Relation], cited: Sequence[Relation], graph: TemporalGraph
) -> str | None:
    """Return what a sentence says that its relations do not, or None.

    Args:
        sentence: One sentence with references.
        inline: The relations that the sentence itself cites.
        cited: All relations that the draft cites.
        graph: The graph, for the names of objects.
    """
    mentions = _mentions(sentence)
    if not mentions:
        return None
    if inline and (wrong := _strangers(mentions, inline, graph)):
        return wrong
    for first, second in pairwise(mentions):
        between = _REFERENCE.sub(" ", sentence[first.end : second.start])
        if problem := _pair(first.id, second.id, between, cited, graph):
            return problem
    return _no_predicate(sentence, mentions, inline, graph) if inline else None


def _mentions(sentence: str) -> list[_Mention]:
    return [
        _Mention(int(found[1] or found[2]), found.start(), found.end())
        for found in _OBJECT.finditer(sentence)
    ]


def _strangers(
    mentions: Sequence[_Mention], relations: Sequence[Relation], graph: TemporalGraph
) -> str | None:
    """Return a complaint if a sentence names nobody that its relations involve."""
    involved = {i for r in relations for i in (r.subject, r.object, r.recipient)}
    if {m.id for m in mentions} & involved:
        return None
    said = "; ".join(f"{r.id} says {graph.describe(r)!r}" for r in relations[:3])
    return f"a sentence names other objects than the relations it cites: {said}"


def _pair(
    a: int, b: int, between: str, relations: Sequence[Relation], graph: TemporalGraph
) -> str | None:
    """Check ``A verb B``: some cited relation must say it, in these roles."""
    words = [w for w in tokens(between) if w not in {","}]
    content = [w for w in words if w not in _LIGHT and not _is_label(w, (a, b), graph)]
    if not content:
        return None
    about = [r for r in relations if {a, b} <= {r.subject, r.object, r.recipient}]
    saying = [r for r in about if _says(words, r)]
    if not saying:
        if not any(_says(words, r) for r in relations) and not _is_verb(words):
            return None
        said = "; ".join(f"{r.id} says {graph.describe(r)!r}" for r in (about or relations)[:3])
        return f"nothing cited says {' '.join(words)!r} of objects {a} and {b}: {said}"
    if any(_in_order(a, b, words, between, r) for r in saying):
        return None
    return f"{saying[0].id} says {graph.describe(saying[0])!r}, not the other way round"


def _is_label(word: str, ids: tuple[int, ...], graph: TemporalGraph) -> bool:
    """Return whether a word is part of the name of one of the objects."""
    names = [
        name
        for item in graph.objects()
        if item.id in ids
        for name in (item.label, *item.attributes)
    ]
    return stem(word) in {stem(w) for name in names for w in tokens(name)}


def _is_verb(words: Sequence[str]) -> bool:
    """Return whether the words state a relation, and are not only other description."""
    return any(verb(w) or w.endswith(_VERB_ENDINGS) for w in words) or bool(spatial(list(words)))


def _says(words: Sequence[str], relation: Relation) -> bool:
    """Return whether the words express a relation's predicate, in either direction."""
    phrase = " ".join(words)
    wanted = synonym_keys(predicate_key(relation.predicate))
    wanted |= inverse_keys(predicate_key(relation.predicate))
    heads = {key.split()[0] for key in wanted if key}
    stems = {stem(w) for w in words}
    if predicate_key(phrase) in wanted or {predicate_key(w) for w in words} & wanted:
        return True
    sense = canonical(relation.predicate).predicate
    if any((v := verb(w)) and v.predicate == sense for w in words):
        return True
    if (place := spatial(list(words))) and place[2].predicate == sense:
        return True
    own = {stem(w) for w in tokens(relation.predicate)}
    return own <= stems or bool(heads & {predicate_key(w) for w in words} & own)


def _in_order(a: int, b: int, words: list[str], between: str, relation: Relation) -> bool:
    """Return whether ``A ... B`` names the participants in the relation's order."""
    key = predicate_key(relation.predicate)
    if key in inverse_keys(key):
        return True
    ends = (relation.subject, relation.object, relation.recipient)
    order = (ends.index(a), ends.index(b))
    if _is_inverse(words, between, relation):
        return order[0] > order[1]
    if order == (2, 1):
        return bool(_PASSIVE.search(between))
    return order[0] < order[1]


def _is_inverse(words: list[str], between: str, relation: Relation) -> bool:
    """Return whether the words name the roles the other way round: ``is held by``."""
    if _PASSIVE.search(between) and words[-1] == "by":
        return True
    own, place = canonical(relation.predicate), spatial(words)
    if place and place[2].predicate == own.predicate:
        return place[2].frame != own.frame
    return any((v := verb(w)) and v.frame in {"inverse", "receiver"} for w in words)


def _no_predicate(
    sentence: str, mentions: Sequence[_Mention], relations: Sequence[Relation], graph: TemporalGraph
) -> str | None:
    """Check a sentence about one object: what it does must be what is cited."""
    if len({m.id for m in mentions}) > 1:
        return None
    ids = tuple(
        i for r in relations for i in (r.subject, r.object, r.recipient) if i not in {None, CAMERA}
    )
    words = tokens(_REFERENCE.sub(" ", sentence))
    content = [w for w in words if w not in _LIGHT and not _is_label(w, ids, graph)]
    known = [w for w in content if verb(w) or w.endswith(_VERB_ENDINGS)]
    if not known or any(_says(content, r) for r in relations):
        return None
    said = "; ".join(f"{r.id} says {graph.describe(r)!r}" for r in relations[:3])
    return f"nothing cited says {' '.join(known)!r}: {said}"
