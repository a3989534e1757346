"""From a finding to a draft: sentences with references and the ids they cite."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reelgraph.agent.answer import AnswerDraft
from reelgraph.agent.facts import Facts, Occurrence
from reelgraph.agent.finding import Finding
from reelgraph.agent.question import Question
from reelgraph.agent.verbs import VISIBLE, verb
from reelgraph.agent.vocabulary import spatial_only
from reelgraph.graph.lexicon import predicate_key
from reelgraph.graph.lexicon_data import (
    IRREGULAR_VERBS,
    KINDS_OF_PREDICATES,
    PREDICATE_SYNONYMS,
)
from reelgraph.graph.schema import CAMERA
from reelgraph.graph.serialize import clean

__all__ = ["compose", "sentence"]

MOST_SENTENCES = 3
MOST_CITED = 20

_PLACES = frozenset(
    ["toward", "towards", "on", "in", "at", "against", "between", "around", "along", "across"]
)
_VERBS = frozenset(
    predicate_key(name.split()[0])
    for name in (
        *IRREGULAR_VERBS.values(),
        *(n for names in PREDICATE_SYNONYMS for n in names),
        *(n for names in KINDS_OF_PREDICATES.values() for n in names),
    )
)
"""Keys of words that a predicate may start with as a verb."""


def compose(question: Question, finding: Finding, facts: Facts, choice: int | None) -> AnswerDraft:
    """Return the draft for a finding; an unknown one abstains.

    Args:
        question: What was asked.
        finding: What the facts say.
        facts: What tools returned.
        choice: The option that the finding supports, or None.
    """
    if finding.status == "unknown":
        return AnswerDraft(text=f"I do not know: {finding.reason}.", abstain=True, confidence=0.0)
    if finding.status == "no" and not finding.occurrences and not finding.entities:
        return AnswerDraft(text=f"I do not know: {finding.reason}.", abstain=True, confidence=0.0)
    cited = [*finding.occurrences, *finding.beside][:MOST_CITED]
    return AnswerDraft(
        text=_told_once(_text(question, finding, facts)),
        relations=[o.cite for o in cited if not o.cite.startswith("o")],
        objects=_objects(finding),
        results=[finding.result] if finding.result else [],
        choice=choice,
        confidence=finding.confidence,
    )


def _told_once(text: str) -> str:
    """Return the text with the attributes of each object only where it is first named."""
    seen: set[str] = set()

    def once(found: re.Match[str]) -> str:
        again = found[1] in seen
        seen.add(found[1])
        return found[1] if again else found[0]

    return re.sub(r"(\[o\d+\]) \([^)]*\)", once, text)


def _objects(finding: Finding) -> list[int]:
    """Return the objects that the answer rests on besides relations."""
    seen = [o.subject for o in finding.occurrences if o.cite.startswith("o")]
    return list(dict.fromkeys([*seen, *finding.entities]))[:MOST_CITED]


def _text(question: Question, finding: Finding, facts: Facts) -> str:
    writer = {
        "when": _when,
        "how long": _how_long,
        "how often": _how_often,
        "how many": _how_many,
        "yes or no": _yes_no,
        "attribute": _attribute,
        "describe": _describe,
        "order": _order,
        "gap": _gap,
        "either": _either,
        "why": _why,
    }.get(question.asked)
    if writer is not None:
        return writer(question, finding, facts)
    if question.measure and finding.entities:
        return _stands_out(question, finding, facts)
    if finding.occurrences and not question.pattern.negated:
        return _sentences(finding.occurrences, facts) + _beside(question, finding, facts)
    return _entities(question, finding, facts)


def _beside(question: Question, finding: Finding, facts: Facts) -> str:
    """Return the sentence that says what the time of the answer was taken from."""
    if not finding.beside or not question.anchors:
        return ""
    relation = question.anchors[0].relation
    return f" That is {relation} {_plain(finding.beside[0], facts)}"


def _plain(occurrence: Occurrence, facts: Facts) -> str:
    """Return an occurrence as a sentence without attributes."""
    return re.sub(r"(\[o\d+\]) \([^)]*\)", r"\1", sentence(occurrence, facts))


def _order(question: Question, finding: Finding, facts: Facts) -> str:
    early, late = finding.occurrences[0], finding.beside[0]
    if question.order in {"longest", "shortest"}:
        return f"{_how_long(question, finding, facts)} Also, {_plain(late, facts)}"
    if question.order == "last":
        early, late = late, early
    return f"First {_plain(early, facts)} Then {_plain(late, facts)}"


def _gap(question: Question, finding: Finding, facts: Facts) -> str:  # noqa: ARG001
    return _sentences(finding.occurrences, facts)


def _either(question: Question, finding: Finding, facts: Facts) -> str:  # noqa: ARG001
    return _sentences(finding.occurrences, facts) or _traits(finding, facts)


def _why(question: Question, finding: Finding, facts: Facts) -> str:  # noqa: ARG001
    cause = _sentences(finding.occurrences, facts)
    return f"{cause} After that, {_plain(finding.beside[0], facts)}"


def _stands_out(question: Question, finding: Finding, facts: Facts) -> str:
    """Tell who does something longest or most often, and for how long or how often."""
    if question.measure in {"longest", "shortest"}:
        return _how_long(question, finding, facts)
    return _sentences(finding.occurrences, facts)


def sentence(occurrence: Occurrence, facts: Facts) -> str:
    """Return one occurrence as a sentence such as ``[o1] hands [o3] to [o2] [r4].``."""
    alone = occurrence.subject == CAMERA
    actor = occurrence.object if alone else occurrence.subject
    words = [described(actor, facts), told(occurrence.predicate)]
    if occurrence.object != CAMERA and not alone:
        words.append(described(occurrence.object, facts))
    if occurrence.recipient is not None:
        words += ["to", described(occurrence.recipient, facts)]
    return f"{' '.join(words)} {_when_cited(occurrence.cite)}."


def _when_cited(cite: str) -> str:
    """Return a citation with the words that its time needs."""
    word = {"start": "from ", "end": "until "}.get(cite.rpartition(".")[2], "")
    return f"{word}[{cite}]" if not cite.startswith("o") else f"[{cite}]"


def told(predicate: str) -> str:
    """Return a predicate as it stands in a sentence: ``holds``, ``is left of``.

    Example:
        >>> told("hold_hand_of"), told("next_to"), told("away")
        ('holds hand of', 'is next to', 'is away from')
    """
    words = _plain_words(predicate.replace("_", " ")).split()
    if words[-1:] == ["away"] and len(words) == 1:
        return "is away from"
    if _needs_is(predicate):
        return " ".join(["is", *words])
    return " ".join([_third_person(words[0]), *words[1:]]) if words else predicate


def _third_person(word: str) -> str:
    """Return ``throws`` for ``throw``; a verb that already has an ending stays."""
    if word.endswith(("s", "ed")) and not word.endswith(("ss", "feed", "need")):
        return word
    if not (verb(word) or predicate_key(word) in _VERBS):
        return word
    if word.endswith(("ch", "sh", "ss", "x", "zz", "o")):
        return f"{word}es"
    return f"{word[:-1]}ies" if re.search(r"[^aeiou]y$", word) else f"{word}s"


def described(object_id: int, facts: Facts) -> str:
    """Return a reference to an object with its attributes: ``[o1] (red shirt)``."""
    row = facts.objects.get(object_id)
    traits = ", ".join(map(_plain_words, _distinct(row["attributes"])[:3])) if row else ""
    label = row["label"] if row else ""
    extra = "" if not traits or traits in label else f" ({traits})"
    return f"[o{object_id}]{extra}"


def _plain_words(attribute: str) -> str:
    """Return an attribute without brackets, so that it cannot pass for a citation."""
    return " ".join(clean(re.sub(r"[\[\](){}]", " ", attribute)).split())


def _distinct(attributes: Sequence[str]) -> list[str]:
    """Leave out attributes that another one contains: ``red`` beside ``red upper``."""
    return [a for a in attributes if not any(a != b and a in b.split() for b in attributes)]


def _needs_is(predicate: str) -> bool:
    """Return whether a predicate is a place or a participle (``left of``, ``holding``)."""
    if predicate == VISIBLE:
        return False
    head = predicate.replace("_", " ").split()[0]
    return spatial_only(predicate) or head in _PLACES or head.endswith("ing")


def _sentences(occurrences: Sequence[Occurrence], facts: Facts) -> str:
    """Return the first few occurrences as sentences, attributes only where first named."""
    return " ".join(sentence(o, facts) for o in occurrences[:MOST_SENTENCES])


def _entities(question: Question, finding: Finding, facts: Facts) -> str:
    names = _list([described(i, facts) for i in finding.entities])
    if question.pattern.negated and not finding.entities:
        return f"None of them: {_sentences(finding.occurrences, facts)}"
    if question.pattern.negated:
        return f"{names}: the graph says no such thing of them."
    return f"{names}."


def _list(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _when(question: Question, finding: Finding, facts: Facts) -> str:
    return _sentences(finding.occurrences, facts) + _beside(question, finding, facts)


def _how_long(question: Question, finding: Finding, facts: Facts) -> str:
    if not finding.occurrences:
        return "The video lasts [video.duration]."
    parts = [
        f"[{o.cite.removesuffix('.start').removesuffix('.end')}.duration]"
        for o in finding.occurrences
    ]
    durations = _list(parts[:MOST_CITED])
    said = _sentences(finding.occurrences, facts)
    return f"For {durations}: {said}{_beside(question, finding, facts)}"


def _how_often(question: Question, finding: Finding, facts: Facts) -> str:
    count = len(finding.occurrences)
    if not count:
        return "I do not know: the graph never says so."
    times = "once" if count == 1 else f"{count} times"
    said = _sentences(finding.occurrences, facts)
    return f"{times[0].upper()}{times[1:]}: {said}{_beside(question, finding, facts)}"


def _how_many(question: Question, finding: Finding, facts: Facts) -> str:
    names = _list([described(i, facts) for i in finding.entities[:MOST_CITED]])
    if finding.result:
        most = "At most" if question.extreme == "max" else "At least"
        return f"{most} [{finding.result}]" + (f": {names}." if names else ".")
    count = len(finding.entities)
    return f"{count if count != 1 else 'One'}: {names}." if count else "None."


def _yes_no(question: Question, finding: Finding, facts: Facts) -> str:
    shown = _sentences(finding.occurrences, facts)
    beside = _beside(question, finding, facts)
    if question.among and finding.beside:
        compared = _plain(finding.beside[0], facts)
        return f"{finding.status.capitalize()}. {shown} Also, {compared}"
    if finding.status == "yes" and question.pattern.negated:
        return f"Yes, the graph never says so of {_list([f'[o{i}]' for i in finding.entities])}."
    if finding.status == "yes":
        return f"Yes. {shown or _traits(finding, facts)}{beside}"
    if question.pattern.negated and finding.occurrences:
        return f"No. {shown}{beside}"
    if finding.occurrences:
        return f"No, the graph does not say so; it says: {shown}"
    return f"No, the graph does not say so of {_list([f'[o{i}]' for i in finding.entities])}."


def _traits(finding: Finding, facts: Facts) -> str:
    traits = [
        f"[o{i}] is {', '.join(map(_plain_words, facts.objects[i]['attributes']))}"
        for i in finding.entities
    ]
    return f"{_list(traits)}."


def _attribute(question: Question, finding: Finding, facts: Facts) -> str:  # noqa: ARG001
    return _traits(finding, facts)


def _describe(question: Question, finding: Finding, facts: Facts) -> str:  # noqa: ARG001
    names = _list([described(i, facts) for i in finding.entities])
    return f"The video shows {names}. {_sentences(finding.occurrences, facts)}".strip()
