"""A real pipeline whose tools find the objects of a made graph in any clip, and count."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from made_graphs import hand_over, make_tracks

from reelgraph.graph.schema import GraphLayer, LayerObject
from reelgraph.graph.store import GraphStore
from reelgraph.graph.tracks import Tracks
from reelgraph.tools.pipeline import Pipeline
from reelgraph.tools.scripted import ScriptedGenerator, ScriptedTracker
from reelgraph.tools.video import Video

TIMES_MS = tuple(range(0, 12_000, 100))


class Bench:
    """A pipeline that finds the objects of `hand_over` in any clip, slowly, and counts."""

    def __init__(self, folder: Path, wait_s: float = 0.1) -> None:
        self.runs: list[str] = []
        self._wait_s = wait_s
        self.pipeline = Pipeline(
            tracker=ScriptedTracker(self._track),
            generators=[ScriptedGenerator(self._say)],
            store=GraphStore(folder),
        )

    def _track(self, video: Video) -> Tracks:
        self.runs.append("track")
        time.sleep(self._wait_s)
        return replace(make_tracks(hand_over()), video=video.info)

    def _say(self, video: Video, tracks: Tracks) -> GraphLayer:
        self.runs.append("generate")
        graph = hand_over()
        return GraphLayer(
            source="scripted",
            objects={
                o.id: LayerObject(label=o.label, attributes=o.attributes, uncertain=False)
                for o in graph.objects()
            },
            relations=tuple(
                relation.model_copy(update={"source": "scripted"})
                for relation in graph.document.relations
            ),
        )
