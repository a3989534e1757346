"""The scene graph of one video, ready to be asked: who did what to whom, and when."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from reelgraph._types import Ints
from reelgraph.errors import QueryError
from reelgraph.graph import (
    aggregate,
    compare,
    focus,
    lexicon,
    paths,
    patterns,
    relaxation,
    serialize,
    summary,
)
from reelgraph.graph import intervals as spans
from reelgraph.graph.clipping import restricted
from reelgraph.graph.clock import Clock, Window
from reelgraph.graph.formats import files
from reelgraph.graph.names import Match, ObjectNames, stored_predicates
from reelgraph.graph.picture import page
from reelgraph.graph.query import RelationIndex, standing
from reelgraph.graph.schema import (
    CAMERA,
    Interval,
    Relation,
    SceneGraph,
    SceneObject,
    VideoInfo,
)
from reelgraph.graph.text_words import ONE_PLACE

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Match", "Neighbor", "TemporalGraph", "Window"]


@dataclass(frozen=True, slots=True)
class Neighbor:
    """The other end of a relation.

    Attributes:
        id: The neighbour's object id, or `CAMERA`.
        label: The neighbour's label.
        relation: The relation that connects.
        direction: ``"out"`` if the neighbour is object or recipient, ``"in"`` if it is
            the subject.
    """

    id: int
    label: str
    relation: Relation
    direction: Literal["out", "in"]


class TemporalGraph:
    """A scene graph with queries by name and time.

    It never changes: `at`, `between` and `relabel` return new graphs. Lists come back
    in one order, objects by id and relations by (start, end, id).

    Objects are named by id or by label. A label covers its synonyms, its narrower kinds
    (``"person"`` a man) and its compounds (``"cup"`` a tea cup), and may lead with
    attributes (``"red cup"``); ``"person #2"`` names one object. A name that the graph
    does not have raises `QueryError` with the names that it has; a known name without a
    hit gives an empty list.

    The larger questions have modules of their own, and this class has them as methods:
    `match` finds sequences, `totals` and `aggregate` count, `path`, `reachable`,
    `together` and `state` follow objects through time, `relax` finds the nearest thing
    to a query, `focus` what matters for a question, `compare` the difference of two graphs,
    `to_text` and `plot` show the graph.

    Args:
        document: What to ask; `SceneGraph` has checked it.
    """

    def __init__(self, document: SceneGraph) -> None:
        self.document = document
        self._objects = {item.id: item for item in sorted(document.objects, key=lambda o: o.id)}
        self._names = ObjectNames(self._objects)
        self._index = RelationIndex(document.relations)
        self._relations = {r.id: r for r in self._index.relations}

    def __repr__(self) -> str:
        return (
            f"<TemporalGraph of {self.video.path!r}: {len(self._objects)} objects, "
            f"{len(self._relations)} relations, {self.video.duration_s:.2f} s>"
        )

    @property
    def video(self) -> VideoInfo:
        """The video that the graph describes."""
        return self.document.video

    @cached_property
    def nx(self) -> nx.MultiDiGraph[int]:
        """The graph for NetworkX, frozen.

        Nodes are object ids and `CAMERA` (attribute ``label``, and ``object`` with the
        `SceneObject`); edge keys are relation ids (attributes ``predicate``, ``relation``).
        """
        import networkx as nx

        graph: nx.MultiDiGraph[int] = nx.MultiDiGraph(video=self.video)
        graph.add_node(CAMERA, label="camera", object=None)
        for item in self._objects.values():
            graph.add_node(item.id, label=item.label, object=item)
        for r in self._index.relations:
            graph.add_edge(r.subject, r.object, key=r.id, predicate=r.predicate, relation=r)
        frozen: nx.MultiDiGraph[int] = nx.freeze(graph)
        return frozen

    # -- objects ---------------------------------------------------------------------

    def object(self, object_id: int) -> SceneObject:
        """Return an object by id.

        Raises:
            QueryError: If there is no such object.
        """
        return self._names.get(object_id)

    def objects(
        self,
        label: str | None = None,
        *,
        attribute: str | None = None,
        during: Window | None = None,
        at: float | None = None,
    ) -> list[SceneObject]:
        """Return the objects of a kind, sorted by id.

        Args:
            label: What they are; None for all.
            attribute: One of their attributes.
            during: Only those visible, or in a relation, at some moment of this window.
            at: The same at one time in seconds.

        Raises:
            QueryError: If no object has that label, or the time is not in the video.
        """
        ids = set(self._objects) if label is None else {*self._names.ids(label)} - {CAMERA}
        window = self._clock.when(during, at)
        if window is not None:
            ids &= self._active(window) | self._visible(window)
        found = [self._objects[i] for i in sorted(ids)]
        if attribute is None:
            return found
        wanted = lexicon.normalize(attribute)
        return [o for o in found if wanted in map(lexicon.normalize, o.attributes)]

    def name(self, object_id: int, *, mark: bool = False) -> str:
        """Return how text names an object: ``"person #1"``, ``"camera"``.

        Args:
            object_id: Which object.
            mark: Write ``"person? #1"`` where the label is a guess.

        Raises:
            QueryError: If there is no such object.
        """
        return self._names.name(object_id, mark=mark)

    # -- relations -------------------------------------------------------------------

    def relation(self, relation_id: str) -> Relation:
        """Return a relation by id.

        Raises:
            QueryError: If there is no such relation.
        """
        try:
            return self._relations[relation_id]
        except KeyError:
            near = difflib.get_close_matches(relation_id, self._relations, n=5)
            count = len(self._relations)
            raise QueryError(
                f"No relation has id {relation_id!r}; the graph has {count} relations"
                + (f", e.g. {', '.join(near)}." if near else "."),
                choices=tuple(near),
            ) from None

    def relations(
        self,
        subject: int | str | None = None,
        predicate: str | None = None,
        object: int | str | None = None,  # noqa: A002
        *,
        during: Window | None = None,
        at: float | None = None,
        allen: tuple[str, Window] | None = None,
        tolerance: float = 0.0,
        min_score: float | None = None,
        match: Match = "lemma",
    ) -> list[Relation]:
        """Return the relations that fit every condition, sorted by (start, end, id).

        ``right of``, ``below``, ``behind``, ``contains`` and passives such as
        ``held by`` are answered from the inverse that is stored, and symmetric
        predicates such as ``near`` from either direction; the relation comes back as it
        is stored.

        Args:
            subject: Id or label of the one who acts or is described.
            predicate: What is said of the two.
            object: Id or label of the other one, or of the recipient.
            during: Only relations that hold at some moment of this window, in seconds.
            at: Only relations that hold at this time.
            allen: An Allen relation and a window, e.g. ``("before", (3, 5))``: only
                relations with at least one interval that lies so to the window.
            tolerance: For ``allen``: ends at most this many seconds apart count as equal.
            min_score: Only relations at least this certain; those without score stay.
            match: ``"lemma"`` takes any form of the verb, ``"exact"`` only the stored
                words, ``"synonym"`` also words that mean the same, ``"hypernym"`` also
                wider and narrower ones (``grab`` for ``hold``).

        Raises:
            QueryError: If the graph has no such object or predicate at all, or a time
                or Allen relation makes no sense.
        """
        subjects = None if subject is None else self._names.ids(subject)
        objects = None if object is None else self._names.ids(object)
        window = self._clock.when(during, at)
        rows = self._rows(subjects, predicate, objects, window, match)
        found = [self._index.relations[row] for row in rows]
        if min_score is not None:
            found = [r for r in found if r.score is None or r.score >= min_score]
        if allen is None:
            return found
        name, other = allen
        return standing(found, name, self._clock.window(other), tolerance=tolerance)

    def neighbors(
        self,
        object_id: int,
        *,
        during: Window | None = None,
        predicate: str | None = None,
        direction: Literal["out", "in", "both"] = "both",
    ) -> list[Neighbor]:
        """Return what an object is related to, in the order of the relations.

        Args:
            object_id: Whose neighbours.
            during: Only relations that hold at some moment of this window, in seconds.
            predicate: Only relations that say this (any form of the verb).
            direction: ``"out"`` where the object is the subject, ``"in"`` where it is
                object or recipient.

        Raises:
            QueryError: If the graph has no such object or predicate.
        """
        self.name(object_id)
        found: list[Neighbor] = []
        window = self._clock.when(during, None)
        rows = self._rows(None, predicate, None, window, "lemma", participant=object_id)
        for r in (self._index.relations[row] for row in rows):
            if r.subject == object_id and direction != "in":
                ends = [r.object] if r.recipient is None else [r.object, r.recipient]
                found.extend(Neighbor(i, self._names.label(i), r, "out") for i in ends)
            if object_id in {r.object, r.recipient} and direction != "out":
                found.append(Neighbor(r.subject, self._names.label(r.subject), r, "in"))
        return found

    def timeline(self, object_id: int) -> list[Relation]:
        """Return every relation that an object takes part in, in order.

        Raises:
            QueryError: If there is no such object.
        """
        self.name(object_id)
        rows = self._index.find(None, None, None, participant=object_id)
        return [self._index.relations[row] for row in rows]

    # -- parts and copies ------------------------------------------------------------

    def at(self, time_s: float) -> TemporalGraph:
        """Return the graph of one moment: what is visible and what holds then.

        Intervals stay whole, so that one sees since when and until when. The end of the
        video counts as its last moment.

        Raises:
            QueryError: If the time is not in the video.
        """
        return self._restricted(self._clock.moment(time_s), clip=False)

    def between(self, start: float, end: float) -> TemporalGraph:
        """Return the graph of a span of time: intervals are cut to it, ids stay.

        Raises:
            QueryError: If the span is reversed or not in the video.
        """
        return self._restricted(self._clock.window((start, end)), clip=True)

    def relabel(self, labels: Mapping[int, str]) -> TemporalGraph:
        """Return a new graph in which the given objects have these labels, as certain.

        Raises:
            QueryError: If an id is unknown or a label empty.
        """
        clean: dict[int, str] = {}
        for object_id, label in labels.items():
            self.object(object_id)
            clean[object_id] = " ".join(label.split()).lower()
            if not clean[object_id]:
                raise QueryError(f"The label for object {object_id} is empty: {label!r}.")
        objects = tuple(
            item.model_copy(update={"label": clean[item.id], "uncertain": False})
            if item.id in clean
            else item
            for item in self.document.objects
        )
        return TemporalGraph(self.document.model_copy(update={"objects": objects}))

    # -- descriptions ----------------------------------------------------------------

    def describe(self, relation: Relation, *, mark: bool = False) -> str:
        """Return a relation as words: ``"person #1 hands ball #3 to person #2"``.

        Args:
            relation: One of this graph's relations.
            mark: Write ``"ball? #3"`` where a label is a guess.
        """
        words = [self.name(relation.subject, mark=mark), serialize.clean(relation.predicate)]
        if relation.object != CAMERA or relation.predicate not in ONE_PLACE:
            words.append(self.name(relation.object, mark=mark))
        if relation.recipient is not None:
            words += ["to", self.name(relation.recipient, mark=mark)]
        return " ".join(words)

    def stats(self) -> summary.GraphStats:
        """Return counts of objects and relations."""
        return summary.stats(self.document)

    def diagnostics(self) -> list[str]:
        """Return what a reader should know before trusting the graph, as sentences."""
        return summary.diagnostics(self.document)

    to_text = serialize.to_text
    plot = page.write_page

    # -- larger questions ------------------------------------------------------------

    match = patterns.match_pattern
    totals = aggregate.totals
    aggregate = aggregate.aggregate
    path = paths.path
    reachable = paths.reachable
    together = paths.together
    state = paths.state
    relax = relaxation.relax
    focus = focus.focus
    compare = compare.compare

    # -- files -----------------------------------------------------------------------

    def save(self, path: str | Path, format: str | None = None) -> None:  # noqa: A002
        """Write the graph to a file, which appears complete or not at all.

        Args:
            path: The file.
            format: A name of `reelgraph.graph.formats.files.FORMATS`; by default what the
                file's ending tells, else our own JSON, which alone holds everything.

        Raises:
            GraphFormatError: If the file cannot be written, or not in this format.
        """
        files.write_graph(self.document, path, format)

    @classmethod
    def load(
        cls,
        path: str | Path,
        format: str | None = None,  # noqa: A002
        **options: Any,
    ) -> TemporalGraph:
        """Read a graph from a file of any known format.

        Args:
            path: The file.
            format: As for `save`.
            **options: What the format's reader takes besides, e.g. ``video_id``.

        Raises:
            GraphFormatError: If the file cannot be read or is not of the format.
        """
        return cls(files.read_graph(path, format, **options))

    # -- names and times -------------------------------------------------------------

    def _rows(
        self,
        subjects: frozenset[int] | None,
        predicate: str | None,
        objects: frozenset[int] | None,
        window: Interval | None,
        match: Match,
        *,
        participant: int | None = None,
    ) -> Ints:
        """Return the rows that say ``predicate``, as stored or as its inverse."""
        find = partial(self._index.find, window=window, participant=participant)
        if predicate is None:
            return find(subjects, None, objects)
        forward, inverse = stored_predicates(predicate, self._index.predicates, match)
        stored = find(subjects, forward, objects)
        return np.union1d(stored, find(objects, inverse, subjects)) if inverse else stored

    @cached_property
    def _clock(self) -> Clock:
        ends = [i.end for item in self._objects.values() for i in item.presence]
        return Clock(max([self.video.duration_s, self._index.end_s, *ends]))

    def _active(self, window: Interval) -> set[int]:
        """Return who takes part in a relation at some moment of a window."""
        found = [self._index.relations[row] for row in self._index.during(window)]
        return {i for r in found for i in (r.subject, r.object, r.recipient) if i is not None}

    def _visible(self, window: Interval) -> set[int]:
        """Return who is visible at some moment of a window."""
        index, owners = self._presence
        return set(owners[index.overlapping(*window)].tolist())

    @cached_property
    def _presence(self) -> tuple[spans.IntervalIndex, Ints]:
        """An index over all stays in view, and whose each is."""
        rows = [(*i, item.id) for item in self._objects.values() for i in item.presence]
        table = np.array(rows, dtype=np.float64).reshape(-1, 3)
        return spans.IntervalIndex(table[:, 0], table[:, 1]), table[:, 2].astype(np.int64)

    def _restricted(self, window: Interval, *, clip: bool) -> TemporalGraph:
        relations = [self._index.relations[row] for row in self._index.during(window)]
        objects = self.objects(during=window)
        return TemporalGraph(restricted(self.document, objects, relations, window, clip=clip))
