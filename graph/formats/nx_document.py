"""NetworkX documents: a whole scene graph as a MultiDiGraph of plain values, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from reelgraph.graph.formats.parsing import SourceFile
from reelgraph.graph.schema import CAMERA, Relation, SceneGraph, SceneObject

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["from_networkx", "to_networkx"]


def to_networkx(document: SceneGraph) -> nx.MultiDiGraph[int]:
    """Return a graph that holds everything in the document as JSON values.

    Nodes are object ids (and the camera's, if a relation names it) with the fields of
    `SceneObject`; edges run from subject to object under the relation's id with the fields
    of `Relation`, its ``source`` as ``said_by``, for a graph's file calls one end of an edge
    its source; video, provenance and schema version are attributes of the graph.
    """
    import networkx as nx

    rest = document.model_dump(mode="json", exclude={"objects", "relations"})
    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph(**rest)
    for item in document.objects:
        graph.add_node(item.id, **item.model_dump(mode="json", exclude={"id"}))
    if any(CAMERA in {r.subject, r.object, r.recipient} for r in document.relations):
        graph.add_node(CAMERA, label="camera")
    for number, r in enumerate(document.relations):
        fields = r.model_dump(mode="json", exclude={"id", "subject", "object", "source"})
        graph.add_edge(r.subject, r.object, key=r.id, order=number, said_by=r.source, **fields)
    return graph


def from_networkx(graph: nx.MultiDiGraph[int], source: SourceFile) -> SceneGraph:
    """Return the document in a graph that `to_networkx` made.

    Edges are sorted by their ``order``, where they have one. Attributes that a document
    does not have are passed over.

    Raises:
        GraphFormatError: If something is missing or has a wrong type.
    """
    objects = [
        source.shaped({**_known(fields, SceneObject), "id": key}, SceneObject, f"node {key}")
        for key, fields in graph.nodes(data=True)
        if key != CAMERA
    ]
    edges = sorted(graph.edges(keys=True, data=True), key=lambda edge: _order(edge[3]))
    relations = [
        source.shaped(
            {**_relation(fields), "id": key, "subject": a, "object": b}, Relation, f"edge {key}"
        )
        for a, b, key, fields in edges
    ]
    rest = _known(graph.graph, SceneGraph)
    return source.shaped({**rest, "objects": objects, "relations": relations}, SceneGraph, "graph")


def _order(fields: Mapping[str, Any]) -> int:
    order = fields.get("order", 0)
    return order if isinstance(order, int) else 0


def _relation(fields: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: value for key, value in fields.items() if key != "source"}
    if "said_by" in found:
        found["source"] = found["said_by"]
    return _known(found, Relation)


def _known(fields: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key in model.model_fields}
