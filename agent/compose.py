"""From a finding to a draft: sentences with references and the ids they cite."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reelgraph.agent.answer import AnswerDraft
from reelgraph.agent.facts import Facts, Occurrence
from reelgraph.agent.question import Question
from reelgraph.agent.reason import Finding
from reelgraph.agent.verbs import VISIBLE
from reelgraph.agent.vocabulary import spatial_only
from reelgraph.graph.schema import CAMERA

__all__ = ["compose", "sentence"]

MOST_SENTENCES = 3
MOST_CITED = 20


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
    cited = finding.occurrences[:MOST_CITED]
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
    }.get(question.asked)
    if writer is not None:
        return writer(question, finding, facts)
    if finding.occurrences and not question.pattern.negated:
        return _sentences(finding.occurrences, facts)
    return _entities(question, finding, facts)


def sentence(occurrence: Occurrence, facts: Facts) -> str:
    """Return one occurrence as a sentence such as ``[o1] hands [o3] to [o2] [r4].``."""
    alone = occurrence.subject == CAMERA
    actor = occurrence.object if alone else occurrence.subject
    words = [described(actor, facts), occurrence.predicate.replace("_", " ")]
    if _needs_is(occurrence.predicate):
        words.insert(1, "is")
    if occurrence.object != CAMERA and not alone:
        words.append(described(occurrence.object, facts))
    if occurrence.recipient is not None:
        words += ["to", described(occurrence.recipient, facts)]
    return f"{' '.join(words)} [{occurrence.cite}]."


def described(object_id: int, facts: Facts) -> str:
    """Return a reference to an object with its attributes: ``[o1] (red shirt)``."""
    row = facts.objects.get(object_id)
    traits = ", ".join(_distinct(row["attributes"])[:3]) if row else ""
    label = row["label"] if row else ""
    extra = "" if not traits or traits in label else f" ({traits})"
    return f"[o{object_id}]{extra}"


def _distinct(attributes: Sequence[str]) -> list[str]:
    """Leave out attributes that another one contains: ``red`` beside ``red upper``."""
    return [a for a in attributes if not any(a != b and a in b.split() for b in attributes)]


def _needs_is(predicate: str) -> bool:
    """Return whether a predicate is a place or a participle (``left of``, ``holding``)."""
    if predicate == VISIBLE:
        return False
    return spatial_only(predicate) or predicate.replace("_", " ").split()[0].endswith("ing")


def _sentences(occurrences: Sequence[Occurrence], facts: Facts) -> str:
    """Return the first few occurrences as sentences, attributes only where first named."""
    return " ".join(sentence(o, facts) for o in occurrences[:MOST_SENTENCES])


def _entities(question: Question, finding: Finding, facts: Facts) -> str:
    names = _list([described(i, facts) for i in finding.entities])
    if question.pattern.negated:
        return f"{names}: the graph has no such event."
    return f"{names}."


def _list(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _when(question: Question, finding: Finding, facts: Facts) -> str:  # noqa: ARG001
    return _sentences(finding.occurrences, facts)


def _how_long(question: Question, finding: Finding, facts: Facts) -> str:  # noqa: ARG001
    if not finding.occurrences:
        return "The video lasts [video.duration]."
    parts = [
        f"[{o.cite.removesuffix('.start').removesuffix('.end')}.duration]"
        for o in finding.occurrences
    ]
    told = _list(parts[:MOST_CITED])
    return f"For {told}: {_sentences(finding.occurrences, facts)}"


def _how_often(question: Question, finding: Finding, facts: Facts) -> str:  # noqa: ARG001
    count = len(finding.occurrences)
    if not count:
        return "I do not know: the graph never says so."
    times = "once" if count == 1 else f"{count} times"
    return f"{times[0].upper()}{times[1:]}: {_sentences(finding.occurrences, facts)}"


def _how_many(question: Question, finding: Finding, facts: Facts) -> str:
    names = _list([described(i, facts) for i in finding.entities[:MOST_CITED]])
    if finding.result:
        most = "At most" if question.extreme == "max" else "At least"
        return f"{most} [{finding.result}]" + (f": {names}." if names else ".")
    count = len(finding.entities)
    return f"{count if count != 1 else 'One'}: {names}." if count else "None."


def _yes_no(question: Question, finding: Finding, facts: Facts) -> str:
    if finding.status == "yes":
        shown = _sentences(finding.occurrences, facts)
        return f"Yes. {shown or _traits(finding, facts)}"
    if question.pattern.negated and finding.occurrences:
        return f"No. {_sentences(finding.occurrences, facts)}"
    if finding.occurrences:
        return f"No, the graph does not say so; it says: {_sentences(finding.occurrences, facts)}"
    return f"No, the graph does not say so of {_list([f'[o{i}]' for i in finding.entities])}."


def _traits(finding: Finding, facts: Facts) -> str:
    told = [f"[o{i}] is {', '.join(facts.objects[i]['attributes'])}" for i in finding.entities]
    return f"{_list(told)}."


def _attribute(question: Question, finding: Finding, facts: Facts) -> str:  # noqa: ARG001
    return _traits(finding, facts)


def _describe(question: Question, finding: Finding, facts: Facts) -> str:  # noqa: ARG001
    names = _list([described(i, facts) for i in finding.entities])
    told = _sentences(finding.occurrences, facts)
    return f"The video shows {names}. {told}".strip()
