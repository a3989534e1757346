"""What a user points out: read, checked, and followed before and after its time."""

from __future__ import annotations

import doctest

import cv2
import numpy as np
import pytest

from reelgraph.errors import QueryError
from reelgraph.tools.sam2 import prompts as prompts_module
from reelgraph.tools.sam2.config import Sam2Config
from reelgraph.tools.sam2.prompts import (
    BoxPrompt,
    ObjectPrompt,
    PointPrompt,
    parse_box,
    parse_mask,
    parse_point,
)
from reelgraph.tools.sam2.scripted import ColourEngine
from reelgraph.tools.sam2.tracker import Sam2Tracker

RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)


@pytest.mark.parametrize(
    ("text", "time_s", "points", "labels"),
    [
        ("2.0:120,80", 2.0, ((120, 80),), (1,)),
        ("0:1.5,2", 0.0, ((1.5, 2),), (1,)),
        ("3:+1,2 -3,4 5,6", 3.0, ((1, 2), (3, 4), (5, 6)), (1, 0, 1)),
    ],
)
def test_points_are_read(text, time_s, points, labels):
    prompt = parse_point(text)
    assert (prompt.time_s, prompt.shape) == (time_s, PointPrompt(points, labels))


def test_boxes_are_read():
    prompt = parse_box("0.5:10,20,110.5,140")
    assert (prompt.time_s, prompt.shape) == (0.5, BoxPrompt((10, 20, 110.5, 140)))


def test_masks_are_read(tmp_path):
    mask = np.zeros((20, 30), bool)
    mask[5:9, 7:12] = True
    cv2.imwrite(str(tmp_path / "mask.png"), mask.astype(np.uint8) * 255)
    prompt = parse_mask(f"1.5:{tmp_path / 'mask.png'}")
    assert prompt.time_s == 1.5
    assert np.array_equal(prompt.shape, mask)


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (parse_point, "120,80", "SECONDS:X,Y"),
        (parse_point, "2:", "SECONDS:X,Y"),
        (parse_point, "2:120", "SECONDS:X,Y"),
        (parse_point, "2:120,80,90", "SECONDS:X,Y"),
        (parse_point, "two:120,80", "SECONDS:X,Y"),
        (parse_point, "nan:120,80", "SECONDS:X,Y"),
        (parse_point, "2:-120,80", "only where the object is not"),
        (parse_box, "2:1,2,3", "SECONDS:LEFT,TOP,RIGHT,BOTTOM"),
        (parse_box, "1,2,3,4", "SECONDS:LEFT,TOP,RIGHT,BOTTOM"),
        (parse_mask, "2:nowhere.png", "nowhere.png"),
        (parse_mask, "mask.png", "SECONDS:FILE"),
    ],
)
def test_what_is_no_prompt_is_refused_with_its_text(read, text, expected):
    with pytest.raises(QueryError, match=expected) as caught:
        read(text)
    assert text.partition(":")[2] in str(caught.value)


# ------------------------------------------------------------------------------ tracking


@pytest.fixture
def scene(make_scene):
    """Red walks all the time, blue is there from 1.5 to 3 s, green stands."""
    red = (RED, lambda index: (index, 0, 30 + index, 30))
    blue = (BLUE, lambda index: (60, 34, 90, 60) if 15 <= index < 30 else None)
    green = (GREEN, lambda index: (0, 34, 30, 60))
    return make_scene([red, blue, green], frames=60)


def follow(scene, *prompts, tmp_path=None, **options):
    tracker = Sam2Tracker(
        Sam2Config(**options), engine=ColourEngine(scene.palette), work_root=tmp_path
    )
    return tracker.track(scene.open(), prompts=list(prompts))


def assert_follows(tracks, scene, layers):
    assert [item.id for item in tracks.objects] == sorted(layers)
    for number, layer in layers.items():
        for position, index in enumerate(tracks.frame_indices):
            truth = scene.mask(layer, int(index))
            mask = tracks.mask(number, position)
            assert np.array_equal(np.zeros_like(truth) if mask is None else mask, truth), index


def test_just_what_is_pointed_out_is_followed_before_and_after(scene):
    on_blue = ObjectPrompt(2.0, PointPrompt(((70, 40),)))
    on_red = ObjectPrompt(3.0, BoxPrompt((28, 0, 62, 31)))
    tracks = follow(scene, on_blue, on_red)
    assert_follows(tracks, scene, {1: 1, 2: 0})
    assert tracks.warnings == ()


@pytest.mark.parametrize("dormant_after_s", [None, 0.0, 1.0])
@pytest.mark.parametrize("time_s", [1.5, 1.7, 2.0, 2.94])
def test_the_time_may_be_any_and_lookback_is_no_limit(scene, time_s, dormant_after_s):
    prompt = ObjectPrompt(time_s, PointPrompt(((70, 40),)))
    tracks = follow(scene, prompt, dormant_after_s=dormant_after_s, lookback_s=0.0)
    assert_follows(tracks, scene, {1: 1})
    red = ObjectPrompt(5.9, PointPrompt(((70, 10),)))
    assert_follows(follow(scene, red, dormant_after_s=dormant_after_s), scene, {1: 0})


def test_the_frame_that_was_pointed_at_is_processed_whatever_the_frames_per_second(scene):
    prompt = ObjectPrompt(2.34, PointPrompt(((24, 5),)))
    tracks = follow(scene, prompt, fps=2.0)
    assert tracks.frame_indices.tolist() == [0, 5, 10, 15, 20, 23, 25, 30, 35, 40, 45, 50, 55]
    assert_follows(tracks, scene, {1: 0})


def test_a_mask_is_taken_as_it_is_and_small_things_are_not_cleaned_away(scene):
    mask = np.zeros((64, 96), bool)
    mask[40:44, 62:66] = True
    tracks = follow(scene, ObjectPrompt(2.0, mask))
    assert np.array_equal(tracks.mask(1, 20), mask)


def test_a_prompt_on_nothing_gives_no_track_but_a_warning(scene):
    nothing = ObjectPrompt(0.5, PointPrompt(((94, 62),)))
    on_red = ObjectPrompt(0.5, PointPrompt(((20, 5),)))
    tracks = follow(scene, nothing, on_red)
    assert_follows(tracks, scene, {2: 0})
    assert tracks.warnings == ("Prompt 1 at 0.5 s gave no mask.",)
    assert len(follow(scene, nothing)) == 0


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (ObjectPrompt(6.0, PointPrompt(((1, 1),))), r"6.0 s is outside .* ends at 5.940 s"),
        (ObjectPrompt(-0.1, PointPrompt(((1, 1),))), "-0.1 s"),
        (ObjectPrompt(float("nan"), PointPrompt(((1, 1),))), "nan s"),
        (ObjectPrompt(1.0, PointPrompt(((96, 1),))), r"\(96, 1\) is outside the frame of 96x64"),
        (ObjectPrompt(1.0, PointPrompt(((1, -1),))), r"\(1, -1\)"),
        (ObjectPrompt(1.0, PointPrompt(())), "no points"),
        (ObjectPrompt(1.0, PointPrompt(((1, 1),), (1, 0))), "1 points have 2 labels"),
        (ObjectPrompt(1.0, PointPrompt(((1, 1),), (0,))), "on the object"),
        (ObjectPrompt(1.0, BoxPrompt((5, 5, 5, 9))), "is empty"),
        (ObjectPrompt(1.0, BoxPrompt((5, 5, 97, 9))), "outside the frame of 96x64"),
        (ObjectPrompt(1.0, BoxPrompt((5, 5, float("inf"), 9))), "is empty"),
        (ObjectPrompt(1.0, np.ones((96, 64), bool)), r"must be bool \(64, 96\)"),
        (ObjectPrompt(1.0, np.ones((64, 96), np.uint8)), "uint8"),
        (ObjectPrompt(1.0, np.zeros((64, 96), bool)), "no pixel"),
    ],
)
def test_a_prompt_outside_the_video_is_refused(scene, prompt, expected):
    with pytest.raises(QueryError, match=expected):
        follow(scene, prompt)


def test_no_prompts_at_all_are_refused(scene):
    with pytest.raises(QueryError, match="no prompts"):
        follow(scene)


def test_runs_with_other_prompts_are_not_mixed_up(scene, tmp_path):
    class Killed(ColourEngine):
        left = 30

        def embed(self, image):
            self.left -= 1
            if not self.left:
                raise InterruptedError
            return super().embed(image)

    root = tmp_path / "work"
    red, green = PointPrompt(((20, 5),)), PointPrompt(((5, 40),))
    options = Sam2Config(part_s=1.0)
    for shape in (red, green, None):
        prompts = shape and [ObjectPrompt(0.5, shape)]
        killed = Sam2Tracker(options, engine=Killed(scene.palette), work_root=root)
        with pytest.raises(InterruptedError):
            killed.track(scene.open(), prompts=prompts)
    assert len(list(root.iterdir())) == 3
    tracks = follow(scene, ObjectPrompt(0.5, green), tmp_path=root, part_s=1.0)
    assert_follows(tracks, scene, {1: 2})


def test_the_example_of_the_prompts_is_run():
    assert doctest.testmod(prompts_module).attempted
    assert not doctest.testmod(prompts_module).failed
