"""Videos cut into clips, objects shared out over passes, and what a clip becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from reelgraph.errors import VideoError
from reelgraph.graph.tracks import encode_mask
from reelgraph.tools.traser.clips import Clip, cut_points, plan_clips
from reelgraph.tools.traser.grid import Grid
from reelgraph.tools.traser.inputs import read_clip, read_clips, select_passes
from reelgraph.tools.traser.masks import RowMasks
from reelgraph.tools.traser.options import InputConfig
from reelgraph.tools.traser.passes import pairs_apart, share_out
from reelgraph.tools.traser.tokens import TraserTokens
from reelgraph.tools.video import Frame, Video

SIZE = (64, 48)


@pytest.fixture
def words() -> TraserTokens:
    """A tokenizer of bytes."""
    return TraserTokens(lambda text: list(text.encode()))


def rle(*boxes: tuple[int, int, int, int]) -> dict[str, Any]:
    mask = np.zeros((SIZE[1], SIZE[0]), bool)
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = True
    return {"size": [SIZE[1], SIZE[0]], "counts": encode_mask(mask).decode()}


# ---------------------------------------------------------------------------- clips


@given(st.floats(1, 5000), st.floats(8, 128), st.floats(0, 64))
def test_pieces_cover_the_video_with_the_overlap(
    duration: float, chunk: float, overlap: float
) -> None:
    assume(overlap <= chunk / 2)
    points = cut_points(duration, chunk, overlap)
    assert points[0][0] == 0
    assert points[-1][1] == pytest.approx(duration)
    assert all(0 < end - start <= chunk + 1e-6 for start, end in points)
    for (_, before), (after, _) in pairwise(points):
        assert before - after == pytest.approx(overlap, abs=1e-6)


@pytest.mark.parametrize(
    ("duration", "pieces"), [(128.0, 1), (128.1, 2), (240.0, 2), (240.1, 3), (600.0, 6)]
)
def test_as_few_pieces_as_possible(duration: float, pieces: int) -> None:
    assert len(cut_points(duration, 128.0, 16.0)) == pieces


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory, make_video: Callable[..., Path]) -> Video:
    path = tmp_path_factory.mktemp("long") / "clip.mp4"
    # The writer shows the last frame for 40 ms.
    times = [*range(0, 40_000, 500), 39_960]
    return Video.open(make_video(path, times_ms=times, size=SIZE))


def test_a_long_video_is_cut_only_when_asked(long_clip: Video) -> None:
    (whole,) = plan_clips(long_clip, InputConfig())
    assert len(whole.frame_indices) == 40
    assert (whole.start_s, whole.end_s) == (0.0, pytest.approx(40.0))
    pieces = plan_clips(long_clip, InputConfig(chunk_s=16, chunk_overlap_s=4))
    assert [(c.start_s, c.end_s) for c in pieces] == [
        pytest.approx(span) for span in ((0, 16), (12, 28), (24, 40))
    ]
    assert pieces[1].frame_indices.tolist() == list(range(24, 56, 2))
    assert pieces[1].bounds_s.tolist() == pytest.approx(list(range(12, 29)))
    assert len(plan_clips(long_clip, InputConfig(chunk_s=40))) == 1


# --------------------------------------------------------------------------- passes


def test_large_objects_come_first_and_anchor_later_passes() -> None:
    config = InputConfig(max_objects=4, max_passes=3, pass_anchors=1)
    sizes = [1, 90, 2, 80, 3, 70, 4, 60]
    assert share_out(sizes, config) == ((1, 3, 5, 7), (1, 2, 4, 6), (0, 1))


def test_objects_beyond_the_last_pass_are_in_none() -> None:
    config = InputConfig(max_objects=2, max_passes=2, pass_anchors=0)
    assert share_out([5, 4, 3, 2, 1], config) == ((0, 1), (2, 3))
    assert share_out([], config) == ()


@given(st.lists(st.integers(0, 99), max_size=60), st.integers(1, 12), st.integers(0, 11))
def test_enough_passes_hold_every_object(sizes: list[int], most: int, anchors: int) -> None:
    assume(anchors < most)
    config = InputConfig(max_objects=most, max_passes=60, pass_anchors=anchors)
    passes = share_out(sizes, config)
    assert {row for rows in passes for row in rows} == set(range(len(sizes)))
    assert all(len(rows) <= most and list(rows) == sorted(set(rows)) for rows in passes)


@given(st.lists(st.sets(st.integers(1, 9)), max_size=4))
def test_pairs_are_apart_exactly_if_no_pass_holds_both(passes: list[set[int]]) -> None:
    apart = set(pairs_apart([sorted(ids) for ids in passes]))
    ids = sorted(set().union(*passes))
    for a in ids:
        for b in ids:
            if a < b:
                assert ((a, b) in apart) == (not any({a, b} <= group for group in passes))


@pytest.fixture
def growing() -> RowMasks:
    """Six objects on four frames, each larger than the one before; the third is empty."""
    row = [rle((0, 0, 6 + 4 * k, 6 + 4 * k)) if k != 2 else None for k in range(6)]
    return RowMasks([row] * 4)


GRID = Grid(2, 12, 16)


def test_one_pass_cuts_by_id_before_empty_objects_are_dropped(growing: RowMasks) -> None:
    passes, warnings = select_passes(growing, np.arange(4), GRID, InputConfig(max_objects=4))
    assert [selection.object_ids for selection in passes] == [(0, 1, 3)]
    assert warnings == ("2 objects beyond max_objects=4 are not described: 4, 5",)


def test_several_passes_take_the_largest_and_name_what_is_missing(growing: RowMasks) -> None:
    config = InputConfig(max_objects=2, max_passes=2, pass_anchors=1)
    passes, warnings = select_passes(growing, np.arange(4), GRID, config)
    assert [selection.object_ids for selection in passes] == [(4, 5), (3, 5)]
    assert warnings == (
        "2 objects beyond max_passes=2 are not described: 0, 1",
        "1 pairs of objects are in no pass together and not related: 3-4",
    )
    assert all(len(s.tokens) == len(s.thresholds) == len(s.pixels) == 2 for s in passes)


def test_nothing_visible_gives_no_pass() -> None:
    passes, warnings = select_passes(RowMasks([[None]]), np.arange(2), GRID, InputConfig())
    assert (passes, warnings) == ((), ())


# --------------------------------------------------------------------------- inputs


def test_a_clip_becomes_one_prompt(long_clip: Video, words: TraserTokens) -> None:
    pytest.importorskip("torchvision", reason="needs the extra traser")
    masks = RowMasks([[None, rle((8, 8, 40, 40))]] * 30)
    (clip,) = read_clips(long_clip, masks, words, InputConfig(task="objects"))
    assert clip.frames.pixels.shape == (40, 3, *clip.frames.grid.resized_hw)
    (single,) = clip.passes
    assert single.selection.object_ids == single.arrangement.object_ids == (1,)
    assert single.arrangement.grid == clip.frames.grid
    text = bytes(i for i in single.arrangement.ids.tolist() if i < 256).decode()
    assert "List all objects from the video" in text
    # Masks end at 15 s: windows of four seconds from 0 to 16.
    assert [w for w in range(0, 44, 4) if f"<{w} - {w + 4} sec>" in text] == [0, 4, 8, 12]
    rows = clip.frames.rows(1, 3)
    assert rows.shape == (2 * clip.frames.grid.patches // clip.frames.grid.steps, 1176)


def test_pieces_share_ids_and_tell_true_seconds(long_clip: Video, words: TraserTokens) -> None:
    pytest.importorskip("torchvision", reason="needs the extra traser")
    late = [[None, rle((8, 8, 40, 40))]] * 80
    config = InputConfig(chunk_s=16, chunk_overlap_s=4)
    clips = list(read_clips(long_clip, RowMasks(late), words, config))
    assert [clip.passes[0].arrangement.object_ids for clip in clips] == [(1,)] * 3
    assert [clip.frames.bounds_s[0] for clip in clips] == pytest.approx([0, 12, 24])
    assert all(len(clip.frames.pixels) == 16 for clip in clips)


class Gaps(Video):
    """A video of which only some frames decode."""

    good: frozenset[int] = frozenset()

    def frames_at(self, times_s: Any, **options: Any) -> Iterator[Frame]:
        return (f for f in super().frames_at(times_s, **options) if f.index in self.good)


@pytest.mark.parametrize(
    ("good", "shown"), [((0, 6), [0, 0, 0, 6, 6]), ((4,), [4] * 5), ((2, 4, 8), [2, 2, 4, 4, 8])]
)
def test_frames_that_do_not_decode_show_their_neighbour(
    good: tuple[int, ...], shown: list[int], long_clip: Video, words: TraserTokens
) -> None:
    pytest.importorskip("torchvision", reason="needs the extra traser")
    damaged = Gaps.open(long_clip.path)
    damaged.good = frozenset(good)  # type: ignore[attr-defined]
    clip = Clip(np.arange(0, 10, 2), np.arange(6.0))
    none = RowMasks([[]])
    found = read_clip(damaged, clip, none, words, InputConfig()).frames.pixels
    whole = read_clip(long_clip, clip, none, words, InputConfig()).frames.pixels
    np.testing.assert_array_equal(found, whole[[index // 2 for index in shown]])


def test_a_clip_without_any_frame_is_an_error(long_clip: Video, words: TraserTokens) -> None:
    damaged = Gaps.open(long_clip.path)
    with pytest.raises(VideoError, match="no frame of"):
        read_clip(
            damaged, plan_clips(long_clip, InputConfig())[0], RowMasks([[]]), words, InputConfig()
        )


@pytest.mark.parametrize(
    "options",
    [
        {"window_s": 3},
        {"chunk_s": 129},
        {"chunk_s": 20, "chunk_overlap_s": 11},
        {"max_passes": 2, "max_objects": 8},
        {"coverage": 0},
        {"colour": 1},
    ],
)
def test_options_that_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        InputConfig(**options)


def test_each_path_has_its_numbers() -> None:
    assert InputConfig().rules.coverage == 0.5
    assert InputConfig(path="hub").rules.coverage == 0.7
    assert InputConfig(path="hub", coverage=0.4).rules.coverage == 0.4
