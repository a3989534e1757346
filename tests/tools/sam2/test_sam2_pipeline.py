"""The SAM 2 tracker in the pipeline: picked by itself, and gone on with after SIGKILL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from types import SimpleNamespace

import pytest

from reelgraph.graph.store import GraphStore
from reelgraph.graph.track_formats import tracks_to_bytes
from reelgraph.tools.base import Availability, Resumable
from reelgraph.tools.pipeline import Pipeline
from reelgraph.tools.sam2 import tracker as tracker_module
from reelgraph.tools.sam2.config import Sam2Config
from reelgraph.tools.sam2.scripted import ColourEngine
from reelgraph.tools.sam2.tracker import Sam2Tracker

RED, BLUE = (200, 30, 30), (30, 30, 200)

WORKER = """
    import sys, time
    from reelgraph.graph.store import GraphStore
    from reelgraph.tools.pipeline import Pipeline
    from reelgraph.tools.sam2.config import Sam2Config
    from reelgraph.tools.sam2.scripted import ColourEngine
    from reelgraph.tools.sam2.tracker import Sam2Tracker

    class Slow(ColourEngine):
        def embed(self, image):
            time.sleep(0.02)
            return super().embed(image)

    from pathlib import Path
    engine = Slow([(200, 30, 30), (30, 30, 200)])
    tracker = Sam2Tracker(Sam2Config(part_s=1.0), engine=engine)
    store = GraphStore(Path(sys.argv[2]))
    Pipeline(tracker=tracker, generators=[], store=store).tracks(sys.argv[1])
"""


@pytest.mark.parametrize(
    ("device", "weights", "picked"),
    [
        ("cuda", True, "sam2"),
        ("mps", True, "sam2"),
        ("cpu", True, "motion"),
        ("cuda", False, "motion"),
    ],
)
def test_it_is_the_default_with_weights_and_a_gpu(monkeypatch, tmp_path, device, weights, picked):
    state = Availability(ok=weights, reason="" if weights else "no weights", fix="get them")
    monkeypatch.setattr(tracker_module, "check_model", lambda *_: state)
    monkeypatch.setattr(tracker_module, "choose_device", lambda _: SimpleNamespace(type=device))
    pipeline = Pipeline(generators=[], store=GraphStore(tmp_path))
    assert pipeline.tracker.name == picked
    if picked == "motion":
        assert ("no GPU" if weights else "no weights") in pipeline.choice
    if weights:
        asked = Pipeline(tracker="sam2", generators=[], store=GraphStore(tmp_path))
        assert asked.tracker.name == "sam2", "on a CPU, too"


def test_options_reach_the_tracker(monkeypatch, tmp_path):
    monkeypatch.setattr(tracker_module, "check_model", lambda *_: Availability())
    monkeypatch.setattr(tracker_module, "choose_device", lambda _: SimpleNamespace(type="cpu"))
    options = {
        "sam2": {"max_objects": 7, "discovery": {"rule": "each"}, "engine": {"image_size": 512}}
    }
    pipeline = Pipeline(tracker="sam2", generators=[], options=options, store=GraphStore(tmp_path))
    config = pipeline.tracker.config
    assert (config.max_objects, config.discovery.rule, config.engine.image_size) == (7, "each", 512)


def test_unfinished_runs_lie_in_the_pipelines_cache_unless_told_otherwise(tmp_path):
    tracker = Sam2Tracker(engine=ColourEngine([RED]))
    assert isinstance(tracker, Resumable)
    store = GraphStore(tmp_path / "cache")
    Pipeline(tracker=tracker, generators=[], store=store)
    assert tracker.work_root == tmp_path / "cache" / "unfinished"
    named = Sam2Tracker(engine=ColourEngine([RED]), work_root=tmp_path / "mine")
    Pipeline(tracker=named, generators=[], store=store)
    assert named.work_root == tmp_path / "mine"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_process_that_was_killed_is_gone_on_with(make_scene, tmp_path):
    walks = (RED, lambda index: (index, 0, 40 + index, 40))
    blue = (BLUE, lambda index: (50, 42, 90, 62) if index >= 15 else None)
    scene = make_scene([walks, blue], frames=50)
    root = tmp_path / "cache"
    arguments = [sys.executable, "-c", textwrap.dedent(WORKER), str(scene.path), str(root)]
    worker = subprocess.Popen(arguments)
    deadline = time.monotonic() + 60
    while not list(root.glob("unfinished/*/part-1")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(worker.pid, signal.SIGKILL)
    assert worker.wait() == -signal.SIGKILL
    assert list(root.glob("unfinished/*/state.json"))

    class Counting(ColourEngine):
        embedded = 0

        def embed(self, image):
            self.embedded += 1
            return super().embed(image)

    engine = Counting([RED, BLUE])
    config = Sam2Config(part_s=1.0)
    pipeline = Pipeline(
        tracker=Sam2Tracker(config, engine=engine), generators=[], store=GraphStore(root)
    )
    tracks = pipeline.tracks(scene.path)
    assert engine.embedded <= 40, "of 50 frames in each of two passes"
    whole = Sam2Tracker(config, engine=ColourEngine([RED, BLUE])).track(scene.open())
    assert tracks_to_bytes(tracks) == tracks_to_bytes(whole)
    assert not list(root.glob("unfinished/*"))


class Killed(ColourEngine):
    """Is killed after some frames."""

    def __init__(self, frames):
        super().__init__([RED])
        self.left = frames

    def embed(self, image):
        self.left -= 1
        if self.left < 0:
            raise InterruptedError
        return super().embed(image)


@pytest.mark.parametrize(("frames", "kept"), [(3, False), (12, True)])
def test_an_unfinished_run_is_kept_once_a_part_is_done_until_the_cache_is_cleared(
    make_scene, tmp_path, frames, kept
):
    scene = make_scene([(RED, lambda _: (0, 0, 40, 40))], frames=20)
    store = GraphStore(tmp_path / "cache")
    tracker = Sam2Tracker(Sam2Config(part_s=1.0), engine=Killed(frames))
    with pytest.raises(InterruptedError):
        Pipeline(tracker=tracker, generators=[], store=store).tracks(scene.path)
    assert bool(list(store.root.glob("unfinished/*"))) == kept
    store.clear()
    assert not (store.root / "unfinished").exists()
