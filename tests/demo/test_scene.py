"""The demo clip is what it claims to be, and its ground truth agrees with itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reelgraph.demo.scene import Scene, render
from reelgraph.demo.script import BALL, GIVER, GRASP_S, PASSER, RECEIVER, RELEASE_S
from reelgraph.demo.truth import Truth
from reelgraph.graph.schema import CAMERA, Interval, Relation
from reelgraph.tools.video import Video


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scene") / "clip.mp4"


@pytest.fixture(scope="module")
def truth(clip: Path) -> Truth:
    return render(clip)


def relation(truth: Truth, subject: int, predicate: str, target: int) -> Relation:
    (found,) = (
        r
        for r in truth.graph.relations
        if (r.subject, r.predicate, r.object) == (subject, predicate, target)
    )
    return found


def area(truth: Truth, owner: int, position: int) -> int:
    mask = truth.tracks.mask(owner, position)
    return 0 if mask is None else int(mask.sum())


def is_in(found: Relation, time_s: float) -> bool:
    return any(start <= time_s < end for start, end in found.intervals)


def test_the_clip_has_the_promised_format(clip: Path, truth: Truth) -> None:
    video = Video.open(clip)
    assert video.info == truth.graph.video
    assert (video.info.frame_count, video.info.resolution_wh) == (300, (640, 360))
    np.testing.assert_allclose(video.times_s, np.arange(300) / 25, atol=1e-4)


def test_boxes_are_those_of_the_masks(truth: Truth) -> None:
    for track in truth.tracks.objects:
        for row in range(0, len(track.positions), 17):
            mask = truth.tracks.mask(track.id, int(track.positions[row]))
            assert mask is not None
            ys, xs = np.nonzero(mask)
            box = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
            assert tuple(track.boxes_xyxy[row]) == box


def test_no_pixel_belongs_to_two_objects(truth: Truth) -> None:
    for position in range(0, 300, 7):
        masks = [truth.tracks.mask(track.id, position) for track in truth.tracks.objects]
        owners = np.sum([mask for mask in masks if mask is not None], axis=0)
        assert owners.max() == 1


def test_masks_show_where_the_colours_are(clip: Path, truth: Truth) -> None:
    (frame,) = Video.open(clip).frames_at([2.0])
    mask = truth.tracks.mask(BALL, truth.tracks.position_at(2.0))
    assert mask is not None
    red, green, blue = frame.image[mask].mean(axis=0)
    assert red > 180
    assert red > green + 60 > blue + 60


def test_the_ball_goes_from_the_giver_to_the_receiver(truth: Truth) -> None:
    gave = relation(truth, GIVER, "hands", BALL)
    assert gave.recipient == RECEIVER
    assert gave.intervals == (Interval(GRASP_S, RELEASE_S),)
    before = relation(truth, GIVER, "holds", BALL)
    after = relation(truth, RECEIVER, "holds", BALL)
    assert (before.start, after.end) == (0.0, 12.0)
    assert before.end == pytest.approx(RELEASE_S, abs=0.05)
    assert after.start == pytest.approx(GRASP_S, abs=0.05)


@pytest.mark.parametrize(
    ("time_s", "near", "far"),
    [
        (0.5, GIVER, RECEIVER),
        (4.0, GIVER, RECEIVER),
        (7.0, RECEIVER, GIVER),
        (11.9, RECEIVER, GIVER),
    ],
)
def test_the_ball_is_seen_at_its_holder(truth: Truth, time_s: float, near: int, far: int) -> None:
    position = truth.tracks.position_at(time_s)

    def gap(owner: int) -> float:
        boxes = []
        for object_id in (owner, BALL):
            track = truth.tracks.track(object_id)
            row = track.row(position)
            assert row is not None
            boxes.append(track.boxes_xyxy[row])
        (ax0, _, ax1, _), (bx0, _, bx1, _) = boxes
        return max(bx0 - ax1, ax0 - bx1, 0.0)

    assert gap(near) <= 1 < gap(far)


def test_the_ball_can_be_seen_nearly_always(truth: Truth) -> None:
    assert len(truth.tracks.track(BALL).positions) > 290


def test_the_passer_by_comes_goes_and_hides_the_others(truth: Truth) -> None:
    enters, leaves = (relation(truth, PASSER, p, CAMERA) for p in ("enters", "leaves"))
    (seen,) = truth.tracks.presence(PASSER)
    assert (seen.start, seen.end) == (enters.start, leaves.end)
    for owner in (GIVER, RECEIVER):
        hidden = relation(truth, PASSER, "in front of", owner)
        assert enters.start < hidden.start < hidden.end < leaves.end
        least = min(area(truth, owner, i) for i in range(300) if is_in(hidden, i / 25))
        usual = area(truth, owner, 0)
        assert least < 0.4 * usual


def test_the_camera_shakes_and_the_sensor_is_noisy() -> None:
    scene = Scene()
    first, next_, later = (scene.view(i).image.astype(float) for i in (0, 1, 20))
    wall = (slice(20, 120), slice(300, 440))
    assert 1.0 < np.std(next_[wall] - first[wall]) < 12.0
    assert np.std(later[wall] - first[wall]) > np.std(next_[wall] - first[wall])


def test_the_same_seed_paints_the_same_and_another_seed_does_not() -> None:
    a, b, c = (Scene(seed).view(40).image for seed in (3, 3, 4))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
