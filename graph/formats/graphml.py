"""GraphML: the whole document with typed attributes, for Gephi, Cytoscape, yEd and igraph."""

from __future__ import annotations

import json
import re
import warnings
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from reelgraph._atomic import replacing
from reelgraph.graph.formats.nx_document import from_networkx, to_networkx
from reelgraph.graph.formats.parsing import SourceFile
from reelgraph.graph.schema import SceneGraph, VideoInfo

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["read_graphml", "write_graphml"]

_FIX = "Read a file that write_graphml() wrote, or give nodes and edges the same attributes"
_LISTS = frozenset({"attributes", "presence", "intervals", "video", "provenance"})
"""Attributes that GraphML has no type for; they are written as JSON."""
_BARRED = re.compile(r"[^\t\n\x20-\x5b\x5d-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold or changes, and the backslash, which marks them."""
_FAULTS = (ParseError, AttributeError, LookupError, TypeError, UserWarning, ValueError)
"""What NetworkX makes of a malformed file, beside its own exceptions."""
_MARKED = re.compile(r"\\u([0-9a-f]{4})")


def write_graphml(document: SceneGraph, path: str | Path) -> None:
    r"""Write the document as GraphML through NetworkX.

    Everything is kept. Numbers, flags and text are typed attributes; lists (intervals,
    presence, attributes), video and provenance are JSON text. Characters that XML cannot
    hold, and the backslash, are written as ``\uXXXX``.

    Raises:
        OSError: If the file cannot be written.
    """
    import networkx as nx

    graph = _mapped(to_networkx(document), _to_xml, _escape)
    with replacing(path) as partial:
        nx.write_graphml_xml(graph, partial)


def read_graphml(path: str | Path, *, video: VideoInfo | None = None) -> SceneGraph:
    """Read a document that `write_graphml` wrote, also after another tool saved it.

    Args:
        path: The file.
        video: The video, if the file does not tell it or tells it wrongly.

    Raises:
        GraphFormatError: If the file cannot be read, is no GraphML, or misses something.
    """
    source = SourceFile(Path(path), "GraphML file of a scene graph", _FIX)
    graph = _mapped(_loaded(source), _from_xml, _unescape)
    if video is not None:
        graph.graph["video"] = video
    return from_networkx(graph, source)


def _loaded(source: SourceFile) -> nx.MultiDiGraph[Any]:
    import networkx as nx

    data = source.read()
    try:
        with warnings.catch_warnings(action="error"):  # it warns of keys that it does not know
            graph: Any = nx.read_graphml(
                BytesIO(data), node_type=int, edge_key_type=str, force_multigraph=True
            )
    except (*_FAULTS, nx.NetworkXException) as error:
        raise source.error("XML", str(error)) from error
    if not graph.is_directed():
        raise source.error("edgedefault", "must be 'directed'")
    directed: nx.MultiDiGraph[Any] = graph
    return directed


def _mapped(graph: nx.MultiDiGraph[Any], value: Any, key: Any) -> nx.MultiDiGraph[Any]:
    """Return a copy with every attribute changed by ``value`` and every edge key by ``key``."""
    changed = type(graph)()
    changed.graph.update(_fields(graph.graph, value))
    for node, data in graph.nodes(data=True):
        changed.add_node(node)
        changed.nodes[node].update(_fields(data, value))
    for a, b, name, data in graph.edges(keys=True, data=True):
        changed.add_edge(a, b, key=key(str(name)))
        changed.edges[a, b, key(str(name))].update(_fields(data, value))
    return changed


def _fields(fields: dict[str, Any], value: Any) -> dict[str, Any]:
    found = {name: value(name, item) for name, item in fields.items()}
    return {name: item for name, item in found.items() if item is not None}


def _to_xml(name: str, value: Any) -> Any:
    if name in _LISTS:
        return _escape(json.dumps(value))
    return _escape(value) if isinstance(value, str) else value


def _from_xml(name: str, value: Any) -> Any:
    text = _unescape(value) if isinstance(value, str) else value
    if name not in _LISTS or not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text  # the model that wants a list says where it found text


def _escape(text: str) -> str:
    return _BARRED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _unescape(text: str) -> str:
    return _MARKED.sub(lambda found: chr(int(found[1], 16)), text)
