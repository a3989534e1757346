"""A process that builds graphs when told to, each in a child that a test may kill.

Arguments: cache folder, video, log file (one line for each run of the tracker).
Lines on standard input name a file; a child writes the graph's JSON there and exits.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np

from reelgraph.graph.schema import GraphLayer, Interval, LayerObject, Relation
from reelgraph.graph.store import GraphStore
from reelgraph.graph.tracks import Track, Tracks, encode_mask
from reelgraph.tools.pipeline import Pipeline
from reelgraph.tools.scripted import ScriptedGenerator, ScriptedTracker
from reelgraph.tools.video import Video


def find(video: Video) -> Tracks:
    """Find two objects: the left half all the time, the right half from the middle on."""
    width, height = video.info.resolution_wh
    count = len(video.times_s)
    left = np.zeros((height, width), dtype=bool)
    left[:, : width // 2] = True
    tracks = tuple(
        Track(
            object_id,
            np.arange(first, count),
            np.array([[x, 0.0, x + width // 2, height]] * (count - first)),
            (encode_mask(mask),) * (count - first),
        )
        for object_id, mask, x, first in ((1, left, 0.0, 0), (2, ~left, width / 2, count // 2))
    )
    return Tracks(video.info, np.arange(count), video.times_s, video.end_s, tracks)


def say(video: Video, tracks: Tracks) -> GraphLayer:
    """Say that the left object is a cup, left of the other as long as both are there."""
    (span,) = tracks.presence(2)
    relation = Relation(
        id="x",
        subject=1,
        predicate="left of",
        object=2,
        intervals=(Interval(*span),),
        kind="spatial",
        source="scripted",
    )
    return GraphLayer(
        source="scripted", objects={1: LayerObject(label="cup")}, relations=(relation,)
    )


def slow_pipeline(root: Path, log: Path, pause_s: float) -> Pipeline:
    """Return a pipeline whose tools take their time and log their runs."""

    def track(video: Video) -> Tracks:
        with log.open("a") as file:
            file.write("run\n")
        time.sleep(pause_s)
        return find(video)

    def generate(video: Video, tracks: Tracks) -> GraphLayer:
        time.sleep(pause_s / 4)
        return say(video, tracks)

    return Pipeline(
        tracker=ScriptedTracker(track),
        generators=[ScriptedGenerator(generate)],
        store=GraphStore(root),
    )


def serve(root: Path, video: Path, log: Path, pause_s: float) -> None:
    """Fork a builder for each line of input, say its process id, and never wait."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            graph = slow_pipeline(root, log, pause_s).graph(video)
            partial = Path(line.strip() + ".part")
            partial.write_text(graph.document.model_dump_json())
            partial.rename(line.strip())
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4]))
