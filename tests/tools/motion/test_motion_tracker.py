"""The embedded tracker on made clips whose objects are known to the pixel."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from reelgraph.graph.track_formats import tracks_to_bytes
from reelgraph.graph.tracks import Tracks
from reelgraph.tools.base import Tracker
from reelgraph.tools.motion import tracker as tracker_module
from reelgraph.tools.motion.tracker import MotionConfig, MotionTracker
from reelgraph.tools.video import Video

WIDTH, HEIGHT, STEP_MS = 160, 120, 80
RED, BLUE, YELLOW, GREEN = (210, 40, 40), (40, 60, 210), (230, 210, 40), (40, 170, 60)

Painter = Callable[[int], np.ndarray]
Track = Callable[..., Tracks]


@lru_cache
def texture(seed: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A soft grey pattern: enough corners to follow, no strong edges."""
    coarse = np.random.default_rng(seed).integers(90, 190, (height // 10 + 2, width // 10 + 2))
    smooth = cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.repeat(np.clip(smooth, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def box(image: np.ndarray, left: float, top: float, size: tuple[int, int], colour: tuple) -> None:
    """Paint a rectangle; outside the picture it is cut off."""
    corner = (round(left) + size[0] - 1, round(top) + size[1] - 1)
    cv2.rectangle(image, (round(left), round(top)), corner, colour, -1)


def disc(image: np.ndarray, x: float, y: float, radius: int, colour: tuple) -> None:
    cv2.circle(image, (round(x), round(y)), radius, colour, -1)


@pytest.fixture
def track(make_video: Callable[..., Path], tmp_path: Path) -> Track:
    """Write a clip of ``frames`` painted frames and track it."""

    def run(frames: int, painter: Painter, size: tuple[int, int] = (WIDTH, HEIGHT), **options):
        path = make_video(
            tmp_path / "clip.mp4",
            times_ms=range(0, frames * STEP_MS, STEP_MS),
            size=size,
            painter=lambda index, *_: painter(index),
            options={"crf": "10"},
        )
        return MotionTracker(MotionConfig(**options)).track(Video.open(path))

    return run


def owner(tracks: Tracks, position: int, x: int, y: int) -> int | None:
    """Return the id of the object at a pixel of a processed frame."""
    for item in tracks.objects:
        mask = tracks.mask(item.id, position)
        if mask is not None and mask[y, x]:
            return item.id
    return None


def iou(mask: np.ndarray | None, left: int, top: int, size: tuple[int, int]) -> float:
    assert mask is not None
    truth = np.zeros(mask.shape, bool)
    truth[top : top + size[1], left : left + size[0]] = True
    return float((mask & truth).sum() / (mask | truth).sum())


def taken_away(index: int) -> np.ndarray:
    """A red box stands still until frame 40, then is pulled out to the right."""
    image = texture(1).copy()
    box(image, 60 + 8 * max(0, index - 40), 50, (16, 34), RED)
    return image


def test_it_is_a_tracker() -> None:
    assert isinstance(MotionTracker(), Tracker)
    assert MotionTracker().available().ok


def test_a_thing_that_stands_until_it_is_taken_is_there_from_the_first_frame(track: Track) -> None:
    tracks = track(70, taken_away)
    assert len(tracks) == 1
    assert iou(tracks.mask(1, 0), 60, 50, (16, 34)) > 0.75
    assert iou(tracks.mask(1, 30), 60, 50, (16, 34)) > 0.75
    (presence,) = tracks.presence(1)
    assert presence.start == 0
    assert presence.end == pytest.approx(53 * STEP_MS / 1000, abs=0.25)


def test_a_thing_put_back_in_its_place_keeps_its_id(track: Track) -> None:
    def painter(index: int) -> np.ndarray:
        image = texture(1).copy()
        away = np.interp(index, [30, 42, 60, 72], [0, 110, 110, 0])
        box(image, 60 + away, 50, (16, 34), RED)
        box(image, 20, 50 + (0.5 * index) % 3, (14, 30), BLUE)
        return image

    tracks = track(100, painter)
    before, after = owner(tracks, 10, 68, 66), owner(tracks, 90, 68, 66)
    assert before is not None
    assert before == after
    assert len(tracks.presence(before)) == 2
    assert owner(tracks, 50, 68, 66) is None


def test_two_that_cross_keep_their_ids(track: Track) -> None:
    def painter(index: int) -> np.ndarray:
        image = texture(2).copy()
        disc(image, 20 + 2 * index, 60, 13, BLUE)
        disc(image, 140 - 2 * index, 64, 13, YELLOW)
        return image

    tracks = track(60, painter)
    assert len(tracks) == 2
    blue, yellow = owner(tracks, 2, 24, 60), owner(tracks, 2, 136, 64)
    assert {blue, yellow} == {1, 2}
    assert owner(tracks, 57, 134, 60) == blue
    assert owner(tracks, 57, 26, 64) == yellow


def test_two_that_enter_as_one_are_told_apart_once_they_part(track: Track) -> None:
    """A hand brings a box from above, lets go of it and leaves."""

    def painter(index: int) -> np.ndarray:
        image = texture(3).copy()
        carried = min(index - 20, 15)
        if index >= 20:
            box(image, 70, -34 + 5.5 * carried, (18, 34), BLUE)
            lift = 5.5 * max(0, index - 45)
            box(image, 66, -94 + 5.5 * carried - lift, (26, 60), YELLOW)
        return image

    tracks = track(80, painter)
    assert len(tracks) == 2
    placed = owner(tracks, 75, 79, 66)
    hand = owner(tracks, 40, 79, 20)
    assert placed is not None
    assert hand not in {None, placed}
    assert owner(tracks, 30, 79, 35) == placed, "the box is its own thing while it is carried"


def test_a_shaking_camera_makes_no_objects(track: Track) -> None:
    wide = texture(4, WIDTH + 20, HEIGHT + 20)

    def painter(index: int) -> np.ndarray:
        x, y = (round(v) for v in (8 + 4 * np.sin(index), 8 + 4 * np.cos(1.7 * index)))
        return wide[y : y + HEIGHT, x : x + WIDTH].copy()

    tracks = track(60, painter)
    assert len(tracks) == 0


def test_a_moving_thing_is_followed_by_a_panning_camera(track: Track) -> None:
    wide = texture(5, WIDTH + 80, HEIGHT)

    def painter(index: int) -> np.ndarray:
        scene = wide.copy()
        box(scene, 20 + 3 * index, 50, (18, 30), RED)
        return scene[:, index : index + WIDTH].copy()

    tracks = track(50, painter)
    ids = [owner(tracks, index, 29 + 2 * index, 65) for index in (3, 15, 30, 45)]
    assert ids[0] is not None
    assert set(ids) == {ids[0]}


def test_no_id_lives_on_after_a_hard_cut(track: Track) -> None:
    def painter(index: int) -> np.ndarray:
        first = index < 30
        image = texture(6 if first else 7).copy()
        if not first:
            image = (image * (0.4, 0.7, 1.0)).astype(np.uint8)
        box(image, 10 + 3 * (index % 30), 50, (18, 30), RED if first else YELLOW)
        return image

    tracks = track(60, painter)
    cut_s = 30 * STEP_MS / 1000
    assert len(tracks) == 2
    assert all(
        (span.end <= cut_s + 0.01) or (span.start >= cut_s - 0.01)
        for item in tracks.objects
        for span in tracks.presence(item.id)
    )
    assert owner(tracks, 5, 30, 60) != owner(tracks, 35, 30, 60)


def test_ids_survive_the_seam_between_windows(
    track: Track, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker_module, "WINDOW_FRAMES", 20)
    monkeypatch.setattr(tracker_module, "OVERLAP_FRAMES", 6)

    def painter(index: int) -> np.ndarray:
        image = texture(8).copy()
        disc(image, 20 + 1.5 * index, 40, 11, GREEN)
        disc(image, 140 - 1.5 * index, 85, 11, YELLOW)
        return image

    tracks = track(75, painter)
    assert len(tracks) == 2
    assert all(len(item.positions) >= 70 for item in tracks.objects)
    assert owner(tracks, 2, 23, 40) == owner(tracks, 72, 128, 40)


def test_a_shadow_is_not_an_object(track: Track) -> None:
    def painter(index: int) -> np.ndarray:
        image = texture(9).astype(np.float32)
        left = 2 * index
        soft = np.zeros((HEIGHT, WIDTH), np.float32)
        soft[30:80, left : left + 30] = 1
        image *= 1 - 0.35 * cv2.GaussianBlur(soft, (0, 0), 4)[..., None]
        return image.astype(np.uint8)

    assert len(track(60, painter)) == 0


def test_the_same_video_gives_the_same_bytes(track: Track) -> None:
    first, second = (tracks_to_bytes(track(50, taken_away)) for _ in range(2))
    assert first == second


def test_only_the_most_conspicuous_are_kept_and_the_reader_is_told(track: Track) -> None:
    def painter(index: int) -> np.ndarray:
        image = texture(10).copy()
        disc(image, 20 + 2 * index, 30, 14, RED)
        disc(image, 140 - 2 * index, 90, 8, BLUE)
        return image

    tracks = track(50, painter, max_objects=1)
    assert len(tracks) == 1
    assert owner(tracks, 10, 40, 30) == 1
    assert any("2 objects" in warning for warning in tracks.warnings)


@pytest.mark.parametrize(
    ("frames", "size", "painter"),
    [
        (1, (WIDTH, HEIGHT), lambda _: texture(1)),
        (30, (WIDTH, HEIGHT), lambda _: texture(1)),
        (20, (WIDTH, HEIGHT), lambda _: np.full((HEIGHT, WIDTH, 3), 90, np.uint8)),
        (10, (8, 8), lambda index: np.full((8, 8, 3), 40 + 10 * index, np.uint8)),
        (
            25,
            (WIDTH, HEIGHT),
            lambda index: np.random.default_rng(index).integers(
                0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8
            ),
        ),
    ],
    ids=["one frame", "nothing moves", "one colour", "8x8", "noise"],
)
def test_a_video_without_objects_says_so(
    track: Track, frames: int, size: tuple[int, int], painter: Painter
) -> None:
    tracks = track(frames, painter, size)
    assert len(tracks) == 0
    assert any("Nothing moved" in warning for warning in tracks.warnings)
    assert len(tracks.times_s) >= 1


def test_masks_come_back_at_the_size_of_a_wide_video(track: Track) -> None:
    width, height = 1280, 160

    def painter(index: int) -> np.ndarray:
        image = texture(11, width, height).copy()
        box(image, 100 + 30 * index, 40, (100, 80), RED)
        return image

    tracks = track(30, painter, (width, height))
    assert len(tracks) == 1
    mask = tracks.mask(1, 15)
    assert mask is not None
    assert mask.shape == (height, width)
    assert iou(mask, 550, 40, (100, 80)) > 0.8


def test_a_ball_that_is_never_away_from_a_body_is_a_thing(track: Track) -> None:
    """The ball goes up and down in front of a body that sways: one patch all the time."""

    def painter(index: int) -> np.ndarray:
        image = texture(5).copy()
        sway = 20 * np.sin(index / 9)
        box(image, 55 + sway, 10, (36, 100), BLUE)
        disc(image, 73 + sway, 60 + 36 * np.sin(index / 4), 9, YELLOW)
        return image

    tracks = track(70, painter)
    assert len(tracks) == 2
    index = 60
    ball = owner(tracks, index, round(73 + 20 * np.sin(index / 9)), round(60 + 36 * np.sin(15)))
    body = owner(tracks, index, round(62 + 20 * np.sin(index / 9)), 15)
    assert ball is not None
    assert body not in {None, ball}
    (seen,) = (item for item in tracks.objects if item.id == ball)
    assert len(seen.positions) > 50


def test_a_body_that_sways_is_one_thing_though_its_clothes_differ(track: Track) -> None:
    def painter(index: int) -> np.ndarray:
        image = texture(6).copy()
        sway = 25 * np.sin(index / 9)
        box(image, 55 + sway, 10, (30, 24), YELLOW)
        box(image, 50 + sway, 34, (40, 36), BLUE)
        box(image, 52 + sway, 70, (34, 40), GREEN)
        return image

    assert len(track(70, painter)) == 1
