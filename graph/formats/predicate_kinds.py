"""Predicate kinds: what sort of statement a predicate in free words makes."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from reelgraph.graph.lexicon import predicate_key
from reelgraph.graph.schema import Kind

__all__ = ["predicate_kind"]

_WORDS: Final[dict[Kind, str]] = {
    "spatial": """left right above below under underneath beneath over on in inside within
        outside behind front near next beside between against at by along around across top
        toward towards close adjacent beyond overlap overlaps surround surrounds contain
        contains to from among opposite past away""",
    "contact": """touch hold carry grab grasp grip hug press squeeze lift lean catch pat
        embrace caress""",
    "motion": """move approach follow chase walk run jump enter leave fall climb ride drive
        fly swim slide roll swing rotate turn circle crawl dance go come""",
    "stateful": """sit stand lie rest hang wear attach mount connect cover support belong
        park fill mounted lay kneel tie""",
    "social": "talk speak kiss shake toast wave comfort greet",
    "attentional": "look watch see face observe stare gaze read photograph film listen record",
    "event": "pick put hand give take appear disappear throw receive drop",
}
_PHRASES: Final[dict[str, Kind]] = {
    "holding hands with": "social",
    "shaking hands with": "social",
    "standing still": "motion",
}
_KINDS: Final[dict[str, Kind]] = {
    predicate_key(word): kind for kind, words in _WORDS.items() for word in words.split()
}


@lru_cache(maxsize=4096)
def predicate_kind(predicate: str) -> Kind:
    """Return the kind of a predicate by its first word; verbs of no other kind are functional.

    Example:
        >>> [predicate_kind(p) for p in ("in front of", "is holding", "looks at", "opens")]
        ['spatial', 'contact', 'attentional', 'functional']
    """
    key = predicate_key(predicate)
    return _PHRASE_KEYS.get(key) or _KINDS.get(key.split(" ")[0], "functional")


_PHRASE_KEYS: Final[dict[str, Kind]] = {
    predicate_key(phrase): kind for phrase, kind in _PHRASES.items()
}
