"""Masks that somebody else made: taken from a file, known by its content."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from reelgraph.cli.app import app
from reelgraph.errors import GraphFormatError, SettingsError
from reelgraph.graph.store import GraphStore
from reelgraph.graph.track_formats import write_traser_masks
from reelgraph.graph.tracks import Track, Tracks, encode_mask
from reelgraph.tools.mask_file import MaskFileConfig, MaskFileTracker
from reelgraph.tools.pipeline import Pipeline
from reelgraph.tools.video import Video

SIZE = (64, 48)


@pytest.fixture
def video(tmp_path, make_video) -> Video:
    return Video.open(make_video(tmp_path / "clip.mp4", size=SIZE))


def two_things(video: Video, left: int = 10) -> Tracks:
    """Thing 1 is there always, thing 3 on the last four frames."""
    width, height = SIZE
    objects = []
    for key, frames in ((1, range(10)), (3, range(6, 10))):
        mask = np.zeros((height, width), bool)
        mask[4 * key : 4 * key + 8, left : left + 12] = True
        boxes = np.array([[left, 4 * key, left + 12, 4 * key + 8]] * len(frames), float)
        rles = (encode_mask(mask),) * len(frames)
        objects.append(Track(key, np.array(list(frames)), boxes, rles))
    return Tracks(video.info, np.arange(10), video.times_s, video.end_s, tuple(objects))


@pytest.fixture
def masks(video, tmp_path):
    path = tmp_path / "masks.json"
    write_traser_masks(two_things(video), path)
    return path


def tracker_of(path) -> MaskFileTracker:
    return MaskFileTracker(MaskFileConfig(file=str(path)))


def test_masks_that_were_written_are_tracked_as_they_were(video, masks):
    found, wanted = tracker_of(masks).track(video), two_things(video)
    assert [t.id for t in found.objects] == [1, 3]
    for one, other in zip(found.objects, wanted.objects, strict=True):
        assert one.positions.tolist() == other.positions.tolist()
        assert one.rles == other.rles
    assert found.presence(3) == wanted.presence(3)


def test_other_masks_under_the_same_name_are_not_taken_from_the_cache(video, masks, tmp_path):
    def graph():
        options = {"masks": {"file": str(masks)}}
        store = GraphStore(tmp_path / "cache")
        pipeline = Pipeline(tracker="masks", generators="geometry", options=options, store=store)
        return pipeline.graph(video.path)

    first = graph()
    assert [o.id for o in first.objects()] == [1, 3]
    rows = json.loads(masks.read_text())
    masks.write_text(json.dumps([row[:1] for row in rows]))
    assert [o.id for o in graph().objects()] == [1]


@pytest.mark.parametrize("file", ["", "/no/such/masks.json"])
def test_a_file_that_is_not_there_is_explained(video, file):
    state = tracker_of(file).available()
    assert not state.ok
    assert state.fix
    with pytest.raises(SettingsError):
        tracker_of(file).track(video)
    with pytest.raises(SettingsError, match="'masks' cannot run here"):
        Pipeline(tracker=tracker_of(file))


def test_a_file_of_another_form_is_refused(video, masks):
    masks.write_text('{"masks": []}')
    with pytest.raises(GraphFormatError, match="list over video frames"):
        tracker_of(masks).track(video)


def test_the_command_line_takes_masks(video, masks):
    run = CliRunner().invoke(
        app, ["graph", str(video.path), "--masks", str(masks), "--generator", "geometry"]
    )
    assert run.exit_code == 0, run.output
    assert "'masks'" in run.output
    assert "3: seen 0.2-0.4" in run.output
    both = ["graph", str(video.path), "--masks", str(masks), "--tracker", "motion"]
    assert CliRunner().invoke(app, both).exit_code != 0
