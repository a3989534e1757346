"""The page: a graph, its names and the assets of this folder as one HTML file."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from reelgraph._atomic import replacing
from reelgraph._page import fill_page, script_safe
from reelgraph.errors import GraphFormatError
from reelgraph.graph.schema import CAMERA
from reelgraph.graph.serialize import clean

if TYPE_CHECKING:
    from reelgraph.graph.temporal import TemporalGraph

__all__ = ["render", "write_page"]

_SCRIPTS = ("model.js", "tooltip.js", "timeline.js", "network.js", "page.js")
"""In the order of their dependencies; they are joined into one script."""


def render(graph: TemporalGraph) -> str:
    """Return a page that shows a graph: its timeline, its objects and its network.

    The page is one HTML file that asks nothing of the network: style, script and the
    graph are in it, and its Content-Security-Policy lets no other script run. The same
    graph gives the same page, byte for byte.

    Args:
        graph: What to show.
    """
    blanks = {"title": html.escape(_title(graph)), "data": _data(graph)}
    return fill_page("reelgraph.graph.picture", _SCRIPTS, blanks)


def write_page(graph: TemporalGraph, path: str | Path) -> None:
    """Write the page of a graph; the file appears complete or not at all.

    Args:
        graph: What to show.
        path: The HTML file.

    Raises:
        GraphFormatError: If the file cannot be written.
    """
    page = render(graph)
    try:
        with replacing(path) as partial:
            partial.write_text(page, encoding="utf-8")
    except OSError as error:
        raise GraphFormatError(f"Cannot write {str(path)!r}: {error}") from error


def _title(graph: TemporalGraph) -> str:
    """Return the name of the video's file without its folder, which is nobody's business."""
    return clean(re.split(r"[/\\]", graph.video.path)[-1]) or "video"


def _data(graph: TemporalGraph) -> str:
    """Return what the script reads, as JSON that no label can break out of.

    ``graph`` is the document as `TemporalGraph.save` writes it. The rest is how Python
    words it, so that page and command line say the same: the ``names`` of objects, a
    sentence for each relation in the order of the document, and the relations of one
    participant, whose sentence leaves the camera out.
    """
    relations = graph.document.relations
    words = {
        "names": {i: graph.name(i, mark=True) for i in (CAMERA, *(o.id for o in graph.objects()))},
        "sentences": [graph.describe(r, mark=True) for r in relations],
        "alone": sorted(
            {
                r.predicate
                for r in relations
                if r.object == CAMERA
                and graph.describe(r) == f"{graph.name(r.subject)} {clean(r.predicate)}"
            }
        ),
        "notes": graph.diagnostics(),
    }
    document = graph.document.model_dump_json()
    text = f'{{"graph":{document},"words":{json.dumps(words, ensure_ascii=False)}}}'
    return script_safe(text)
