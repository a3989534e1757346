"""Clean-up of tracks: containment, the strong share, stability, opening and specks."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from reelgraph.graph.schema import VideoInfo
from reelgraph.graph.tracks import Track, Tracks, encode_mask, rle_box
from reelgraph.tools.sam2.cleanup import Overlaps, clean_tracks, opened, stability_score
from reelgraph.tools.sam2.config import CleanupConfig

WIDTH, HEIGHT = 60, 40
DEFAULT = CleanupConfig()


def rectangle(left, top, right, bottom) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top:bottom, left:right] = True
    return mask


def tracks_of(objects: dict[int, dict[int, np.ndarray]], frames: int = 10) -> Tracks:
    """Tracks from masks by id and frame."""
    info = VideoInfo(
        path="made",
        sha256="0" * 64,
        duration_s=frames / 10,
        fps=10.0,
        frame_count=frames,
        resolution_wh=(WIDTH, HEIGHT),
        rotation=0,
    )
    made = []
    for number, masks in sorted(objects.items()):
        rles = tuple(encode_mask(mask) for _, mask in sorted(masks.items()))
        boxes = [rle_box(rle, resolution_wh=(WIDTH, HEIGHT)) for rle in rles]
        made.append(Track(number, np.array(sorted(masks)), np.array(boxes, float), rles, 0.5))
    times = np.arange(frames) / 10
    return Tracks(info, np.arange(frames), times, frames / 10, tuple(made))


def ids(tracks: Tracks) -> list[int]:
    return [track.id for track in tracks.objects]


def always(mask, first=0, end=10) -> dict[int, np.ndarray]:
    return dict.fromkeys(range(first, end), mask)


def test_defaults_are_those_of_the_pipeline():
    assert DEFAULT.model_dump() == {
        "enabled": True,
        "contain_ratio": 0.9,
        "coverage_share": 0.7,
        "min_overlap_frames": 5,
        "frame_weight": 0.5,
        "area_weight": 0.05,
        "iou_weight": 200.0,
        "iou_pairs": 5,
        "morph_kernel": 3,
        "morph_iterations": 1,
        "min_area": 32,
    }


# ----------------------------------------------------------------------------- stability


def test_stability_is_half_the_frames_a_twentieth_of_the_area_and_200_times_the_iou():
    # Areas 100 (x6) and 200 (x2): the median is 100. Pairs: five with IoU 1, one of 0.5,
    # one of 1. The last five pairs: 1, 1, 1, 0.5, 1, with mean 0.9.
    masks = [rectangle(0, 0, 10, 10)] * 6 + [rectangle(0, 0, 20, 10)] * 2
    rles = [encode_mask(mask) for mask in masks]
    score = stability_score(rles, DEFAULT, resolution_wh=(WIDTH, HEIGHT))
    assert score == pytest.approx(0.5 * 8 + 0.05 * 100 + 200 * 0.9)


def test_a_track_of_one_frame_has_no_steadiness():
    rles = [encode_mask(rectangle(0, 0, 10, 10))]
    score = stability_score(rles, DEFAULT, resolution_wh=(WIDTH, HEIGHT))
    assert score == pytest.approx(0.5 + 5)


@given(st.lists(arrays.arrays(bool, (5, 7)), min_size=1, max_size=9))
def test_stability_follows_the_formula(masks):
    masks = [mask | np.pad([[True]], ((0, 4), (0, 6))) for mask in masks]
    ious = [(a & b).sum() / (a | b).sum() for a, b in pairwise(masks)][-5:]
    expected = (
        0.5 * len(masks)
        + 0.05 * np.median([mask.sum() for mask in masks])
        + 200 * (np.mean(ious) if ious else 0.0)
    )
    rles = [encode_mask(mask) for mask in masks]
    assert stability_score(rles, DEFAULT, resolution_wh=(7, 5)) == pytest.approx(expected)


# ---------------------------------------------------------------------------- duplicates


def test_containment_is_counted_in_both_directions():
    overlaps = Overlaps((WIDTH, HEIGHT), 0.9)
    whole, part = rectangle(0, 0, 20, 20), rectangle(0, 0, 10, 10)
    for frame in range(4):
        rles = {1: encode_mask(whole), 7: encode_mask(part if frame else whole)}
        overlaps.add(rles)
    overlaps.add({1: encode_mask(whole)})
    assert overlaps.share_inside(7, 1) == 1.0
    assert overlaps.share_inside(1, 7) == 0.25
    assert overlaps.pairs(4) == [(1, 7)]
    assert overlaps.pairs(5) == []


@pytest.mark.parametrize(("inside", "left"), [(7, [1]), (6, [1, 2])])
def test_what_lies_in_another_70_percent_of_the_time_goes(inside, left):
    part, away = rectangle(5, 5, 15, 15), rectangle(40, 5, 50, 15)
    moving = {frame: part if frame < inside else away for frame in range(10)}
    tracks = tracks_of({1: always(rectangle(0, 0, 30, 30)), 2: moving})
    cleaned = clean_tracks(tracks, DEFAULT)
    assert ids(cleaned) == left
    assert len(cleaned.warnings) == (left == [1])


@pytest.mark.parametrize(("covered", "left"), [(90, [1]), (89, [1, 2])])
def test_a_mask_lies_in_another_from_90_percent_on(covered, left):
    big = rectangle(0, 0, 30, 30)
    small = np.zeros((HEIGHT, WIDTH), bool)
    small[:10, 21:31] = True  # 90 of 100 px inside
    if covered == 89:
        small[0, 21] = False
        small[0, 31] = True
    assert int((small & big).sum()) == covered
    assert ids(clean_tracks(tracks_of({1: always(big), 2: always(small)}), DEFAULT)) == left


@pytest.mark.parametrize(("frames", "left"), [(5, [1]), (4, [1, 2])])
def test_fewer_than_five_common_frames_decide_nothing(frames, left):
    objects = {1: always(rectangle(0, 0, 30, 30)), 2: always(rectangle(5, 5, 15, 15), end=frames)}
    assert ids(clean_tracks(tracks_of(objects), DEFAULT)) == left


def test_of_two_copies_the_more_stable_one_stays():
    same = always(rectangle(0, 0, 20, 20))
    longer = {1: dict(list(same.items())[:8]), 2: same}
    assert ids(clean_tracks(tracks_of(longer), DEFAULT)) == [2]
    # Equal lengths; the first trembles at its end: 200 x mean IoU decides.
    trembling = always(rectangle(0, 0, 20, 20)) | {9: rectangle(0, 0, 20, 19)}
    assert ids(clean_tracks(tracks_of({1: trembling, 2: same}), DEFAULT)) == [2]
    assert ids(clean_tracks(tracks_of({1: same, 2: dict(same)}), DEFAULT)) == [1]


def test_a_track_that_went_takes_no_other_with_it():
    objects = {
        1: always(rectangle(0, 0, 30, 30)),
        2: always(rectangle(0, 0, 20, 20), end=9),  # lies in 1
        3: always(rectangle(0, 0, 20, 20) | rectangle(40, 0, 42, 20), end=8),  # 9 % outside 1
    }
    assert ids(clean_tracks(tracks_of(objects), DEFAULT)) == [1]
    objects[3] = always(rectangle(0, 0, 20, 20) | rectangle(40, 0, 44, 20), end=8)
    assert ids(clean_tracks(tracks_of(objects), DEFAULT)) == [1, 3]


# ------------------------------------------------------------------------ opening, specks


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(bool, (12, 14)), st.sampled_from([(3, 1), (3, 2), (5, 1), (2, 1)]))
def test_opening_the_cut_out_is_opening_the_frame(mask, kernel):
    config = CleanupConfig(morph_kernel=kernel[0], morph_iterations=kernel[1])
    square = np.ones((kernel[0], kernel[0]), np.uint8)
    whole = cv2.morphologyEx(
        mask.astype(np.uint8), cv2.MORPH_OPEN, square, iterations=kernel[1]
    ).astype(bool)
    assert np.array_equal(opened(mask, config), whole)


def test_threads_go_and_bodies_stay():
    body, thread = rectangle(10, 10, 20, 20), rectangle(20, 14, 40, 16)
    cleaned = clean_tracks(tracks_of({1: always(body | thread)}), DEFAULT)
    assert np.array_equal(cleaned.mask(1, 0), body)
    assert cleaned.track(1).boxes_xyxy[0].tolist() == [10, 10, 20, 20]


@pytest.mark.parametrize(("width", "there"), [(7, False), (8, True)])
def test_fewer_than_32_pixels_are_nothing(width, there):
    speck = rectangle(10, 10, 10 + width, 14)  # 28 or 32 px
    objects = {1: always(rectangle(30, 0, 50, 20)), 2: always(speck)}
    assert ids(clean_tracks(tracks_of(objects), DEFAULT)) == ([1, 2] if there else [1])


def test_a_track_keeps_the_frames_that_stay_and_its_id_and_score():
    masks = always(rectangle(0, 0, 20, 20)) | {3: rectangle(0, 0, 4, 4), 4: rectangle(5, 0, 7, 40)}
    cleaned = clean_tracks(tracks_of({5: masks}), DEFAULT)
    assert cleaned.track(5).positions.tolist() == [0, 1, 2, 5, 6, 7, 8, 9]
    assert cleaned.track(5).score == 0.5
    assert cleaned.warnings == ()


def test_nothing_happens_without_objects_or_when_it_is_off():
    nothing = tracks_of({})
    assert clean_tracks(nothing, DEFAULT) is nothing
    specks = tracks_of({1: always(rectangle(0, 0, 2, 2))})
    assert clean_tracks(specks, CleanupConfig(enabled=False)) is specks
    assert ids(clean_tracks(specks, DEFAULT)) == []
