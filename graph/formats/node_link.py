"""Node-link JSON: the whole document in the form of NetworkX and D3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import AliasChoices, ConfigDict, Field

from reelgraph._atomic import replacing
from reelgraph.graph.formats.nx_document import from_networkx, to_networkx
from reelgraph.graph.formats.parsing import Form, SourceFile
from reelgraph.graph.schema import SceneGraph, VideoInfo

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["node_link", "read_node_link", "write_node_link"]

_FIX = "Read a file that write_node_link() wrote, or give nodes and edges the same attributes"


class _Node(Form):
    model_config = ConfigDict(extra="allow")

    id: int


class _Edge(Form):
    model_config = ConfigDict(extra="allow")

    source: int
    target: int
    key: str


class _NodeLink(Form):
    graph: dict[str, Any] = Field(default_factory=dict)
    nodes: list[_Node]
    edges: list[_Edge] = Field(validation_alias=AliasChoices("edges", "links"))


def node_link(document: SceneGraph) -> dict[str, Any]:
    """Return the document as node-link data: what `networkx.node_link_graph` reads.

    Everything is kept. Nodes have ``id`` and the fields of an object, edges ``source``,
    ``target``, ``key`` (the relation's id) and the fields of a relation.
    """
    graph = to_networkx(document)
    return {
        "directed": True,
        "multigraph": True,
        "graph": graph.graph,
        "nodes": [{"id": key, **fields} for key, fields in graph.nodes(data=True)],
        "edges": [
            {"source": a, "target": b, "key": key, **fields}
            for a, b, key, fields in graph.edges(keys=True, data=True)
        ],
    }


def write_node_link(document: SceneGraph, path: str | Path) -> None:
    """Write `node_link` data as JSON.

    Raises:
        OSError: If the file cannot be written.
    """
    with replacing(path) as partial:
        partial.write_text(json.dumps(node_link(document)), encoding="utf-8")


def read_node_link(path: str | Path, *, video: VideoInfo | None = None) -> SceneGraph:
    """Read node-link JSON; edges may be called ``edges`` or, as older NetworkX did, ``links``.

    Args:
        path: The file.
        video: The video, if the file does not tell it or tells it wrongly.

    Raises:
        GraphFormatError: If the file cannot be read, is not of this form, or misses
            something.
    """
    source = SourceFile(Path(path), "node-link JSON of a scene graph", _FIX)
    graph = _graph(source, source.parse(_NodeLink))
    if video is not None:
        graph.graph["video"] = video
    return from_networkx(graph, source)


def _graph(source: SourceFile, found: _NodeLink) -> nx.MultiDiGraph[int]:
    import networkx as nx

    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph()
    graph.graph.update(found.graph)
    for number, node in enumerate(found.nodes):
        if node.id in graph:
            raise source.error(f"nodes.{number}.id", f"node {node.id} is there twice")
        graph.add_node(node.id)
        graph.nodes[node.id].update(node.model_extra or {})
    for number, edge in enumerate(found.edges):
        place = (edge.source, edge.target, edge.key)
        if place in graph.edges:
            raise source.error(f"edges.{number}.key", f"relation {edge.key!r} is there twice")
        graph.add_edge(edge.source, edge.target, key=edge.key)
        graph.edges[place].update(edge.model_extra or {})
    return graph
