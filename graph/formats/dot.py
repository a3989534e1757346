"""DOT: a picture of the graph for Graphviz, written only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from reelgraph._atomic import replacing
from reelgraph.graph.schema import CAMERA, Relation, SceneGraph

__all__ = ["to_dot", "write_dot"]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]+")


def to_dot(document: SceneGraph) -> str:
    """Return the graph in Graphviz' language: a node an object, an edge a relation.

    Edges tell predicate, times, recipient and relation id. Any text is safe in a label;
    line breaks and control characters in it become a space.
    """
    names = {CAMERA: "camera"} | {o.id: f"{o.label} #{o.id}" for o in document.objects}
    return "\n".join(["digraph scene {", *_nodes(document, names), *_edges(document, names), "}\n"])


def write_dot(document: SceneGraph, path: str | Path) -> None:
    """Write `to_dot` as UTF-8.

    Raises:
        OSError: If the file cannot be written.
    """
    with replacing(path) as partial:
        partial.write_text(to_dot(document), encoding="utf-8")


def _nodes(document: SceneGraph, names: dict[int, str]) -> Iterator[str]:
    yield "  node [shape=box];"
    for item in document.objects:
        about = f" ({', '.join(item.attributes)})" if item.attributes else ""
        yield f"  {_node(item.id)} [label={_quoted(names[item.id] + about)}];"
    if any(CAMERA in {r.subject, r.object} for r in document.relations):
        yield f"  {_node(CAMERA)} [label={_quoted(names[CAMERA])}, shape=ellipse];"


def _edges(document: SceneGraph, names: dict[int, str]) -> Iterator[str]:
    for r in document.relations:
        ends = f"{_node(r.subject)} -> {_node(r.object)}"
        yield f"  {ends} [label={_quoted(_statement(r, names))}, id={_quoted(r.id)}];"


def _node(object_id: int) -> str:
    return "camera" if object_id == CAMERA else f"o{object_id}"


def _statement(r: Relation, names: dict[int, str]) -> str:
    recipient = "" if r.recipient is None else f" to {names[r.recipient]}"
    times = ", ".join(f"{span.start:.1f}-{span.end:.1f} s" for span in r.intervals)
    return f"{r.predicate}{recipient} [{times}] ({r.id})"


def _quoted(text: str) -> str:
    """Return a label that Graphviz shows as ``text``: no escapes, no HTML entities."""
    plain = _CONTROL.sub(" ", text)
    safe = plain.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return f'"{safe}"'
