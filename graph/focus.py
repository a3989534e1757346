"""Focus: which relations of a graph matter for a question, ranked without a language model.

A relation's score is the product of

- *time*: the chance that its span, widened by `_Weights.reach`, meets the time that the
  question is about. That time is a density over the video: flat, or concentrated by words
  ("at the end", "at 3 s", "between 2 and 5 s"), and raised around *hits*, relations that
  say what the question says of things that it names (after them for "after ...", before
  them for "before ...");
- *participants*: larger if the question names the subject or the object (by label,
  synonym, wider kind, attribute or number), a little if it names what either is
  related to;
- *predicate*: larger if the question says it, or a word that means the same;
- *weight of the statement*: events before contacts before positions, certain before
  unsure, lasting before brief.

What says in full what is asked of a thing that is named counts as certain to be meant,
however brief it is, unless the question also says when.

The weights were fitted by random search on one half of 271 videos that people annotated
and checked on the other half; ``python -m benchmarks.graph_text`` prints both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from reelgraph._types import Floats, Ints
from reelgraph.graph.focus_words import Asked, Part, asked
from reelgraph.graph.schema import CAMERA, LayerRecord, Relation, SceneGraph, SceneObject
from reelgraph.graph.text_budget import Material, fitted
from reelgraph.graph.text_layouts import Prose
from reelgraph.graph.text_order import KIND_RANK
from reelgraph.graph.text_words import TokenCounter, clean, estimate_tokens

if TYPE_CHECKING:
    from reelgraph.graph.temporal import TemporalGraph

__all__ = ["Focus", "Scored", "focus", "ranking"]

_CELLS = 64
"""Into how many cells the time of the video is divided."""
_ANCHORS = 200
"""How many hits, the strongest, shape the density of time."""
_RELEVANT = 0.1
"""Without a budget, the score from which on a relation is kept."""
_LEAST = 8
"""Without a budget, how many relations are kept at least."""
_MEANT = 0.5
"""From when on an object counts as named."""
_LISTED = 5
"""How many predicates the sentence on what is left out lists."""
_VERSION = "1"


@dataclass(frozen=True)
class _Weights:
    """What the parts of the score weigh; times are shares of the video's length."""

    part_width: float = 0.115
    middle_width: float = 0.18
    hit: float = 1.9
    hit_width: float = 0.1
    named_hit: float = 0.02
    wrong_side: float = 0.5
    reach: float = 0.065
    subject: float = 1.9
    object: float = 0.6
    neighbor: float = 0.2
    predicate: float = 0.4
    length: float = 0.15
    kind: float = 0.15
    certainty: float = 0.5


_WEIGHTS: Final = _Weights()


@dataclass(frozen=True, slots=True)
class Scored:
    """A relation and how much it matters, 1 for the one that matters most."""

    relation_id: str
    score: float


@dataclass(frozen=True)
class Focus:
    """The part of a graph that matters for a question.

    Attributes:
        question: What was asked.
        ranked: Every relation of the graph, those that matter most first.
        kept: Ids of the relations kept, in the same order.
        graph: The graph of the kept relations, their objects and those that the question
            names.
        left_out: One sentence that says what was left out.
    """

    question: str
    ranked: tuple[Scored, ...]
    kept: tuple[str, ...]
    graph: TemporalGraph
    left_out: str


def focus(
    graph: TemporalGraph,
    question: str,
    *,
    budget: int | None = None,
    count_tokens: TokenCounter = estimate_tokens,
) -> Focus:
    """Return the part of a graph that matters for a question.

    No model is asked: the same question of the same graph always gives the same part.

    Args:
        graph: Where to look.
        question: What is asked, in English.
        budget: Keep what an event log of at most this many tokens tells. None keeps what
            scores at least a tenth of the best, and at least the first eight relations.
        count_tokens: How tokens are counted.

    Raises:
        QueryError: If not even a headline fits the budget.
    """
    ranked = ranking(graph, question)
    if budget is None:
        some = [i for i in ranked if i.score >= _RELEVANT] + ranked[:_LEAST]
        kept = list(dict.fromkeys(item.relation_id for item in some))
    else:
        scores = {item.relation_id: item.score for item in ranked}
        material = Material(graph, scores, budget)
        told = fitted(material, Prose(graph).events, budget, count_tokens)
        ids = {fact.relation.id for fact in (*told.exact, *told.brief)}
        kept = [item.relation_id for item in ranked if item.relation_id in ids]
    named = {i for i, sure in _asked(graph, question).named.items() if sure >= _MEANT}
    part, left_out = _part(graph, set(kept), named)
    return Focus(question, tuple(ranked), tuple(kept), part, left_out)


def ranking(graph: TemporalGraph, question: str, weights: _Weights = _WEIGHTS) -> list[Scored]:
    """Return all relations of a graph, those that matter most for a question first.

    Relations that score the same come in order of time.
    """
    relations = graph.relations()
    if not relations:
        return []
    logs = _Scores(relations, _asked(graph, question), _end_s(graph), weights).logs()
    scores = np.exp(logs - logs.max())
    order = np.argsort(-scores, kind="stable")
    return [Scored(relations[row].id, float(scores[row])) for row in order]


def _asked(graph: TemporalGraph, question: str) -> Asked:
    return asked(graph, question, _end_s(graph))


def _end_s(graph: TemporalGraph) -> float:
    """Return when the graph ends, in seconds; never 0."""
    ends = (r.end for r in graph.document.relations)
    return max(graph.video.duration_s, max(ends, default=0.0), 1e-3)


def _part(graph: TemporalGraph, kept: set[str], named: set[int]) -> tuple[TemporalGraph, str]:
    """Return the graph of some relations and objects, and what it leaves out."""
    document = graph.document
    relations = tuple(r for r in document.relations if r.id in kept)
    needed = named.union(*({r.subject, r.object, r.recipient or CAMERA} for r in relations))
    objects = tuple(item for item in document.objects if item.id in needed)
    left = _left_out(document, relations, objects)
    record = LayerRecord(stage="focus", tool="focus", version=_VERSION, warnings=(left,))
    changed = {
        "objects": objects,
        "relations": relations,
        "provenance": (*document.provenance, record),
    }
    return type(graph)(document.model_copy(update=changed)), left


def _left_out(
    whole: SceneGraph, relations: Sequence[Relation], objects: Sequence[SceneObject]
) -> str:
    """Return one sentence on what a part lacks of the whole."""
    kept = {r.id for r in relations}
    predicates = Counter(r.predicate for r in whole.relations if r.id not in kept)
    if not predicates and len(objects) == len(whole.objects):
        return "Nothing was left out."
    told = sorted(predicates.items(), key=lambda item: (-item[1], item[0]))
    listing = [f"{count} {clean(name)!r}" for name, count in told[:_LISTED]]
    if rest := sum(count for _, count in told[_LISTED:]):
        listing.append(f"{rest} others")
    detail = f" ({', '.join(listing)})" if listing else ""
    count, lost = predicates.total(), len(whole.objects) - len(objects)
    return (
        f"Left out as less relevant: {count} of {len(whole.relations)} relations{detail} "
        f"and {lost} of {len(whole.objects)} objects."
    )


class _Scores:
    """Scores every relation of a list at once."""

    def __init__(
        self, relations: Sequence[Relation], question: Asked, end_s: float, weights: _Weights
    ) -> None:
        self._relations = relations
        self._asked = question
        self._weights = weights
        rows = [(row, *span) for row, r in enumerate(relations) for span in r.intervals]
        table = np.array(rows, dtype=np.float64).reshape(-1, 3)
        self._rows: Ints = table[:, 0].astype(np.int64)
        self._starts: Floats = table[:, 1] / end_s
        self._ends: Floats = table[:, 2] / end_s
        self._end_s = end_s
        ends = [(r.subject, r.object, r.recipient or CAMERA) for r in relations]
        self._ends_of: Ints = np.array(ends, dtype=np.int64).T
        sure = [[question.named.get(i, 0.0) for i in row] for row in self._ends_of.tolist()]
        self._subject: Floats = np.array(sure[0])
        self._object: Floats = np.array(sure[1:]).max(axis=0)
        self._said: Floats = np.array([question.said.get(r.predicate, 0.0) for r in relations])

    def logs(self) -> Floats:
        """Return the logarithm of each relation's score."""
        w = self._weights
        total: Floats = np.log(self._time() + 1e-4)
        total += w.subject * self._subject + w.object * self._object
        total += w.neighbor * self._near() + w.predicate * self._said
        lasting = np.log(self._summed(self._ends - self._starts) + 0.02)
        total += w.length * lasting * (1 - self._exact)
        ranks = np.array([KIND_RANK[r.kind] for r in self._relations], dtype=np.float64)
        total -= w.kind * ranks * (1 - self._said)
        sure = [0.5 if r.score is None else r.score for r in self._relations]
        total += w.certainty * (np.array(sure) - 0.5)
        return total

    def _summed(self, values: Floats) -> Floats:
        """Return the sum over each relation's intervals."""
        summed = np.zeros(len(self._relations))
        np.add.at(summed, self._rows, values)
        return summed

    def _near(self) -> Floats:
        """Return 1 for relations of things that are related to something named."""
        named = [i for i, sure in self._asked.named.items() if sure >= _MEANT]
        near = np.unique(self._ends_of[:, np.isin(self._ends_of, named).max(axis=0)])
        met = np.isin(self._ends_of, near[near != CAMERA])
        found: Floats = met.astype(np.float64).max(axis=0)
        return found

    def _time(self) -> Floats:
        """Return the chance that each relation meets the time asked for."""
        below = np.concatenate([[0.0], np.cumsum(self._density())])
        edges = np.linspace(0.0, 1.0, _CELLS + 1)
        reach = 0.0 if self._asked.window else self._weights.reach
        upto = np.interp(np.maximum(self._ends, self._starts + 1e-3) + reach, edges, below)
        since = np.interp(self._starts - reach, edges, below)
        chance: Floats = np.minimum(self._summed(upto - since), 1.0)
        return np.maximum(chance, self._exact)

    @cached_property
    def _exact(self) -> Floats:
        """Return how surely each relation says just what is asked, unless at a given time."""
        named = np.maximum(self._subject, self._object)
        asked_for = (self._said == 1.0) & (not self._asked.timed)
        exact: Floats = np.where(asked_for, named, 0.0)
        return exact

    def _density(self) -> Floats:
        """Return for each cell of time the chance that the question is about it."""
        middle = (np.arange(_CELLS) + 0.5) / _CELLS
        prior = self._prior(middle, self._asked.part)
        density = prior * (1.0 + self._weights.hit * self._boost(middle))
        normal: Floats = density / density.sum()
        return normal

    def _prior(self, middle: Floats, part: Part | None) -> Floats:
        """Return the density that words and numbers of time give."""
        w = self._weights
        if self._asked.window is not None:
            start, end = (t / self._end_s for t in self._asked.window)
            half = 0.5 / _CELLS
            inside = (middle + half > start) & (middle - half <= end)
            return np.where(inside, 1.0, 1e-3)
        if part == "start":
            return np.exp(-middle / w.part_width) + 0.01
        if part == "end":
            return np.exp(-(1 - middle) / w.part_width) + 0.01
        if part == "middle":
            return np.exp(-(((middle - 0.5) / w.middle_width) ** 2) / 2) + 0.03
        return np.ones(_CELLS)

    def _boost(self, middle: Floats) -> Floats:
        """Return how near each cell of time is to a hit, 0 to 1."""
        w, order = self._weights, self._asked.order
        strength = self._strength()[self._rows]
        length = self._ends - self._starts
        strength = strength * np.minimum(1.0, 0.25 / (length + 0.02))
        rows = np.argsort(-strength, kind="stable")[:_ANCHORS]
        rows = rows[strength[rows] > 0]
        boost = np.zeros(_CELLS)
        for row in rows:
            early = np.maximum(0.0, self._starts[row] - middle)
            late = np.maximum(0.0, middle - self._ends[row])
            early = early / (w.wrong_side if order == "after" else 1.0)
            late = late / (w.wrong_side if order == "before" else 1.0)
            boost = np.maximum(boost, strength[row] * np.exp(-(early + late) / w.hit_width))
        return boost

    def _strength(self) -> Floats:
        """Return how much each relation is what the question says, 0 to about 1."""
        said = self._said
        anchor = [self._asked.anchor.get(r.predicate, 0.0) for r in self._relations]
        if any(anchor):
            said = np.array(anchor)
        named = np.maximum(self._subject, self._object)
        strength: Floats = said * (0.25 + 0.75 * named) + self._weights.named_hit * named
        return strength
