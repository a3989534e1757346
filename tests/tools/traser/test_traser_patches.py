"""Resizing and pixel rows, against the official processor's."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reelgraph.errors import VideoError
from reelgraph.tools.traser.grid import Grid
from reelgraph.tools.traser.patches import (
    MAX_PIXELS,
    MIN_PIXELS,
    patch_rows,
    resize_frame,
    resized_size,
)

pytest.importorskip("torch", reason="needs the extra traser")
pytest.importorskip("torchvision", reason="needs the extra traser")


def test_golden_pixels(case: Any) -> None:
    frames = case.frames()
    assert hashlib.sha256(frames).hexdigest() == case.facts["frames_sha256"]
    size = resized_size(*frames.shape[1:3])
    assert list(size) == case.facts["outputs"]["resized"]
    pixels = np.stack([resize_frame(frame, size) for frame in frames])
    grid = Grid.of(len(frames), size)
    assert grid == case.grid
    assert grid.tokens == case.facts["outputs"]["n_video_tokens"]
    rows = patch_rows(pixels, 0, grid.steps).numpy()
    assert rows.shape == (grid.patches, 1176)
    wanted = case.arrays["pixel_rows"]
    np.testing.assert_allclose(rows[case.arrays["pixel_rows_idx"]], wanted, atol=1e-5)
    exact = rows.astype(np.float64)
    stats = [exact.sum(), (exact**2).sum(), exact.min(), exact.max()]
    np.testing.assert_allclose(stats, case.arrays["pixel_stats"], rtol=1e-6)


def test_golden_sizes(golden: Path) -> None:
    table = json.loads((golden / "dev" / "tables.json").read_text())["smart_resize"]
    assert {"error" in row for row in table} == {True, False}
    for row in table:
        if "error" in row:
            with pytest.raises(VideoError, match="too narrow"):
                resized_size(row["height"], row["width"])
        else:
            assert list(resized_size(row["height"], row["width"])) == row["resized"]


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((480, 640), (476, 644)),
        ((540, 960), (532, 952)),
        ((1080, 1920), (560, 1008)),
        ((100, 160), (196, 308)),
        ((200, 1), (3192, 28)),
    ],
)
def test_sizes(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert resized_size(*size) == wanted


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_sizes_are_whole_cells_within_the_limits(height: int, width: int) -> None:
    assume(max(height, width) <= 20 * min(height, width))
    tall, wide = resized_size(height, width)
    assert tall % 28 == wide % 28 == 0
    assert MIN_PIXELS <= tall * wide <= MAX_PIXELS


def test_a_range_of_steps_is_the_same_part_of_the_whole() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 3, 56, 84), np.uint8)
    whole = patch_rows(pixels, 0, 4).numpy()
    parts = [patch_rows(pixels, start, start + 2).numpy() for start in (0, 2)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_an_odd_last_frame_is_repeated() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 3, 28, 28), np.uint8)
    doubled = np.concatenate([pixels, pixels[-1:]])
    np.testing.assert_array_equal(patch_rows(pixels, 0, 2), patch_rows(doubled, 0, 2))


def test_rows_go_by_token_and_hold_channel_time_and_place() -> None:
    pixels = np.zeros((2, 3, 56, 56), np.uint8)
    pixels[1, 2, 28 + 14 + 3, 5] = 255  # second frame, blue, token (1, 0), patch (1, 0)
    rows = patch_rows(pixels, 0, 1).numpy().reshape(2, 2, 2, 2, 3, 2, 14, 14)
    bright = np.argwhere(rows > 2)
    assert bright.tolist() == [[1, 0, 1, 0, 2, 1, 3, 5]]


def test_the_stock_processor_computes_the_same() -> None:
    transformers = pytest.importorskip("transformers", reason="needs the extra traser")
    torch = pytest.importorskip("torch", reason="needs the extra traser")
    name = "models.qwen2_vl.video_processing_qwen2_vl"
    module = pytest.importorskip(f"transformers.{name}", reason=transformers.__version__)
    limits = {"shortest_edge": MIN_PIXELS, "longest_edge": MAX_PIXELS}
    options: dict[str, Any] = {"size": limits, "do_sample_frames": False}
    if hasattr(module.Qwen2VLVideoProcessor, "cap_pixels_per_frame"):
        options["cap_pixels_per_frame"] = False
    frames = np.random.default_rng(3).integers(0, 256, (3, 90, 130, 3), np.uint8)
    video = torch.from_numpy(frames).permute(0, 3, 1, 2)
    stock = module.Qwen2VLVideoProcessor(**options)(videos=[video], return_tensors="pt")
    size = resized_size(90, 130)
    rows = patch_rows(np.stack([resize_frame(frame, size) for frame in frames]), 0, 2)
    assert stock["video_grid_thw"].tolist() == [list(Grid.of(3, size))]
    np.testing.assert_array_equal(rows, stock["pixel_values_videos"])
