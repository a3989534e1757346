"""WordNet's word similarity by Wu and Palmer, read from the database's plain files.

The files (``index.*``, ``data.*``, ``*.exc`` of WordNet 3.0) come with Debian's package
``wordnet-base`` and many others; none is part of reelgraph. Words, synsets and paths are
found as NLTK 3.3 does, on which the published WUPS numbers rest: newer versions of NLTK put
an artificial root over more pairs, which lowers NExT-OE's published 21.48 to 20.38.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from reelgraph.errors import EvalError

__all__ = ["WordNet"]

_PARTS: Final = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
"""Parts of speech in the order in which senses are listed."""
_HYPERNYMS: Final = frozenset({"@", "@i"})
_ENDINGS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "n": (
        ("s", ""), ("ses", "s"), ("ves", "f"), ("xes", "x"), ("zes", "z"), ("ches", "ch"),
        ("shes", "sh"), ("men", "man"), ("ies", "y"),
    ),
    "v": (
        ("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""),
        ("ing", "e"), ("ing", ""),
    ),
    "a": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "r": (),
}  # fmt: skip
"""What an inflected word may end in, and what it then ends in without inflection."""


class _Synset(NamedTuple):
    """A set of synonyms, named by part of speech and place in the data file."""

    part: str
    offset: int


_ROOT: Final = _Synset("root", 0)
"""Stands above all verbs, which have no common root of their own."""


class WordNet:
    """Similarity of English words by their first senses.

    Args:
        folder: Where the database files are, e.g. ``/usr/share/wordnet`` on Debian.

    Raises:
        EvalError: If a file is missing.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        names = [f"{kind}.{part}" for part in _PARTS.values() for kind in ("index", "data")]
        if missing := [name for name in names if not (self._folder / name).is_file()]:
            raise EvalError(
                f"{str(folder)!r} lacks WordNet's files {missing}; install them (Debian: "
                "apt-get install wordnet-base) and name their folder, e.g. /usr/share/wordnet"
            )
        self.similarity = lru_cache(maxsize=1 << 16)(self._similarity)

    def __call__(self, first: str, second: str) -> float:
        """Return the similarity of two words, 0 to 1; see `similarity`."""
        return self.similarity(first, second)

    def _similarity(self, first: str, second: str) -> float:
        """Return Wu-Palmer similarity of the first senses; 0 if there is none, 1 if equal.

        Not symmetric: only a verb as the first word lets the two meet at an artificial root.
        """
        if first == second:
            return 1.0
        one, other = self._first_sense(first), self._first_sense(second)
        if one is None or other is None:
            return 0.0
        rooted = one.part == "v"
        meeting = self._meeting(one, other, rooted=rooted)
        if meeting is None:
            return 0.0
        depth = self._max_depth(meeting) + 1
        away = [self._distance(item, meeting, rooted=rooted) for item in (one, other)]
        return 2 * depth / (sum(away) + 2 * depth)

    # ------------------------------------------------------------------------------- senses

    @cached_property
    def _index(self) -> dict[str, dict[str, list[int]]]:
        """Places of the senses of each word, by part of speech, most frequent first."""
        found: dict[str, dict[str, list[int]]] = {part: {} for part in _PARTS}
        for part, name in _PARTS.items():
            for fields in self._lines(f"index.{name}"):
                count, pointers = int(fields[2]), int(fields[3])
                places = fields[6 + pointers : 6 + pointers + count]
                found[part][fields[0]] = [int(place) for place in places]
        return found

    @cached_property
    def _exceptions(self) -> dict[str, dict[str, list[str]]]:
        found: dict[str, dict[str, list[str]]] = {part: {} for part in _PARTS}
        for part, name in _PARTS.items():
            path = self._folder / f"{name}.exc"
            if path.is_file():
                for fields in self._lines(path.name):
                    found[part][fields[0]] = fields[1:]
        return found

    def _lines(self, name: str) -> Iterator[list[str]]:
        """Yield the fields of each line below the licence, whose lines begin with a space."""
        with (self._folder / name).open(encoding="latin-1") as file:
            for line in file:
                if not line.startswith(" ") and line.strip():
                    yield line.split()

    def _first_sense(self, word: str) -> _Synset | None:
        for part in _PARTS:
            for form in self._base_forms(word.lower(), part):
                return _Synset(part, self._index[part][form][0])
        return None

    def _base_forms(self, word: str, part: str) -> list[str]:
        """Return the words of a part of speech that a word may be a form of."""
        if word in self._exceptions[part]:
            return self._known([word, *self._exceptions[part][word]], part)
        forms = _uninflected([word], part)
        found = self._known([word, *forms], part)
        while forms and not found:
            forms = _uninflected(forms, part)
            found = self._known(forms, part)
        return found

    def _known(self, forms: Iterable[str], part: str) -> list[str]:
        return [form for form in dict.fromkeys(forms) if form in self._index[part]]

    # ------------------------------------------------------------------------------ taxonomy

    @cached_property
    def _data(self) -> dict[_Synset, tuple[str, tuple[_Synset, ...]]]:
        """First word and hypernyms of each noun and verb; the others have none."""
        found = {}
        for part in ("n", "v"):
            for fields in self._lines(f"data.{_PARTS[part]}"):
                words = int(fields[3], 16)
                at = 4 + 2 * words
                pointers = (
                    fields[i : i + 4] for i in range(at + 1, at + 1 + 4 * int(fields[at]), 4)
                )
                above = [(sign, _Synset(kind, int(to))) for sign, to, kind, _ in pointers]
                # Kinds come before instances, as NLTK walks them.
                ordered = [item for sign in ("@", "@i") for s, item in above if s == sign]
                found[_Synset(part, int(fields[0]))] = fields[4].lower(), tuple(ordered)
        return found

    def _above(self, synset: _Synset) -> tuple[_Synset, ...]:
        return self._data[synset][1] if synset in self._data else ()

    def _name(self, synset: _Synset) -> str:
        """Return NLTK's name of a synset, by which it breaks ties: ``dog.n.01``."""
        if synset == _ROOT:
            return "*ROOT*"
        word = self._data[synset][0]
        place = self._index[synset.part].get(word, []).index(synset.offset) + 1
        return f"{word}.{synset.part}.{place:02d}"

    def _paths(self, synset: _Synset, *, rooted: bool) -> dict[_Synset, int]:
        """Return the shortest distance to each synset above, itself included."""
        if synset == _ROOT:
            return {_ROOT: 0}
        found: dict[_Synset, int] = {}
        queue = deque([(synset, 0)])
        while queue:
            item, steps = queue.popleft()
            if item not in found:
                found[item] = steps
                queue.extend((above, steps + 1) for above in self._above(item))
        if rooted:
            found[_ROOT] = max(found.values()) + 1
        return found

    def _min_depth(self, synset: _Synset) -> int:
        above = self._above(synset)
        return 1 + min(map(self._min_depth, above)) if above else 0

    def _max_depth(self, synset: _Synset) -> int:
        above = self._above(synset)
        return 1 + max(map(self._max_depth, above)) if above else 0

    def _meeting(self, one: _Synset, other: _Synset, *, rooted: bool) -> _Synset | None:
        """Return the deepest synset above both: the first itself, else the first by name."""
        shared = self._paths(one, rooted=rooted).keys() & self._paths(other, rooted=rooted).keys()
        if not shared:
            return None
        depths = {item: self._min_depth(item) for item in shared}
        deepest = [item for item, depth in depths.items() if depth == max(depths.values())]
        return one if one in deepest else min(deepest, key=self._name)

    def _distance(self, one: _Synset, other: _Synset, *, rooted: bool) -> int:
        """Return the length of the shortest path between two synsets that meet."""
        left, right = self._paths(one, rooted=rooted), self._paths(other, rooted=rooted)
        return 0 if one == other else min(left[item] + right[item] for item in left.keys() & right)


def _uninflected(forms: Iterable[str], part: str) -> list[str]:
    return [
        form.removesuffix(old) + new
        for form in forms
        for old, new in _ENDINGS[part]
        if form.endswith(old)
    ]
