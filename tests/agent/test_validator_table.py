"""Made drafts with known truth: every wrong one is caught, every right one passes."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from made_graphs import GRAPHS

from reelgraph.agent.answer import AnswerDraft
from reelgraph.agent.facts import Facts
from reelgraph.agent.validator import check_draft
from reelgraph.graph.schema import CAMERA, Relation
from reelgraph.graph.temporal import TemporalGraph

SYMMETRIC = {"near", "touches", "overlaps"}
OTHER_VERB = {
    "holds": "throws", "hands": "kicks", "picks up": "puts down", "puts down": "picks up",
    "left of": "above", "above": "left of", "in front of": "inside", "behind": "above",
    "inside": "above", "approaches": "moves away from", "moves away from": "approaches",
    "follows": "holds", "near": "inside", "touches": "throws", "enters": "leaves",
    "leaves": "enters", "moves": "sleeps", "stands still": "jumps", "appears": "leaves",
}  # fmt: skip
PASSIVE = {
    "holds": "is held by", "hands": "is handed by", "picks up": "is picked up by",
    "puts down": "is put down by", "follows": "is followed by", "approaches": "is approached by",
    "touches": "is touched by",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A draft, and whether it says what the graph says."""

    way: str
    graph: str
    draft: AnswerDraft


def words(relation: Relation) -> str:
    """Return the predicate as a sentence says it of two objects."""
    place = {"left of", "above", "in front of", "inside", "near", "behind"}
    return f"is {relation.predicate}" if relation.predicate in place else relation.predicate


def said(relation: Relation, **changed: object) -> str:
    """Return a relation as a model would write it, with parts of it changed."""
    subject = changed.get("subject", relation.subject)
    object_ = changed.get("object", relation.object)
    verb = changed.get("verb", words(relation))
    recipient = changed.get("recipient", relation.recipient)
    text = f"[o{subject}] {verb}"
    text += "" if object_ == CAMERA else f" [o{object_}]"
    return text + ("" if recipient is None else f" to [o{recipient}]")


def draft(text: str, *cited: str, **fields: object) -> AnswerDraft:
    return AnswerDraft.model_validate({"text": text, "relations": list(cited), **fields})


def wrong(name: str, graph: TemporalGraph, r: Relation) -> list[Case]:
    """Return drafts about a relation that are wrong in one way each."""
    first = graph.relations()[0].id
    stranger = next(o.id for o in graph.objects() if o.id not in {r.subject, r.object, r.recipient})
    right = said(r)
    made = {
        "relation that is not there": draft(f"{right} [r99].", "r99"),
        "interval that is not there": draft(f"{right} [{r.id}.9].", f"{r.id}.9"),
        "object that is not there": draft(f"{said(r, subject=77)} [{r.id}].", r.id),
        "time in seconds": draft(f"{right} at {r.start + 1.3:.1f} s.", r.id),
        "time in words": draft(f"{right} after seven seconds.", r.id),
        "time as a clock": draft(f"{right} at 0:0{int(r.start) % 9 + 1}.", r.id),
        "time right but not looked up": draft(f"{right} at {r.start:.2f} seconds.", r.id),
        "frame number": draft(f"{right} in frame {int(r.start * 10)}.", r.id),
        "id in words": draft(f"Object {stranger} is what {right}.", r.id),
        "count": draft(f"{right}, three times.", r.id),
        "count in digits": draft(f"{right} 4 times [{r.id}].", r.id),
        "other subject": draft(f"{said(r, subject=stranger)} [{r.id}].", r.id),
        "other verb": draft(f"{said(r, verb=OTHER_VERB[r.predicate])} [{r.id}].", r.id),
        "label of another object": draft(
            f"{other_label(graph, r.subject)} #{r.subject} did it [{r.id}].", r.id
        ),
        "number of a kind": draft(
            f"Nine {graph.object(r.subject).label}s: {right} [{r.id}].", r.id
        ),
        "nothing cited": draft(graph.describe(r).replace("#", "")),
    }
    if r.object != CAMERA:
        made["other object"] = draft(f"{said(r, object=stranger)} [{r.id}].", r.id)
        if r.predicate not in SYMMETRIC:
            swapped = said(r, subject=r.object, object=r.subject)
            made["swapped"] = draft(f"{swapped} [{r.id}].", r.id)
            plain = f"{graph.name(r.object)} {words(r)} {graph.name(r.subject)}"
            made["swapped by name"] = draft(f"{plain} [{r.id}].", r.id)
            if r.recipient is None and (them := described(graph, r)):
                backward = f"The {them[1]} {words(r)} the {them[0]}"
                made["swapped by description"] = draft(f"{backward} [{r.id}].", r.id)
            tags = f"{tag(graph, r.object)} {words(r)} {tag(graph, r.subject)}"
            made["swapped by tags"] = draft(f"{tags} [{r.id}].", r.id)
        if r.predicate in PASSIVE and r.predicate not in SYMMETRIC:
            text = said(r, verb=PASSIVE[r.predicate], recipient=None)
            made["passive the wrong way"] = draft(f"{text} [{r.id}].", r.id)
    if r.recipient is not None:
        text = said(r, subject=r.recipient, recipient=r.subject)
        made["giver and receiver swapped"] = draft(f"{text} [{r.id}].", r.id)
    if first != r.id and not {r.subject, r.object} & _ends(graph.relation(first)):
        made["other relation cited"] = draft(f"{right} [{first}].", first)
    return [Case(way, name, each) for way, each in made.items()]


def right(name: str, graph: TemporalGraph, r: Relation) -> list[Case]:
    """Return drafts about a relation that are right."""
    plain = graph.describe(r)
    named = tag(graph, r.subject)
    made = {
        "with ids": draft(f"{said(r)} [{r.id}].", r.id),
        "without the time": draft(f"{said(r)}.", r.id),
        "with one of its times": draft(f"{said(r)}, beginning [{r.id}.start].", r.id),
        "first of its intervals": draft(f"{said(r)} [{r.id}.1].", f"{r.id}.1"),
        "by names": draft(f"{plain} [{r.id}].", r.id),
        "by tags": draft(f"{said(r).replace(f'[o{r.subject}]', named, 1)} [{r.id}].", r.id),
        "as a reply": draft(f"It is [o{r.subject}].", r.id),
    }
    if r.recipient is None and (them := described(graph, r)):
        forward = f"The {them[0]} {words(r)} the {them[1]}"
        made["by description"] = draft(f"{forward} [{r.id}].", r.id)
    if r.object != CAMERA and r.predicate in PASSIVE:
        text = said(r, subject=r.object, object=r.subject, verb=PASSIVE[r.predicate])
        made["passive"] = draft(f"{text} [{r.id}].", r.id)
    return [Case(way, name, each) for way, each in made.items()]


def tag(graph: TemporalGraph, object_id: int) -> str:
    """Return how compact text names an object."""
    return f"{graph.object(object_id).label}{object_id}"


def described(graph: TemporalGraph, r: Relation) -> tuple[str, str] | None:
    """Return subject and object in words, if words tell them apart."""
    if r.object == CAMERA:
        return None
    ends = (graph.object(r.subject), graph.object(r.object))
    if ends[0].label != ends[1].label:
        return (ends[0].label, ends[1].label)
    if all(item.attributes for item in ends):
        return (
            f"{ends[0].label} with the {ends[0].attributes[0]}",
            f"{ends[1].label} with the {ends[1].attributes[0]}",
        )
    return None


def other_label(graph: TemporalGraph, object_id: int) -> str:
    own = graph.object(object_id).label
    return next(item.label for item in graph.objects() if item.label != own)


def _ends(r: Relation) -> set[int]:
    return {i for i in (r.subject, r.object, r.recipient) if i is not None and i != CAMERA}


WRONG = [
    case
    for name, make in GRAPHS.items()
    for relation in make().relations()
    for case in wrong(name, make(), relation)
]
RIGHT = [
    case
    for name, make in GRAPHS.items()
    for relation in make().relations()
    for case in right(name, make(), relation)
]


WAYS_TO_BE_WRONG = sorted({case.way for case in WRONG})
WAYS_TO_BE_RIGHT = sorted({case.way for case in RIGHT})


def problems(case: Case) -> list[str]:
    return check_draft(case.draft, GRAPHS[case.graph](), Facts()).problems


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("The person with the red shirt hands the ball to the one in the blue shirt [r2].", True),
        ("The blue shirt hands the yellow ball to the red shirt [r2].", False),
        ("The person in the green shirt hands the ball to the person in blue [r2].", False),
        ("The ball is handed to the person with the blue shirt [r2].", True),
        ("The ball hands the person with the red shirt over [r2].", False),
    ],
)
def test_descriptions_are_checked(text: str, right: bool) -> None:
    case = Case("described", "hand-over", draft(text, "r2"))
    assert (problems(case) == []) == right


def test_there_are_at_least_200_of_each() -> None:
    assert len(WRONG) >= 200
    assert len(RIGHT) >= 200


@pytest.mark.parametrize("way", WAYS_TO_BE_WRONG)
def test_wrong_drafts_are_caught(way: str) -> None:
    cases = [case for case in WRONG if case.way == way]
    assert [case.draft.text for case in cases if not problems(case)] == []


@pytest.mark.parametrize("way", WAYS_TO_BE_RIGHT)
def test_right_drafts_pass(way: str) -> None:
    cases = [case for case in RIGHT if case.way == way]
    rejected = {case.draft.text: found for case in cases if (found := problems(case))}
    assert rejected == {}
