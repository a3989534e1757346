"""From the words of a query to the ids and predicates of one graph."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final, Literal, TypeAlias, get_args

from reelgraph.errors import QueryError
from reelgraph.graph import lexicon
from reelgraph.graph.schema import CAMERA, SceneObject
from reelgraph.graph.text_words import clean, tag

__all__ = ["Match", "ObjectNames", "stored_predicates"]

Match: TypeAlias = Literal["exact", "lemma", "synonym", "hypernym"]
"""How far a predicate may be from the stored one: not at all, in another form of the verb,
another word, or of a wider or narrower kind (grab, hold)."""

_WIDER: Final[dict[Match, Callable[[str], frozenset[str]]]] = {
    "synonym": lexicon.synonym_keys,
    "hypernym": lexicon.hypernym_keys,
}
_ANYTHING = frozenset({"object", "thing", "anything", "something"})
_SHOWN = 20
"""How many names a message lists before it counts the rest."""


class ObjectNames:
    """The objects of one graph by id and by what people call them.

    Args:
        objects: The objects by id, in order.
    """

    def __init__(self, objects: Mapping[int, SceneObject]) -> None:
        self._objects = objects
        self._ids: dict[str, frozenset[int]] = {}

    def get(self, object_id: int) -> SceneObject:
        """Return an object by id.

        Raises:
            QueryError: If there is no such object.
        """
        try:
            return self._objects[object_id]
        except KeyError:
            raise QueryError(
                f"No object has id {object_id!r}. {self._known()}", choices=self._names()
            ) from None

    def label(self, object_id: int) -> str:
        """Return the label of an object, or ``"camera"``."""
        return "camera" if object_id == CAMERA else self.get(object_id).label

    def name(self, object_id: int, *, mark: bool = False) -> str:
        """Return ``"person #1"`` or, if ``mark`` is set and the label a guess, ``"person? #1"``."""
        if object_id == CAMERA:
            return "camera"
        item = self.get(object_id)
        return f"{clean(item.label)}{'?' if mark and item.uncertain else ''} #{object_id}"

    def ids(self, name: int | str) -> frozenset[int]:
        """Return the ids that an id or a name stands for.

        Raises:
            QueryError: If there are none.
        """
        if not isinstance(name, str):
            return frozenset({CAMERA if name == CAMERA else self.get(name).id})
        if name not in self._ids:
            self._ids[name] = self._search(name)
        return self._ids[name]

    def _search(self, name: str) -> frozenset[int]:
        wanted = lexicon.normalize(name)
        if numbered := re.search(r"#\s*(\d+)$", wanted):
            return frozenset({self.get(int(numbered[1])).id})
        if lexicon.singular(wanted) in _ANYTHING:
            return frozenset(self._objects)
        found = frozenset(i for i, item in self._objects.items() if _is_a(item, wanted))
        if wanted.removeprefix("the ") == "camera":
            found |= {CAMERA}
        if not found and wanted[-1:].isdigit() and wanted in self._tags:
            return frozenset({self._tags[wanted]})
        if not found:
            raise self._unknown(name, wanted)
        return found

    @cached_property
    def _tags(self) -> dict[str, int]:
        """The names that `to_text` writes, such as ``"ball3"`` and ``"ball?3"``."""
        tags = {lexicon.normalize(tag(item)): i for i, item in self._objects.items()}
        return {name.replace("?", ""): i for name, i in tags.items()} | tags

    def _unknown(self, name: str, wanted: str) -> QueryError:
        labels = sorted({item.label for item in self._objects.values()})
        broader = lexicon.broader_labels(wanted)
        wider = [label for label in labels if lexicon.label_forms(label) & broader]
        near = list(dict.fromkeys([*wider, *_similar(wanted, labels)]))
        return QueryError(
            f"No object is called {name!r}.{_hint(near)} {self._known()}",
            choices=tuple(dict.fromkeys([*near, *labels])),
        )

    def _names(self) -> tuple[str, ...]:
        return tuple(self.name(i) for i in self._objects)

    def _known(self) -> str:
        names = self._names()
        if not names:
            return "The graph has no objects."
        return f"The graph has: {_listed(names)}."


def _is_a(item: SceneObject, wanted: str) -> bool:
    """Return whether an object fits a label, which may lead with attributes."""
    if lexicon.label_matches(wanted, item.label):
        return True
    *adjectives, noun = wanted.split() or [""]
    traits = {word for trait in item.attributes for word in lexicon.normalize(trait).split()}
    traits.update(["the", *lexicon.normalize(item.label).split()])
    return bool(adjectives) and lexicon.label_matches(noun, item.label) and traits >= {*adjectives}


def stored_predicates(
    predicate: str, known: Sequence[str], match: Match
) -> tuple[frozenset[str], frozenset[str]]:
    """Return which of the ``known`` predicates mean this, and which mean its inverse.

    Raises:
        QueryError: If there are none of either.
    """
    if match not in get_args(Match):
        raise QueryError(
            f"match must be one of {', '.join(get_args(Match))}, got {match!r}.",
            choices=get_args(Match),
        )
    forward, inverse = _matching(predicate, known, match)
    if forward or inverse:
        return forward, inverse
    near = _similar(lexicon.normalize(predicate), known)
    hint, same = _hint(near), list[str]()
    for wider in _WIDER:
        if not same and (same := sorted(frozenset().union(*_matching(predicate, known, wider)))):
            hint = f" match={wider!r} finds it as {', '.join(map(repr, same))}."
    raise QueryError(
        f"No relation says {predicate!r}.{hint} "
        f"The graph's predicates: {_listed([clean(name) for name in known]) or 'none'}.",
        choices=tuple(dict.fromkeys([*same, *near, *known])),
    )


def _matching(
    predicate: str, known: Iterable[str], match: Match
) -> tuple[frozenset[str], frozenset[str]]:
    key = lexicon.predicate_key(predicate)
    keys = _WIDER[match](key) if match in _WIDER else frozenset({key})
    turned = frozenset[str]().union(*map(lexicon.inverse_keys, keys))
    if match in _WIDER:
        inverses = map(lexicon.inverse_keys, lexicon.synonym_keys(key))
        turned = turned.union(*map(_WIDER[match], frozenset[str]().union(*inverses)))
    words = lexicon.normalize(predicate)
    by_key = {name: lexicon.predicate_key(name) for name in known}
    exact = frozenset(name for name in by_key if lexicon.normalize(name) == words)
    forward = exact if match == "exact" else frozenset(n for n, k in by_key.items() if k in keys)
    return forward, frozenset(name for name, stored in by_key.items() if stored in turned)


def _similar(name: str, known: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(name, list(known), n=3)


def _hint(near: Sequence[str]) -> str:
    return f" Did you mean {near[0]!r}?" if near else ""


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
