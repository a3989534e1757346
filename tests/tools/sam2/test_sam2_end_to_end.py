"""The tracker on the real SAM 2 code, with random weights: it sees nothing, but all of it runs."""

from __future__ import annotations

import numpy as np
import pytest

from reelgraph.graph.track_formats import tracks_to_bytes
from reelgraph.graph.tracks import rle_box
from reelgraph.tools.sam2.config import Sam2Config
from reelgraph.tools.sam2.engine import BoxPrompt, PointPrompt
from reelgraph.tools.sam2.engine_config import EngineConfig
from reelgraph.tools.sam2.prompts import ObjectPrompt
from reelgraph.tools.sam2.proposals import ProposalConfig
from reelgraph.tools.sam2.tracker import Sam2Tracker

pytest.importorskip("torch", reason="needs the extra sam2")
pytest.importorskip("sam2", reason="needs the extra sam2")

CONFIG = Sam2Config(
    engine=EngineConfig(image_size=64, device="cpu"),
    proposals=ProposalConfig(points_per_side=(3,), pred_iou_thresh=0, stability_score_thresh=0),
    cleanup={"enabled": False},
    discovery={"every_s": 0.4, "min_untracked": 0.0, "min_new": 0.0},
    dormant_after_s=0.3,
    max_objects=3,
    part_s=0.5,
)


@pytest.fixture(scope="module")
def engine():
    from reelgraph.tools.sam2.weights import random_engine

    return random_engine("tiny", CONFIG.engine, CONFIG.proposals)


class Interrupted:
    """The engine, killed after some frames."""

    def __init__(self, engine, frames):
        self._engine = engine
        self._left = frames

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def embed(self, image):
        self._left -= 1
        if self._left < 0:
            raise InterruptedError
        return self._engine.embed(image)


@pytest.fixture
def video(make_scene):
    walks = ((200, 30, 30), lambda index: (4 * index, 10, 30 + 4 * index, 50))
    return make_scene([walks, ((30, 30, 200), lambda _: (60, 5, 90, 60))], frames=12).open()


def test_a_video_runs_through_and_a_killed_run_gives_the_same_bytes(engine, video, tmp_path):
    tracks = Sam2Tracker(CONFIG, engine=engine).track(video)
    assert tracks.frame_indices.tolist() == list(range(12))
    assert len(tracks) >= 1
    for track in tracks.objects:
        for row, rle in enumerate(track.rles):
            box = rle_box(rle, resolution_wh=video.info.resolution_wh)
            assert tuple(track.boxes_xyxy[row]) == box
    killed = Sam2Tracker(CONFIG, engine=Interrupted(engine, 18), work_root=tmp_path / "work")
    with pytest.raises(InterruptedError):
        killed.track(video)
    assert list((tmp_path / "work").iterdir())
    rest = Interrupted(engine, 20)
    again = Sam2Tracker(CONFIG, engine=rest, work_root=tmp_path / "work").track(video)
    assert tracks_to_bytes(again) == tracks_to_bytes(tracks)


def test_prompts_of_every_kind_are_followed(engine, video):
    mask = np.zeros((64, 96), bool)
    mask[10:50, 20:50] = True
    prompts = [
        ObjectPrompt(0.5, mask),
        ObjectPrompt(0.5, BoxPrompt((60, 5, 90, 60))),
        ObjectPrompt(0.9, PointPrompt(((70, 20), (5, 60)), (1, 0))),
    ]
    tracks = Sam2Tracker(CONFIG, engine=engine).track(video, prompts=prompts)
    assert {track.id for track in tracks.objects} <= {1, 2, 3}
    given = tracks.mask(1, 5)
    assert (given & mask).sum() / (given | mask).sum() > 0.9


def test_the_tracker_loads_a_model_from_a_folder(video, tmp_path):
    from reelgraph.tools.sam2.weights import write_random_model

    write_random_model(tmp_path / "model")
    config = CONFIG.model_copy(update={"model": str(tmp_path / "model"), "max_objects": 1})
    tracker = Sam2Tracker(config, work_root=tmp_path / "work")
    state = tracker.available()
    assert state.ok
    assert "CPU" in state.slow, "so that auto does not pick it"
    assert tracker.model_id.startswith("random-tiny@")
    assert len(tracker.track(video).times_s) == 12
