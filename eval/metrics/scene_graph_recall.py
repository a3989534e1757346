"""Scene graphs of whole videos: SVG2's object, attribute, relation and triplet recall.

The protocol gives the model the annotated trajectories, so an object's id is the same in both
graphs and nothing is matched. Per annotated item:

- **object**: the predicted label of that object is accepted.
- **attribute**: some predicted attribute of that object is accepted (the paper does not state
  its rule; this one is ours).
- **relation**: a predicted relation has the same ordered pair, an accepted predicate and a
  temporal IoU (of the unions of intervals) above the threshold.
- **triplet**: such a relation whose two endpoints' labels are accepted too; the camera's is.

*Strict* accepts identical labels, *lenient* all that a `Judge` does not call a mismatch. The
paper reports recall only, which leaves saying too much unpunished: precision (the share of
predicted items that some annotated one supports by the same rule) and F1 stand beside it.
*Micro* pools the items of all videos, *macro* averages over the videos that have such items;
the paper does not say which it reports.

A label or relation that is missing counts as wrong; pairs that the judge left unjudged count
as mismatches and are counted. Times are seconds: `seconds_of` makes them from frame numbers
by either convention of where a span ends.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias, get_args

from reelgraph.errors import EvalError
from reelgraph.eval.metrics.label_judge import Judge, LabelKind, LabelPair, Verdict, same_label
from reelgraph.graph.formats.traser_output import UNNAMED
from reelgraph.graph.intervals import iou, union
from reelgraph.graph.schema import (
    CAMERA,
    GraphLayer,
    Interval,
    Relation,
    SceneGraph,
    SceneObject,
)

__all__ = [
    "THRESHOLDS",
    "GraphScores",
    "Item",
    "Key",
    "Rates",
    "Score",
    "SpanEnd",
    "Strictness",
    "evaluate",
    "graph_of_layer",
    "seconds_of",
]

Item: TypeAlias = Literal["object", "attribute", "relation", "triplet"]
Strictness: TypeAlias = Literal["strict", "lenient"]
SpanEnd: TypeAlias = Literal["included", "excluded"]
"""Whether a span's last frame belongs to it."""

THRESHOLDS: tuple[float | None, ...] = (0.1, 0.5, None)
"""Temporal IoUs to exceed; None asks for the same relation at any time."""

_Hits: TypeAlias = Sequence[bool]
Graphs: TypeAlias = tuple[SceneGraph, SceneGraph]
"""The annotated graph of a video and the predicted one."""


class Key(NamedTuple):
    """Which score.

    Attributes:
        item: What is counted.
        strictness: Which labels are accepted.
        tiou: The temporal IoU to exceed; None for any time, and for objects and attributes.
    """

    item: Item
    strictness: Strictness
    tiou: float | None = None


@dataclass(frozen=True)
class Rates:
    """Recall, precision and F1, 0 to 1; NaN where there is nothing to count."""

    recall: float
    precision: float

    @property
    def f1(self) -> float:
        """Harmonic mean of both; NaN if one of them is."""
        total = self.recall + self.precision
        return 2 * self.recall * self.precision / total if total else total


@dataclass(frozen=True)
class Score:
    """One score over a set of videos.

    Attributes:
        micro: Over the items of all videos.
        macro: Mean over videos.
        annotated: Number of annotated items.
        predicted: Number of predicted items.
    """

    micro: Rates
    macro: Rates
    annotated: int
    predicted: int


@dataclass(frozen=True)
class GraphScores:
    """Every score of a set of videos, and what they rest on.

    Attributes:
        scores: By item, strictness and temporal IoU.
        judge: Name of the judge.
        verdicts: How many different pairs the judge gave each class, by kind of label.
        unjudged: Pairs that it did not judge; they count as mismatches.
        labelled: Share of the annotated objects that the prediction labels at all.
        videos: Number of videos.
    """

    scores: dict[Key, Score]
    judge: str
    verdicts: dict[LabelKind, dict[Verdict, int]] = field(repr=False)
    unjudged: int
    labelled: float
    videos: int


def seconds_of(
    spans: Iterable[tuple[int, int]], *, seconds_per_frame: float = 1.0, end: SpanEnd = "included"
) -> tuple[Interval, ...]:
    """Return the time that spans of frames cover.

    TRASER writes spans with the last frame included; the card of SVG2test says that its
    spans exclude it, the published re-evaluation included it: score both.

    Args:
        spans: First and last frame of each, counted from 0.
        seconds_per_frame: How long one frame stands: ``duration / sampled frames`` for a
            prediction on sampled frames, ``1 / fps`` for annotated frames.
        end: Whether the last frame belongs to the span.

    Raises:
        EvalError: If a span ends before it starts.

    Example:
        >>> seconds_of([(2, 3), (3, 5)], seconds_per_frame=0.5)
        (Interval(start=1.0, end=3.0),)
    """
    extra = 1 if end == "included" else 0
    found = []
    for first, last in spans:
        if last + extra < first or first < 0:
            raise EvalError(f"span {(first, last)!r} is no range of frames")
        found.append(Interval(first * seconds_per_frame, (last + extra) * seconds_per_frame))
    return tuple(union(found))


def graph_of_layer(truth: SceneGraph, layer: GraphLayer) -> SceneGraph:
    """Return what a layer says as a graph of the annotated video.

    Args:
        truth: The annotated graph; gives the video.
        layer: What a model says, with the ids of the annotated objects. A thing without a
            label is called `UNNAMED`, and is there only if a relation names it.
    """
    ends = {end for r in layer.relations for end in (r.subject, r.object)}
    objects = tuple(
        SceneObject(id=number, label=item.label or UNNAMED, attributes=item.attributes)
        for number, item in sorted(layer.objects.items())
        if item.label is not None or number in ends
    )
    return SceneGraph(video=truth.video, objects=objects, relations=layer.relations)


def evaluate(
    videos: Mapping[str, Graphs],
    judge: Judge,
    *,
    thresholds: Sequence[float | None] = THRESHOLDS,
) -> GraphScores:
    """Score predicted graphs against annotated ones.

    Args:
        videos: Annotated and predicted graph of each video; object ids are the same in both.
        judge: Decides which labels lenient scores accept.
        thresholds: Temporal IoUs to exceed; None for any time.

    Raises:
        EvalError: If a prediction has an object that is not annotated.
    """
    for name, (truth, predicted) in videos.items():
        _check_ids(name, truth, predicted)
    pairs = list(dict.fromkeys(pair for graphs in videos.values() for pair in _pairs(*graphs)))
    different = [pair for pair in pairs if not same_label(pair)]
    judged = judge.judge(different) if different else {}
    verdicts = {**dict.fromkeys(pairs, _MISMATCH), **judged}
    verdicts |= {pair: _IDENTICAL for pair in pairs if same_label(pair)}
    counted = {
        name: [*_counted(_Comparison(*graphs, verdicts), thresholds)]
        for name, graphs in videos.items()
    }
    rows: dict[Key, list[tuple[_Hits, _Hits]]] = {}
    for found in counted.values():
        for key, recalled, supported in found:
            rows.setdefault(key, []).append((recalled, supported))
    return GraphScores(
        scores={key: _score(found) for key, found in rows.items()},
        judge=judge.name,
        verdicts=_mix(verdicts),
        unjudged=len(different) - len(judged),
        labelled=_labelled(videos.values()),
        videos=len(videos),
    )


_MISMATCH: Verdict = "mismatch"
_IDENTICAL: Verdict = "identical"


def _check_ids(name: str, truth: SceneGraph, predicted: SceneGraph) -> None:
    known = {item.id for item in truth.objects} | {CAMERA}
    ends = {end for r in predicted.relations for end in (r.subject, r.object)}
    unknown = sorted(({item.id for item in predicted.objects} | ends) - known)
    if unknown:
        raise EvalError(
            f"the prediction for video {name!r} has objects {unknown}, which are not annotated; "
            "the protocol gives the annotated tracks, so rename its objects to their ids"
        )


def _pairs(truth: SceneGraph, predicted: SceneGraph) -> Iterator[LabelPair]:
    """Return every pair of labels that a score of one video may ask for."""
    said = {item.id: item for item in predicted.objects}
    for item in truth.objects:
        if other := said.get(item.id):
            yield LabelPair("object", item.label, other.label)
            for name in item.attributes:
                yield from (LabelPair("attribute", name, guess) for guess in other.attributes)
    relations = _by_ends(predicted.relations)
    for r in truth.relations:
        for guess in relations.get((r.subject, r.object), ()):
            yield LabelPair("predicate", r.predicate, guess.predicate)


def _by_ends(relations: Iterable[Relation]) -> dict[tuple[int, int], list[Relation]]:
    found: dict[tuple[int, int], list[Relation]] = {}
    for r in relations:
        found.setdefault((r.subject, r.object), []).append(r)
    return found


class _Comparison:
    """Two graphs of one video, and what is accepted between them."""

    def __init__(
        self, truth: SceneGraph, predicted: SceneGraph, verdicts: Mapping[LabelPair, Verdict]
    ) -> None:
        self.truth, self.predicted = truth, predicted
        self._verdicts = verdicts
        self._labels = {item.id: item.label for item in truth.objects}
        self._said = {item.id: item for item in predicted.objects}

    def _accepts(self, pair: LabelPair, strictness: Strictness) -> bool:
        return self._verdicts[pair] != _MISMATCH if strictness == "lenient" else same_label(pair)

    def object_right(self, number: int, strictness: Strictness) -> bool:
        if number == CAMERA:
            return True
        if number not in self._said:
            return False
        pair = LabelPair("object", self._labels[number], self._said[number].label)
        return self._accepts(pair, strictness)

    def attributes(self, strictness: Strictness) -> tuple[_Hits, _Hits]:
        recalled, supported = [], []
        annotated = {item.id: item.attributes for item in self.truth.objects}
        for number in annotated.keys() | self._said.keys():
            mine = annotated[number]
            theirs = self._said[number].attributes if number in self._said else ()
            table = [
                [self._accepts(LabelPair("attribute", a, b), strictness) for b in theirs]
                for a in mine
            ]
            recalled += [any(row) for row in table]
            supported += [any(row[column] for row in table) for column in range(len(theirs))]
        return recalled, supported

    def objects(self, strictness: Strictness) -> tuple[_Hits, _Hits]:
        recalled = [self.object_right(item.id, strictness) for item in self.truth.objects]
        supported = [self.object_right(item.id, strictness) for item in self.predicted.objects]
        return recalled, supported

    def relations(
        self, strictness: Strictness, tiou: float | None, *, endpoints: bool
    ) -> tuple[_Hits, _Hits]:
        def agree(a: Relation, b: Relation) -> bool:
            pair = LabelPair("predicate", a.predicate, b.predicate)
            if not self._accepts(pair, strictness):
                return False
            if tiou is not None and iou(a.intervals, b.intervals) <= tiou:
                return False
            ends = (a.subject, a.object) if endpoints else ()
            return all(self.object_right(end, strictness) for end in ends)

        return (
            _supported(self.truth.relations, self.predicted.relations, agree),
            _supported(self.predicted.relations, self.truth.relations, lambda a, b: agree(b, a)),
        )


def _supported(
    relations: Iterable[Relation],
    others: Iterable[Relation],
    agree: Callable[[Relation, Relation], bool],
) -> list[bool]:
    """Return for each relation whether another one of the same pair agrees with it."""
    rivals = _by_ends(others)
    return [
        any(agree(r, rival) for rival in rivals.get((r.subject, r.object), ())) for r in relations
    ]


def _counted(
    found: _Comparison, thresholds: Sequence[float | None]
) -> Iterator[tuple[Key, _Hits, _Hits]]:
    """Return for each score which annotated items are found and which predicted ones hold."""
    for strictness in get_args(Strictness):
        yield Key("object", strictness), *found.objects(strictness)
        yield Key("attribute", strictness), *found.attributes(strictness)
        for tiou in thresholds:
            for item, endpoints in _RELATIONS:
                hits = found.relations(strictness, tiou, endpoints=endpoints)
                yield Key(item, strictness, tiou), *hits


_RELATIONS: tuple[tuple[Item, bool], ...] = (("relation", False), ("triplet", True))


def _score(found: Sequence[tuple[_Hits, _Hits]]) -> Score:
    recalled, supported = ([row[side] for row in found] for side in (0, 1))
    return Score(
        micro=Rates(_pooled(recalled), _pooled(supported)),
        macro=Rates(_by_video(recalled), _by_video(supported)),
        annotated=sum(map(len, recalled)),
        predicted=sum(map(len, supported)),
    )


def _pooled(rows: Iterable[_Hits]) -> float:
    hits = [hit for row in rows for hit in row]
    return sum(hits) / len(hits) if hits else math.nan


def _by_video(rows: Iterable[_Hits]) -> float:
    means = [sum(row) / len(row) for row in rows if row]
    return math.fsum(means) / len(means) if means else math.nan


def _mix(verdicts: Mapping[LabelPair, Verdict]) -> dict[LabelKind, dict[Verdict, int]]:
    counts = Counter((pair.kind, verdict) for pair, verdict in verdicts.items())
    return {
        kind: {verdict: counts[kind, verdict] for verdict in get_args(Verdict)}
        for kind in get_args(LabelKind)
    }


def _labelled(graphs: Iterable[Graphs]) -> float:
    pairs = list(graphs)
    said = [
        item.id in {other.id for other in predicted.objects}
        for truth, predicted in pairs
        for item in truth.objects
    ]
    return sum(said) / len(said) if said else math.nan
