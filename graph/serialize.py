"""A graph as text for a language model, never longer than its token budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reelgraph.errors import QueryError
from reelgraph.graph import focus as focusing
from reelgraph.graph.schema import Interval, LayerRecord, SceneGraph
from reelgraph.graph.text_brief import Brief
from reelgraph.graph.text_budget import Layout, Material, Selection, fitted
from reelgraph.graph.text_layouts import Prose
from reelgraph.graph.text_toon import Toon
from reelgraph.graph.text_words import TokenCounter, clean, estimate_tokens

if TYPE_CHECKING:
    from reelgraph.graph.temporal import TemporalGraph

__all__ = ["FORMATS", "TokenCounter", "clean", "estimate_tokens", "to_text"]

FORMATS: Final = ("events", "triples", "timeline", "brief", "toon", "json")
"""Names of the text formats."""


def to_text(
    graph: TemporalGraph,
    format: str = "events",  # noqa: A002
    *,
    budget: int | None = None,
    count_tokens: TokenCounter = estimate_tokens,
    focus: str | focusing.Focus | None = None,
) -> str:
    """Return a graph as text for a language model.

    What is told, first where not all fits: what the focus ranks highest, or else events
    before contacts before positions, the certain before the unsure, the lasting before
    the brief. A last line (in JSON a warning of the provenance) counts what is left out.
    Every statement ends in the id of its relation. Times are in seconds, to a tenth;
    where not all fits, the less important are told to the second and, in the event log,
    together with others of their subject and predicate.

    Args:
        graph: What to tell.
        format: ``"events"``, a chronological log; ``"triples"``, one line per subject,
            predicate and object with all its times; ``"timeline"``, what each object
            takes part in; ``"brief"``, triples with objects by number and times in whole
            seconds, the fewest tokens; ``"toon"``, tables in Token-Oriented Object Notation;
            ``"json"``, the document.
        budget: Most tokens, by ``count_tokens``; None for no limit.
        count_tokens: How tokens are counted; the default is a cautious estimate.
        focus: A question, or what `focus` found for one. With a question and no budget,
            the relations that matter for it are told; with both, as many as fit.

    Raises:
        QueryError: If the format is unknown, not even a headline fits the budget, or the
            focus is on another graph.
    """
    layout = _layout(graph, format)
    return layout(fitted(_material(graph, focus, budget), layout, budget, count_tokens))


def _material(
    graph: TemporalGraph, focus: str | focusing.Focus | None, budget: int | None
) -> Material:
    """Return what may be told.

    Raises:
        QueryError: If the focus is on another graph.
    """
    if focus is None:
        return Material(graph, most=budget)
    if isinstance(focus, str) and budget is not None:
        ranked = focusing.ranking(graph, focus)
        return Material(graph, {item.relation_id: item.score for item in ranked}, budget)
    found = focusing.focus(graph, focus) if isinstance(focus, str) else focus
    kept = {graph.relation(name).id for name in found.kept}
    scores = {item.relation_id: item.score for item in found.ranked if item.relation_id in kept}
    return Material(graph, scores, budget, found.graph.objects())


def _layout(graph: TemporalGraph, name: str) -> Layout:
    """Return what writes a format.

    Raises:
        QueryError: If there is no such format.
    """
    if name == "brief":
        return Brief(graph).lines
    if name == "toon":
        return Toon(graph).tables
    if name == "json":
        return lambda chosen: _json(graph.document, chosen)
    prose = Prose(graph)
    layouts = {"events": prose.events, "triples": prose.triples, "timeline": prose.timeline}
    try:
        return layouts[name]
    except KeyError:
        known = ", ".join(FORMATS)
        raise QueryError(
            f"No text format is called {name!r}. Known: {known}.", choices=FORMATS
        ) from None


def _json(document: SceneGraph, chosen: Selection) -> str:
    """Return the document, reduced to what is chosen; a warning says what is missing."""
    if not chosen.left:
        return document.model_dump_json()
    spans: dict[str, list[Interval]] = {}
    for fact in sorted((*chosen.exact, *chosen.brief), key=lambda fact: fact.span):
        spans.setdefault(fact.relation.id, []).append(fact.span)
    ids = {item.id for item in chosen.objects} | chosen.named
    objects = tuple(item for item in document.objects if item.id in ids)
    record = LayerRecord(
        stage="text", tool="to_text", version="1", warnings=(f"left out: {chosen.left}",)
    )
    relations = tuple(
        r.model_copy(update={"intervals": tuple(spans[r.id])})
        for r in document.relations
        if r.id in spans
    )
    changed = {
        "objects": objects,
        "relations": relations,
        "provenance": (*document.provenance, record),
    }
    return document.model_copy(update=changed).model_dump_json()
