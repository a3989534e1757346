"""The choice of frames, against the official program's, and the times they stand for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.errors import VideoError
from reelgraph.tools.traser.frames import average_rate, sample_bounds, sample_clip, sample_frames
from reelgraph.tools.video import Video


def test_golden_frames(case: Any) -> None:
    video = case.facts["video"]
    indices = sample_frames(video["total_frames"], video["avg_fps"])
    np.testing.assert_array_equal(indices, case.arrays["frame_idx"])
    assert len(indices) == case.facts["outputs"]["n_sampled"]


def test_golden_table(golden: Path) -> None:
    table = json.loads((golden / "dev" / "tables.json").read_text())["frame_indices"]
    assert len(table) > 20
    for row in table:
        indices = sample_frames(row["total_frames"], row["avg_fps"])
        assert indices.tolist() == row["indices"], row


def test_golden_files_decode_to_the_same_frames(golden: Path) -> None:
    folder = golden / "dev" / "video_files"
    for fact in json.loads((folder / "decode.json").read_text()):
        video = Video.open(folder / fact["file"])
        assert average_rate(video) == pytest.approx(fact["avg_fps"], abs=1e-9)
        indices = sample_frames(len(video.times_s), average_rate(video))
        assert indices.tolist() == fact["frame_idx"], fact["file"]
        frames = np.stack([f.image for f in video.frames_at(video.times_s[indices].tolist())])
        assert list(frames.shape) == fact["frames_shape"]
        np.testing.assert_allclose(frames.mean(axis=(1, 2)), fact["mean_rgb"], atol=6e-4)
        assert hashlib.sha256(frames).hexdigest() == fact["frames_sha256"], fact["file"]


@pytest.mark.parametrize(
    ("total", "fps", "wanted"),
    [
        (318, 24, [0, 26, 52, 79, 105, 132, 158, 184, 211, 237, 264, 290, 317]),
        (48, 24, [0, 15, 31, 47]),
        (3, 30, [0, 1, 2]),
        (1, 25, [0]),
    ],
)
def test_spread_by_frame_number(total: int, fps: float, wanted: list[int]) -> None:
    assert sample_frames(total, fps).tolist() == wanted


@pytest.mark.parametrize(("seconds", "count"), [(4.5, 4), (5.5, 6), (128.4, 128), (129.0, 128)])
def test_seconds_round_half_to_even(seconds: float, count: int) -> None:
    assert len(sample_frames(round(seconds * 100), 100.0)) == count


@pytest.mark.parametrize(
    ("total", "fps", "count"), [(318, 24, 12), (3000, 30, 100), (40_000, 30, 768), (5, 25, 4)]
)
def test_hub_path_takes_an_even_number(total: int, fps: float, count: int) -> None:
    indices = sample_frames(total, fps, "hub")
    assert len(indices) == count
    assert (indices[0], indices[-1]) == (0, total - 1)


@pytest.mark.parametrize(
    ("total", "fps", "path"), [(0, 24, "github"), (10, 0, "github"), (1, 25, "hub")]
)
def test_videos_without_enough_frames(total: int, fps: float, path: Any) -> None:
    with pytest.raises(VideoError):
        sample_frames(total, fps, path)


@given(st.integers(1, 4000), st.floats(0.5, 120))
def test_first_and_last_frame_are_always_sampled(total: int, fps: float) -> None:
    indices = sample_frames(total, fps)
    assert indices[0] == 0
    assert indices[-1] == total - 1
    assert len(indices) <= 128
    assert np.all(np.diff(indices) > 0)


@given(st.integers(1, 400), st.floats(0.5, 120))
def test_shares_cover_the_video_once(total: int, fps: float) -> None:
    indices = sample_frames(total, fps)
    bounds = sample_bounds(indices, np.arange(total) / fps, total / fps)
    assert len(bounds) == len(indices) + 1
    assert (bounds[0], bounds[-1]) == (0, pytest.approx(total / fps))
    assert np.all(np.diff(bounds) > 0)
    # At a constant rate a share is the duration divided by the number of samples.
    np.testing.assert_allclose(np.diff(bounds), total / fps / len(indices), rtol=1e-6)


def test_shares_of_a_variable_rate_are_true_seconds() -> None:
    times = np.array([0.0, 0.1, 0.2, 0.3, 1.3, 2.3, 3.3, 4.3])
    bounds = sample_bounds(np.array([0, 2, 4, 7]), times, 5.3)
    assert bounds.tolist() == pytest.approx([0.0, 0.2, 1.3, 3.3, 5.3])


def test_a_piece_is_sampled_once_a_second() -> None:
    times = np.arange(3000) / 10
    indices, bounds = sample_clip(times, 100.0, 228.0)
    assert indices.tolist() == list(range(1000, 2280, 10))
    assert bounds.tolist() == pytest.approx(list(range(100, 229)))


def test_a_piece_of_few_frames_has_each_once() -> None:
    indices, bounds = sample_clip(np.array([0.0, 6.0, 12.0]), 0.0, 16.0)
    assert indices.tolist() == [0, 1, 2]
    assert bounds.tolist() == [0.0, 6.0, 12.0, 16.0]


def test_average_rate_of_a_file(tmp_path: Path, make_video: Callable[..., Path]) -> None:
    video = Video.open(make_video(tmp_path / "clip.mp4", times_ms=range(0, 2000, 50)))
    assert average_rate(video) == pytest.approx(20, rel=0.01)
