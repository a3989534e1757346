"""Words: which names of objects and predicates mean the same.

Predicates are compared by a *key* in which the forms of a verb fall together
(``holds``, ``holding``, ``held``) and, when asked, by the synonyms and the wider and
narrower predicates in `lexicon_data`. Labels are compared by singular, synonym and hypernym.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from reelgraph.graph.lexicon_data import (
    HYPERNYMS,
    INVERSES,
    IRREGULAR_PLURALS,
    IRREGULAR_VERBS,
    KINDS_OF_PREDICATES,
    LABEL_SYNONYMS,
    NARROWER_PREDICATES,
    PREDICATE_SYNONYMS,
    SYMMETRIC,
)

__all__ = [
    "broader_labels",
    "hypernym_keys",
    "inverse_keys",
    "label_forms",
    "label_matches",
    "normalize",
    "predicate_key",
    "singular",
    "synonym_keys",
]

_AUXILIARIES = frozenset({"is", "are", "was", "were", "be", "been", "being", "has", "have", "had"})
_ARTICLES = frozenset({"a", "an", "the", "some", "any"})


def normalize(name: str) -> str:
    """Return a name in lower case with single spaces.

    Example:
        >>> normalize(" In_Front-of "), normalize("play(instrument)")
        ('in front of', 'play')
    """
    bare = re.sub(r"\([^)]*\)", " ", name.lower())
    return " ".join(re.split(r"[\s_\-]+", bare)).strip()


@lru_cache(maxsize=4096)
def singular(noun: str) -> str:
    """Return the singular of a lower-case English noun.

    Example:
        >>> [singular(noun) for noun in ("bottles", "people", "boxes", "glass", "bus")]
        ['bottle', 'person', 'box', 'glass', 'bus']
    """
    if noun in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[noun]
    if noun.endswith("ies") and len(noun) > 4:
        return noun[:-3] + "y"
    if noun.endswith(("sses", "xes", "zzes", "ches", "shes")):
        return noun[:-2]
    if noun.endswith("s") and len(noun) > 3 and not noun.endswith(("ss", "us", "is")):
        return noun[:-1]
    return noun


def _verb_key(verb: str) -> str:
    """Return a stem that all forms of a verb share; not a word to show to people."""
    stem = IRREGULAR_VERBS.get(verb, verb)
    for suffix in ("ing", "ed", "s"):
        rest = stem.removesuffix(suffix)
        if (
            rest != stem
            and re.search(r"[aeiouy]", rest)
            and not stem.endswith(("ss", "eed", "thing"))
        ):
            stem = rest
            break
    stem = stem[:-1] + "i" if stem.endswith("y") else stem.rstrip("e")
    return stem[:-1] if len(stem) > 2 and stem[-1] == stem[-2] else stem


@lru_cache(maxsize=4096)
def predicate_key(predicate: str) -> str:
    """Return the form under which predicates are compared.

    Auxiliaries and articles go, the verb loses its ending, nouns their plural.

    Example:
        >>> {predicate_key(p) for p in ("holds", "holding", "is holding", "held", "hold")}
        {'hold'}
        >>> predicate_key("to the left of") == predicate_key("left of")
        True
    """
    words = normalize(predicate).split()
    words = [word for word in words if word not in _ARTICLES] or words
    while len(words) > 1 and words[0] in _AUXILIARIES:
        words = words[1:]
    if len(words) > 2 and words[0] in {"to", "on", "at"} and words[1] in {"left", "right"}:
        words = words[1:]
    words = [word for word in words if word != "side"] or words
    if not words:
        return ""
    head = words[0] if words[1:2] == ["of"] else _verb_key(words[0])
    return " ".join([head, *map(singular, words[1:])])


def _groups(sets: Iterable[Iterable[str]]) -> dict[str, frozenset[str]]:
    """Return for each key the keys that mean the same, itself included."""
    found: dict[str, frozenset[str]] = {}
    for names in sets:
        keys = frozenset(map(predicate_key, names))
        for key in keys:
            found[key] = found.get(key, frozenset()) | keys
    return found


def _kinds(*tables: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """Return for the key of each wider predicate the keys of its kinds."""
    found: dict[str, frozenset[str]] = {}
    for wider, kinds in (row for table in tables for row in table.items()):
        key = predicate_key(wider)
        found[key] = found.get(key, frozenset()) | frozenset(map(predicate_key, kinds))
    return found


_SYNONYMS = _groups(PREDICATE_SYNONYMS)
_NARROWER = _kinds(NARROWER_PREDICATES)
_KINDS = _kinds(NARROWER_PREDICATES, KINDS_OF_PREDICATES)
_INVERSES = {
    predicate_key(a): predicate_key(b) for pair in INVERSES for a, b in (pair, reversed(pair))
}
_SYMMETRIC = frozenset(map(predicate_key, SYMMETRIC))


@lru_cache(maxsize=4096)
def synonym_keys(key: str) -> frozenset[str]:
    """Return the keys of every predicate that means the same or something narrower."""
    same = _alike(key)
    return same.union(*(_alike(kind) for word in same for kind in _NARROWER.get(word, ())))


@lru_cache(maxsize=4096)
def hypernym_keys(key: str) -> frozenset[str]:
    """Return the keys of every predicate that is wider by one step, or narrower.

    Who grabs holds, and who holds may have grabbed; but who grabs did not throw.

    Example:
        >>> "hold" in hypernym_keys("grab") and "grab" in hypernym_keys("hold")
        True
        >>> "throw" in hypernym_keys("grab")
        False
    """
    same = _alike(key)
    found = {word for name, kinds in _KINDS.items() if kinds & same for word in _alike(name)}
    todo = [*synonym_keys(key)]
    while todo:
        word = todo.pop()
        if word not in found:
            found.add(word)
            todo += (other for kind in _KINDS.get(word, ()) for other in _alike(kind))
    return frozenset(found)


def _alike(key: str) -> frozenset[str]:
    return _SYNONYMS.get(key, frozenset({key}))


@lru_cache(maxsize=4096)
def inverse_keys(key: str) -> frozenset[str]:
    """Return keys that say the same with subject and object exchanged.

    Example:
        >>> inverse_keys(predicate_key("right of")) == {predicate_key("left of")}
        True
        >>> inverse_keys(predicate_key("is held by")) == {predicate_key("holds")}
        True
    """
    if key in _SYMMETRIC:
        return frozenset({key})
    if key in _INVERSES:
        return frozenset({_INVERSES[key]})
    active = key.removesuffix(" by")
    return frozenset({active}) if active != key else frozenset()


@lru_cache(maxsize=4096)
def label_forms(label: str) -> frozenset[str]:
    """Return the names a label goes by: singular, its alternatives, its synonyms.

    Example:
        >>> sorted(label_forms("Sofas"))
        ['couch', 'settee', 'sofa']
    """
    forms: set[str] = set()
    for name in normalize(label).split("/"):
        words = [word for word in name.split() if word not in _ARTICLES]
        if words:
            forms.add(" ".join([*words[:-1], singular(words[-1])]))
    return frozenset(forms.union(*(_LABELS.get(form, ()) for form in forms)))


_LABELS = {name: frozenset(names) for names in LABEL_SYNONYMS for name in names}


@lru_cache(maxsize=4096)
def broader_labels(form: str) -> frozenset[str]:
    """Return every name for a wider kind of thing, e.g. person for man."""
    found: set[str] = set()
    todo = [form]
    while todo:
        for parent in HYPERNYMS.get(todo.pop(), ()):
            if parent not in found:
                names = _LABELS.get(parent, frozenset({parent}))
                found |= names
                todo.extend(names)
    return frozenset(found)


@lru_cache(maxsize=16384)
def label_matches(query: str, label: str) -> bool:
    """Return whether a thing called ``label`` is a ``query``.

    Besides synonyms, a name covers its narrower kinds (``person`` a ``man``) and its
    compounds (``cup`` a ``tea cup``).

    Example:
        >>> [label_matches("people", label) for label in ("man", "person", "dog")]
        [True, True, False]
    """
    wanted = label_forms(query)
    for form in label_forms(label):
        last = form.rsplit(" ", maxsplit=1)[-1]
        tails = {form, last, *label_forms(last)} if last != form else {form}
        if wanted & tails or any(wanted & broader_labels(tail) for tail in tails):
            return True
    return False
