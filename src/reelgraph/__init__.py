"""Ask questions of a video, get checked answers from a spatio-temporal scene graph.

    >>> import reelgraph
    >>> reelgraph.__version__
    '0.1.0'

Names are loaded on first use, so that ``import reelgraph`` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reelgraph.agent import Answer, Evidence, VideoAgent
    from reelgraph.errors import (
        AgentError,
        GraphFormatError,
        MissingDependencyError,
        QueryError,
        ReelgraphError,
        StoreError,
        VideoError,
    )
    from reelgraph.graph.schema import CAMERA, Interval, Relation, SceneGraph, SceneObject
    from reelgraph.graph.store import GraphStore
    from reelgraph.graph.temporal import TemporalGraph
    from reelgraph.graph.tracks import Tracks
    from reelgraph.tools.pipeline import Pipeline
    from reelgraph.tools.video import Video

__version__ = "0.1.0"

_HOMES = {
    "reelgraph.agent": ("Answer", "Evidence", "VideoAgent"),
    "reelgraph.errors": (
        "AgentError",
        "GraphFormatError",
        "MissingDependencyError",
        "QueryError",
        "ReelgraphError",
        "StoreError",
        "VideoError",
    ),
    "reelgraph.graph.schema": ("CAMERA", "Interval", "Relation", "SceneGraph", "SceneObject"),
    "reelgraph.graph.store": ("GraphStore",),
    "reelgraph.graph.temporal": ("TemporalGraph",),
    "reelgraph.graph.tracks": ("Tracks",),
    "reelgraph.tools.pipeline": ("Pipeline",),
    "reelgraph.tools.video": ("Video",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "CAMERA",
    "AgentError",
    "Answer",
    "Evidence",
    "GraphFormatError",
    "GraphStore",
    "Interval",
    "MissingDependencyError",
    "Pipeline",
    "QueryError",
    "ReelgraphError",
    "Relation",
    "SceneGraph",
    "SceneObject",
    "StoreError",
    "TemporalGraph",
    "Tracks",
    "Video",
    "VideoAgent",
    "VideoError",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'reelgraph' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
