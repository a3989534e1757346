"""Clauses: a verb or a spatial phrase with the noun phrases around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from reelgraph.agent.language import ORDINALS, stem, word_set
from reelgraph.agent.modifiers import take_aspect, take_modifiers, take_repeats
from reelgraph.agent.phrases import RANKS, Ref, noun_phrase
from reelgraph.agent.verbs import PARTICLES, VISIBLE, Sense, directed, spatial, verb
from reelgraph.agent.vocabulary import SCENERY, SURFACES, Vocabulary, spatial_only
from reelgraph.graph.lexicon import predicate_key, synonym_keys

__all__ = ["Pattern", "Role", "read_clause"]

Role: TypeAlias = Literal["subject", "object", "recipient"]

_AUX = word_set("is are was were be been being am do does did can could will would to that")
_HAVE = word_set("has have had having")
_BE = word_set("is are was were be been being get gets got")
_WEAK = frozenset(map(stem, ("have", "get", "keep", "see", "move", "near", "stop", "own")))
_POSTURES = frozenset(
    map(stem, word_set("stand sit lie stay wait rest pass walk run be located go"))
)
_FEELINGS = frozenset(map(stem, ("feel", "look")))
"""Verbs that are only synonyms of a relation with what follows them."""
_REMAINS = frozenset(map(stem, ("stay", "remain")))
"""Verbs that mean being in view where the graph has no relation for them."""
_PARTICIPLES = word_set(
    "taken given held put brought set caught thrown seen driven ridden left worn kept hit cut"
)
_LOOSE = word_set("down up away off out back around about together again over on")
"""Particles that change little where the verb alone is known."""
_ROLE_WORDS = frozenset({"to", "from", "by", "with", "on", "in", "at", "into", "onto", "of", "for"})
_DETERMINERS = word_set("a an the this that two three four five many which what some any no")


@dataclass(frozen=True)
class Pattern:
    """What a clause claims or asks, in the graph's words.

    Attributes:
        predicates: The graph's predicates that fit; empty if it has none.
        sense: Canonical predicate, or ``""`` if the verb is not known at all.
        subject: Who acts, None for anyone.
        object: What is acted on, None for anything.
        recipient: Who receives, None for anyone.
        asked: The role that a question asks for.
        ordinal: Which occurrence, from 1; -1 for the last; None for any.
        negated: True for ``never`` and ``not``.
        repeats: How often it must have happened (``twice``), None for any number.
        aspect: ``"start"`` or ``"end"`` for ``starts to`` and ``stops``, None for all of it.
        together: True for ``at once``: several occurrences that overlap.
        words: The clause as it was read.
        unread: Words that look like a verb and mean nothing here.
    """

    predicates: tuple[str, ...] = ()
    sense: str = ""
    subject: Ref | None = None
    object: Ref | None = None
    recipient: Ref | None = None
    asked: Role | None = None
    ordinal: int | None = None
    negated: bool = False
    repeats: int | None = None
    aspect: Literal["start", "end"] | None = None
    together: bool = False
    words: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def refs(self) -> dict[Role, Ref]:
        """The noun phrases by role."""
        found: dict[Role, Ref | None] = {
            "subject": self.subject,
            "object": self.object,
            "recipient": self.recipient,
        }
        return {role: ref for role, ref in found.items() if ref is not None}


@dataclass(frozen=True)
class _Verb:
    """A verb found in a clause: where it starts and ends, and what it means."""

    start: int
    end: int
    predicates: tuple[str, ...]
    sense: Sense
    passive: bool
    words: tuple[str, ...]


def read_clause(words: Sequence[str], vocabulary: Vocabulary, *, asked: bool = False) -> Pattern:
    """Read a clause.

    Args:
        words: Tokens without question word order undone, e.g. ``which bottle is taken``.
        vocabulary: The graph's words.
        asked: True if the first noun phrase is what the question asks for.
    """
    words, repeats = take_repeats(_nominal(words, vocabulary))
    words, aspect = take_aspect(words)
    plain, ordinal, negated, together = take_modifiers(words)
    plain = _without_posture(plain)
    found = _find_verb(plain, vocabulary)
    if found is None:
        pattern = _copular(plain, vocabulary, asked=asked)
    else:
        pattern = _around(plain, found, vocabulary, asked=asked)
    return replace(
        pattern,
        ordinal=ordinal if ordinal is not None else pattern.ordinal,
        negated=negated,
        repeats=repeats,
        aspect=aspect,
        together=together,
        words=tuple(words),
    )


def _without_posture(words: list[str]) -> list[str]:
    """Drop the verb of ``stands next to`` and ``passes in front of``: the place matters."""
    place = spatial(words)
    if place is None or place[0] == 0:
        return words
    if place[1] - place[0] == 1 and words[place[0]] in PARTICLES:
        return words
    before = place[0] - 1
    return words[:before] + words[before + 1 :] if stem(words[before]) in _POSTURES else words


def _nominal(words: Sequence[str], vocabulary: Vocabulary) -> list[str]:
    """Read ``the throw of the ball`` as ``throw the ball``, where no other verb is there."""
    plain = list(words[1:] if words[:1] and words[0] in _AUX else words)
    if len(plain) < 2 or plain[0] not in {"the", "a", "an"} or vocabulary.is_noun(plain[1]):
        return list(words)
    known = verb(plain[1]) or vocabulary.has_head(plain[1])
    if not known or _find_verb(plain, vocabulary) is not None:
        return list(words)
    return [plain[1], *(w for i, w in enumerate(plain[2:]) if i or w != "of")]


def _find_verb(words: list[str], vocabulary: Vocabulary) -> _Verb | None:
    """Return the clause's verb; ``have`` and the like only where there is no other."""
    found = [v for i in range(len(words)) if (v := _verb_at(words, i, vocabulary))]
    strong = [v for v in found if stem(words[v.start]) not in _WEAK or v.words[1:]]
    return next(iter(strong or found), None)


def _verb_at(words: list[str], index: int, vocabulary: Vocabulary) -> _Verb | None:
    word = words[index]
    if word in _AUX or _is_noun_here(words, index, vocabulary):
        return None
    particle = next((w for w in words[index + 1 :] if w in PARTICLES and verb(word, w)), None)
    sense = verb(word, particle) if particle else verb(word)
    if direction := directed(word, " ".join(words[index + 1 :])):
        sense, particle = Sense(direction), None
    if sense is None and not vocabulary.has_head(word) and not _alike(words, index, vocabulary):
        return None
    used = (word, particle) if particle else (word,)
    full = _full(words, index, used, vocabulary)
    predicates = vocabulary.predicates_for(full, sense)
    if not predicates and stem(word) in _REMAINS:
        predicates, sense = (VISIBLE,), Sense(VISIBLE)
    if predicates and sense is None:
        sense = Sense(predicates[0])
    passive = index > 0 and _is_passive(words, index)
    end = index + (len(full) if full != list(used) and len(full) > 1 else 1)
    return _Verb(index, end, predicates, sense or Sense(word), passive, used)


def _full(words: list[str], index: int, used: tuple[str, ...], vocabulary: Vocabulary) -> list[str]:
    """Return the verb with the words after it that belong to one of the graph's predicates."""
    rest = words[index:]
    for predicate in sorted(vocabulary.predicates, key=len, reverse=True):
        parts = predicate.replace("_", " ").split()
        if len(parts) > 1 and [stem(w) for w in rest[: len(parts)]] == [stem(p) for p in parts]:
            return rest[: len(parts)]
    if verb(words[index]) is None and not vocabulary.has_head(words[index]):
        return _alike(words, index, vocabulary) or list(used)
    return list(used)


def _alike(words: list[str], index: int, vocabulary: Vocabulary) -> list[str]:
    """Return the longest run of words from here that is a synonym of one of the predicates."""
    word = words[index]
    if word in _AUX | _ROLE_WORDS | _DETERMINERS | PARTICLES or stem(word) in _FEELINGS:
        return []
    for end in range(min(index + 3, len(words)), index, -1):
        if RANKS.keys() & set(words[index:end]) or words[end - 1] in _DETERMINERS:
            continue
        keys = synonym_keys(predicate_key(" ".join(words[index:end])))
        if any(predicate_key(p) in keys for p in vocabulary.predicates if not spatial_only(p)):
            return words[index:end]
    return []


def _is_noun_here(words: list[str], index: int, vocabulary: Vocabulary) -> bool:
    """Return whether a word that could be a verb (``hands``) is a noun where it stands."""
    word = words[index]
    before = words[index - 1] if index else ""
    if not vocabulary.is_noun(word):
        return before in {"a", "an", "the"}
    if before in _DETERMINERS or before in RANKS or before in ORDINALS:
        return True
    if stem(before) in vocabulary.adjectives and not vocabulary.is_noun(before):
        return True
    return index == 0 and vocabulary.is_noun(word) and len(words) > 1


def _is_passive(words: list[str], index: int) -> bool:
    word = words[index]
    participle = word in _PARTICIPLES or (word.endswith("ed") and stem(word) != word)
    return participle and any(w in _BE for w in words[:index])


def _around(words: list[str], found: _Verb, vocabulary: Vocabulary, *, asked: bool) -> Pattern:
    """Assign the noun phrases around a verb to its roles."""
    left = words[: found.start]
    right = _without_particle(words[found.end :], found)
    chunks = _chunks(right)
    wh, subject = _split_subject(left, asked=asked)
    nouns = {key: noun_phrase(chunk, vocabulary) for key, chunk in chunks.items()}
    grammar = _Grammar(
        wh=noun_phrase(wh, vocabulary) or (noun_phrase(["what"], vocabulary) if asked else None),
        subject=noun_phrase(subject, vocabulary) if subject else None,
        has_subject=bool(subject),
        nouns=nouns,
        dangling=right[-1] if right and right[-1] in {"to", "from", "by"} else None,
        bare=chunks,
    )
    return _fill(found, grammar, vocabulary, asked=asked)


@dataclass(frozen=True)
class _Grammar:
    """The noun phrases of a clause by grammatical place."""

    wh: Ref | None
    subject: Ref | None
    has_subject: bool
    nouns: dict[str, Ref | None]
    dangling: str | None
    bare: dict[str, list[str]]


def _without_particle(words: list[str], found: _Verb) -> list[str]:
    """Drop the verb's particle, and the rest of the graph's own multi-word predicate."""
    particles = set(found.words[1:])
    plain = [w for i, w in enumerate(words) if not (w in particles and w not in words[:i])]
    while plain and plain[-1] in _LOOSE:
        plain.pop()
    while plain and plain[0] in _LOOSE:
        plain.pop(0)
    if found.sense.predicate in {"moves away from", "approaches"}:
        drop = {"away", "from", "toward", "towards", "to", "closer"}
        plain = [w for w in plain if w not in drop]
    return plain


def _chunks(words: list[str]) -> dict[str, list[str]]:
    """Split what follows a verb at its prepositions; ``""`` is the direct object."""
    chunks: dict[str, list[str]] = {"": []}
    key = ""
    for index, word in enumerate(words):
        in_phrase = word in {"in", "with"} and chunks[key] and index + 1 < len(words)
        if word in _ROLE_WORDS and not in_phrase:
            key = word
            chunks.setdefault(key, [])
        else:
            chunks[key].append(word)
    return chunks


def _split_subject(left: list[str], *, asked: bool) -> tuple[list[str], list[str]]:
    """Split what precedes a verb into the question phrase and the subject after the auxiliary."""
    at = next((i for i, w in enumerate(left) if w in _AUX), None)
    if not asked:
        return [], [w for w in left if w not in _AUX | _HAVE]
    if at is None:
        return [w for w in left if w not in _HAVE], []
    return left[:at], [w for w in left[at:] if w not in _AUX | _HAVE]


@dataclass(frozen=True)
class _Places:
    """Who stands where: before the verb, after it, after ``to`` and after ``from``."""

    inner: Ref | None
    outer: Ref | None
    to: Ref | None
    giver: Ref | None
    asked: str | None


def _fill(found: _Verb, grammar: _Grammar, vocabulary: Vocabulary, *, asked: bool) -> Pattern:
    """Turn grammatical places into the roles of the relation."""
    place = None
    if asked:
        place = (grammar.dangling or "outer") if grammar.has_subject else "inner"
    wh, nouns = grammar.wh, grammar.nouns
    places = _Places(
        inner=grammar.subject if grammar.has_subject or not asked else wh,
        outer=wh if place == "outer" else nouns.get(""),
        to=wh if place == "to" else nouns.get("to"),
        giver=wh if place == "from" else nouns.get("from"),
        asked=place,
    )
    return _roles(found, places, grammar, vocabulary)


def _roles(found: _Verb, places: _Places, grammar: _Grammar, vocabulary: Vocabulary) -> Pattern:
    """Give every place its role, by the frame of the verb and its voice."""
    base = Pattern(found.predicates, found.sense.predicate)
    if taken := _leaves_surface(found, grammar, vocabulary):
        base = replace(base, predicates=taken, sense="takes away")
        return replace(base, object=places.inner, asked=_role(places.asked, inner="object"))
    if found.sense.frame == "intransitive" or _returns(found, places.outer):
        return replace(base, object=places.inner, asked=_role(places.asked, inner="object"))
    if found.passive:
        return _passive(base, places, grammar)
    return _active(base, found.sense, places)


def _active(base: Pattern, sense: Sense, places: _Places) -> Pattern:
    inner, outer, asked = places.inner, places.outer, places.asked
    if sense.frame == "receiver":
        role = _role(asked, inner="recipient", outer="object", giver="subject")
        return replace(base, recipient=inner, object=outer, subject=places.giver, asked=role)
    if base.sense == VISIBLE:
        return replace(base, subject=outer if inner is None else inner, asked=_role(asked))
    if sense.frame == "inverse":
        role = _role(asked, inner="object", outer="subject")
        return replace(base, subject=outer, object=inner, asked=role)
    return replace(base, subject=inner, object=outer, recipient=places.to, asked=_role(asked))


def _passive(base: Pattern, places: _Places, grammar: _Grammar) -> Pattern:
    """Read ``the ball is handed to 2 by 1``, or ``2 is handed the ball``."""
    asked = places.asked
    agent = grammar.wh if asked == "by" else grammar.nouns.get("by")
    if places.outer is not None and base.sense == "hands":
        role = _role(asked, inner="recipient", outer="object", agent="subject")
        return replace(base, subject=agent, object=places.outer, recipient=places.inner, asked=role)
    role = _role(asked, inner="object", to="recipient", agent="subject")
    return replace(base, subject=agent, object=places.inner, recipient=places.to, asked=role)


def _role(
    asked: str | None,
    *,
    inner: Role = "subject",
    outer: Role = "object",
    to: Role = "recipient",
    giver: Role = "subject",
    agent: Role = "subject",
) -> Role | None:
    table: dict[str, Role] = {
        "inner": inner, "outer": outer, "to": to, "from": giver, "by": agent, "agent": agent
    }  # fmt: skip
    return table[asked] if asked else None


def _leaves_surface(found: _Verb, grammar: _Grammar, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return the predicates for being taken if a thing leaves what it rests on."""
    place = {stem(word) for word in grammar.bare.get("", [])}
    if found.sense.predicate != "leaves" or not place & SURFACES:
        return ()
    return vocabulary.meaning("takes away")


def _returns(found: _Verb, outer: Ref | None) -> bool:
    """Return whether the thing named first is what is acted on: ``the bottle returns``."""
    return stem(found.words[0]) == stem("return") and outer is None and not found.passive


def _copular(words: list[str], vocabulary: Vocabulary, *, asked: bool) -> Pattern:
    """Read a clause without a verb: ``is the ball left of the box``, ``who is near the car``."""
    if place := spatial(words):
        start, end, sense = place
        wh, inner = _split_subject(words[:start], asked=asked)
        return _placed(wh, inner, words[end:], sense, vocabulary, asked=asked)
    wh, inner = _split_subject(words, asked=asked)
    ref = noun_phrase([*wh, *inner], vocabulary)
    present = {"there", "here"} & set(words) or any(stem(w) in SCENERY for w in words)
    visible = asked or bool(present)
    unread = ref.unknown if ref else ()
    return Pattern(
        predicates=(VISIBLE,) if visible else (),
        sense=VISIBLE if visible else "",
        subject=ref,
        asked="subject" if asked else None,
        unread=unread,
    )


def _placed(
    wh: list[str],
    inner: list[str],
    after: list[str],
    sense: Sense,
    vocabulary: Vocabulary,
    *,
    asked: bool,
) -> Pattern:
    """Read ``A is left of B`` and its questions."""
    first = noun_phrase(inner or wh, vocabulary)
    second = noun_phrase(wh, vocabulary) if asked and inner else noun_phrase(after, vocabulary)
    role: Role | None = ("object" if inner else "subject") if asked else None
    if sense.frame == "inverse":
        first, second = second, first
        role = {"subject": "object", "object": "subject"}.get(role or "")  # type: ignore[assignment]
    predicates = vocabulary.meaning(sense.predicate)
    return Pattern(predicates, sense.predicate, subject=first, object=second, asked=role)
