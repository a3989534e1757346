"""What tool results said, as rows that code can work with.

Each tool hands the model text and, beside it, the same content as an artifact of
plain rows. The embedded model and the validator read the rows; a provider's model
reads the text. Rows hold only JSON values, so that a saved agent state stays small.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict

from reelgraph.agent.verbs import VISIBLE
from reelgraph.agent.vocabulary import Vocabulary
from reelgraph.graph.schema import CAMERA, Interval, Relation, SceneObject

__all__ = [
    "Artifact",
    "Facts",
    "ObjectRow",
    "Occurrence",
    "RelationRow",
    "ResultRow",
    "object_row",
    "relation_row",
]


class ObjectRow(TypedDict):
    """One object: `x` is its usual horizontal place, 0 (left) to 1, if tracks are known."""

    id: int
    label: str
    attributes: list[str]
    presence: list[list[float]]
    x: float | None


class RelationRow(TypedDict):
    """One relation, as in `Relation`."""

    id: str
    subject: int
    predicate: str
    object: int
    recipient: int | None
    intervals: list[list[float]]
    kind: str


class ResultRow(TypedDict):
    """A figure that a tool computed, which an answer may cite by its id."""

    id: str
    text: str
    value: float | str
    relations: list[str]
    objects: list[int]
    interval: list[float] | None


class Artifact(TypedDict):
    """What one tool call returned."""

    objects: NotRequired[list[ObjectRow]]
    relations: NotRequired[list[RelationRow]]
    results: NotRequired[list[ResultRow]]
    predicates: NotRequired[list[str]]
    window: NotRequired[list[float]]
    frames_s: NotRequired[list[float]]
    crop: NotRequired[int]
    video: NotRequired[int]


def object_row(item: SceneObject, x: float | None) -> ObjectRow:
    """Return an object as a row."""
    return {
        "id": item.id,
        "label": item.label,
        "attributes": list(item.attributes),
        "presence": [list(span) for span in item.presence],
        "x": x,
    }


def relation_row(relation: Relation) -> RelationRow:
    """Return a relation as a row."""
    return {
        "id": relation.id,
        "subject": relation.subject,
        "predicate": relation.predicate,
        "object": relation.object,
        "recipient": relation.recipient,
        "intervals": [list(span) for span in relation.intervals],
        "kind": relation.kind,
    }


@dataclass(frozen=True)
class Occurrence:
    """One interval of one relation, or one stay of one object in view.

    Attributes:
        cite: How an answer refers to it: ``"r3.2"`` is the second interval of r3,
            ``"o4.1"`` the first stay of object 4.
        subject: Who acts.
        predicate: As stored in the graph.
        object: What is acted on, or `CAMERA`.
        recipient: Who receives, or None.
        span: When, in seconds.
        kind: The relation's kind.
    """

    cite: str
    subject: int
    predicate: str
    object: int
    recipient: int | None
    span: Interval
    kind: str

    @property
    def participants(self) -> tuple[int, ...]:
        """The objects that take part, without the camera."""
        ends = (self.subject, self.object, self.recipient)
        return tuple(i for i in ends if i is not None and i != CAMERA)


@dataclass
class Facts:
    """Everything that tool results said in one conversation.

    Attributes:
        objects: Objects by id.
        relations: Relations by id.
        results: Computed figures by id.
        predicates: Every predicate of the graph, if a tool listed them.
        whole: The seconds that the question is about: the video, or a part of it.
    """

    objects: dict[int, ObjectRow] = field(default_factory=dict)
    relations: dict[str, RelationRow] = field(default_factory=dict)
    results: dict[str, ResultRow] = field(default_factory=dict)
    predicates: tuple[str, ...] = ()
    whole: Interval = field(default_factory=lambda: Interval(0.0, 0.0))

    @classmethod
    def gather(cls, artifacts: Iterable[Mapping[str, Any]]) -> Facts:
        """Return the union of what several tool calls returned."""
        facts = cls()
        for artifact in artifacts:
            facts.objects |= {row["id"]: row for row in artifact.get("objects", ())}
            facts.relations |= {row["id"]: row for row in artifact.get("relations", ())}
            facts.results |= {row["id"]: row for row in artifact.get("results", ())}
            facts.predicates = tuple(artifact.get("predicates", facts.predicates))
            facts.whole = Interval(*artifact.get("window", facts.whole))
        return facts

    def vocabulary(self) -> Vocabulary:
        """Return the words that these facts are told in."""
        rows = self.objects.values()
        return Vocabulary(
            labels=tuple(sorted({row["label"] for row in rows})),
            attributes=tuple(sorted({a for row in rows for a in row["attributes"]})),
            predicates=self.predicates,
        )

    def occurrences(self, predicates: Iterable[str] | None = None) -> list[Occurrence]:
        """Return single occurrences in order of time.

        Args:
            predicates: Only these, as stored; None for all. `VISIBLE` gives presence.
        """
        wanted = None if predicates is None else set(predicates)
        found = [
            Occurrence(
                f"{row['id']}.{i}" if len(row["intervals"]) > 1 else row["id"],
                row["subject"],
                row["predicate"],
                row["object"],
                row["recipient"],
                Interval(*span),
                row["kind"],
            )
            for row in self.relations.values()
            if wanted is None or row["predicate"] in wanted
            for i, span in enumerate(row["intervals"], 1)
        ]
        if wanted and VISIBLE in wanted:
            found += self.presence()
        return sorted(found, key=lambda o: (o.span, o.cite))

    def presence(self) -> list[Occurrence]:
        """Return every stay of every object in view."""
        return [
            Occurrence(
                f"o{row['id']}.{i}", row["id"], VISIBLE, CAMERA, None, Interval(*span), "presence"
            )
            for row in self.objects.values()
            for i, span in enumerate(row["presence"], 1)
        ]
