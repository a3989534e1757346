"""The page: a graph, its names and the assets of this folder as one HTML file."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from reelgraph._atomic import replacing
from reelgraph.errors import GraphFormatError
from reelgraph.graph.schema import CAMERA
from reelgraph.graph.serialize import clean

if TYPE_CHECKING:
    from reelgraph.graph.temporal import TemporalGraph

__all__ = ["render", "write_page"]

_SCRIPTS = ("model.js", "tooltip.js", "timeline.js", "network.js", "page.js")
"""In the order of their dependencies; they are joined into one script."""

_BLANK = re.compile(r"\{\{(\w+)\}\}")
_UNSAFE = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
"""Characters that could end a script element, and how JSON writes them without."""


def render(graph: TemporalGraph) -> str:
    """Return a page that shows a graph: its timeline, its objects and its network.

    The page is one HTML file that asks nothing of the network: style, script and the
    graph are in it, and its Content-Security-Policy lets no other script run. The same
    graph gives the same page, byte for byte.

    Args:
        graph: What to show.
    """
    style, script = _asset("page.css"), "\n".join(map(_asset, _SCRIPTS))
    blanks = {
        "policy": _policy(style, script),
        "title": html.escape(_title(graph)),
        "style": style,
        "script": script,
        "data": _data(graph),
    }
    return _BLANK.sub(lambda blank: blanks[blank[1]], _asset("page.html"))


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


@cache
def _asset(name: str) -> str:
    return files("reelgraph.graph.picture").joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Return the policy that allows this style and this script, and nothing else."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


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
    return text.translate(_UNSAFE)
