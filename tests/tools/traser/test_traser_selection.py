"""Coverage of cells and the choice of visual tokens, against the official program's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.errors import GraphFormatError
from reelgraph.graph.schema import VideoInfo
from reelgraph.graph.track_formats import read_traser_masks
from reelgraph.graph.tracks import Track, Tracks, decode_rle, encode_mask, rle_box, rle_runs
from reelgraph.tools.traser.coverage import cell_pixels, nearest_source
from reelgraph.tools.traser.grid import CELL, Grid
from reelgraph.tools.traser.masks import MaskRuns, RowMasks, StageMasks, TrackMasks, mask_source
from reelgraph.tools.traser.options import InputConfig, PathRules
from reelgraph.tools.traser.selection import (
    Selection,
    asked_ids,
    best_per_window,
    covered_cells,
    select,
    step_coverage,
)

VGA = (480, 640)


def runs_of(mask: np.ndarray) -> MaskRuns:
    return MaskRuns(mask.shape, rle_runs(encode_mask(mask)))


def painted_pixels(masks: list[MaskRuns | None], grid: Grid) -> np.ndarray:
    """The slow way: paint, resize to the nearest pixel, sum up cells."""
    height, width = grid.resized_hw
    rows, columns = grid.cells_hw
    counts = np.zeros((len(masks), rows, columns), np.int32)
    for frame, item in enumerate(masks):
        if item is None:
            continue
        tall, wide = item.size_hw
        flat = np.zeros(tall * wide, bool)
        values = np.repeat(np.arange(len(item.runs)) % 2 == 1, item.runs)
        flat[: len(values)] = values
        mask = flat.reshape(wide, tall).T
        resized = mask[np.ix_(nearest_source(height, tall), nearest_source(width, wide))]
        counts[frame] = resized.reshape(rows, CELL, columns, CELL).sum(axis=(1, 3))
    return counts


def rle(mask: np.ndarray) -> dict[str, Any]:
    return {"size": list(mask.shape), "counts": encode_mask(mask).decode()}


# ------------------------------------------------------------------- the official program


def test_golden_selection(case: Any) -> None:
    source = mask_source(case.masks)
    ids = asked_ids(source, case.config)[: case.config.max_objects]
    assert list(ids) == case.facts["asked_ids"]
    selection = select(source, ids, case.arrays["frame_idx"], case.grid, case.config)
    assert list(selection.object_ids) == case.arrays["kept_ids"].tolist()
    np.testing.assert_array_equal(selection.pixels, case.arrays["mask_pixels"])
    expected = case.selected()
    assert len(selection.tokens) == len(expected)
    for tokens, wanted in zip(selection.tokens, expected, strict=True):
        np.testing.assert_array_equal(tokens, wanted)
    assert stages(selection, case.config) == case.facts["outputs"]["threshold_stage"]
    union = np.unique(np.concatenate(selection.tokens))
    np.testing.assert_array_equal(union, case.arrays["union_idx"])


def stages(selection: Selection, config: InputConfig) -> list[int]:
    """How often the coverage was lowered for each object, -1 for the best cell."""
    rules = config.rules
    return [
        -1 if value is None else round((rules.coverage - value) / rules.coverage_step)
        for value in selection.thresholds
    ]


def test_golden_selection_from_tracks(case: Any, tmp_path: Path) -> None:
    """Masks that went through tracks at the video's resolution select the same tokens."""
    facts = case.facts["video"]
    total, fps = facts["total_frames"], facts["avg_fps"]
    rows = case.masks if isinstance(case.masks, list) else rows_of_stage(case.masks)
    sampled = set(case.arrays["frame_idx"].tolist())
    seen = [row if index in sampled else None for index, row in enumerate(rows)]
    (tmp_path / "masks.json").write_text(json.dumps(seen))
    video = VideoInfo(
        path="clip.mp4",
        sha256="0" * 64,
        duration_s=total / fps,
        fps=fps,
        frame_count=total,
        resolution_wh=(facts["width"], facts["height"]),
    )
    tracks = read_traser_masks(tmp_path / "masks.json", video, np.arange(total) / fps)
    ids = [column + 1 for column in case.facts["asked_ids"]]
    frames = case.arrays["frame_idx"]
    selection = select(TrackMasks(tracks), ids, frames, case.grid, case.config)
    assert [value - 1 for value in selection.object_ids] == case.arrays["kept_ids"].tolist()
    for tokens, wanted in zip(selection.tokens, case.selected(), strict=True):
        np.testing.assert_array_equal(tokens, wanted)


def rows_of_stage(document: dict[str, Any]) -> list[list[Any]]:
    """A stage-6 document as mask JSON."""
    columns = [item["trajectory"]["masks"] for item in document["objects"]]
    return [
        [masks[frame] if frame < len(masks) else None for masks in columns]
        for frame in range(document["total_frames"])
    ]


def test_golden_coverage(case: Any) -> None:
    source = mask_source(case.masks)
    for row, object_id in enumerate(case.arrays["kept_ids"]):
        masks = [source.mask(int(object_id), int(f)) for f in case.arrays["frame_idx"]]
        counts = cell_pixels(masks, case.grid)
        coverage = step_coverage(counts, case.grid.steps, case.config.time_reduce)
        np.testing.assert_allclose(coverage, case.arrays["coverage"][row], atol=1e-6)


def test_golden_selection_from_given_masks(golden: Path) -> None:
    facts = json.loads((golden / "dev" / "selection_only.json").read_text())
    with np.load(golden / "dev" / "selection_only.npz") as file:
        arrays = dict(file)
    assert len(facts) > 10
    for fact in facts:
        name = fact["case"]
        shape = fact["mask_shape"]
        bits = np.unpackbits(arrays[f"{name}_masks"])[: np.prod(shape)]
        grid = Grid(*fact["grid_thw"])
        rules = PathRules(
            4, 128, False, fact["coverage_thresh"], fact["retry_step"], fact["retry_times"]
        )
        tokens = []
        for row, masks in enumerate(bits.reshape(shape).astype(bool)):
            counts = cell_pixels([runs_of(mask) for mask in masks], grid)
            coverage = step_coverage(counts, grid.steps, fact["time_reduce"])
            np.testing.assert_allclose(coverage, arrays[f"{name}_cov"][row], atol=1e-6)
            cells, threshold = covered_cells(coverage, rules)
            stage = fact["stages"][row]
            wanted = None if stage < 0 else rules.coverage - stage * rules.coverage_step
            assert threshold == (None if wanted is None else pytest.approx(wanted)), (name, row)
            tokens.append(cells)
        pointers = arrays[f"{name}_ptr"]
        for cells, wanted in zip(
            tokens, np.split(arrays[f"{name}_sel"], pointers[1:-1]), strict=True
        ):
            np.testing.assert_array_equal(cells, wanted, err_msg=name)
        np.testing.assert_array_equal(np.unique(np.concatenate(tokens)), arrays[f"{name}_union"])


def test_golden_large_case(golden: Path) -> None:
    with np.load(golden / "dev" / "perf_large.npz") as file:
        wanted = np.split(file["sel_flat"], file["sel_ptr"][1:-1])
    grid = Grid(64, 40, 72)
    chosen = (0, 17, 38)
    source = RowMasks([[ellipse(number, frame) for number in chosen] for frame in range(128)])
    selection = select(source, range(3), np.arange(128), grid, InputConfig())
    for tokens, number in zip(selection.tokens, chosen, strict=True):
        np.testing.assert_array_equal(tokens, wanted[number])


def ellipse(number: int, frame: int) -> dict[str, Any] | None:
    """One mask of the large case (formula in the fixtures' perf_large.json)."""
    if (frame // 8 + number) % 5 == 0:
        return None
    cy = 560 * (0.15 + 0.7 * ((0.37 * number + 0.004 * frame) % 1.0))
    cx = 1008 * (0.1 + 0.8 * ((0.61 * number + 0.006 * frame) % 1.0))
    y, x = np.ogrid[:560, :1008]
    inside = ((y - cy) / (30 + 5 * (number % 9))) ** 2 + ((x - cx) / (40 + 7 * (number % 8))) ** 2
    return rle(inside <= 1)


# ----------------------------------------------- the specification's made fixture (11.3)


def box(mask_frames: dict[int, tuple[slice, slice]]) -> list[np.ndarray]:
    masks = [np.zeros(VGA, bool) for _ in range(38)]
    for frame, place in mask_frames.items():
        masks[frame][place] = True
    return masks


@pytest.fixture(scope="module")
def made_objects() -> RowMasks:
    objects = [
        box({n: np.s_[100:300, 5 * n + 50 : 5 * n + 250] for n in range(38)}),
        box(dict.fromkeys((10, 11, 12), np.s_[10:30, 10:30])),
        box({}),
        box({37: np.s_[479:480, 639:640]}),
        box(dict.fromkeys((0, 1, 20, 21), np.s_[200:216, 300:320])),
    ]
    return RowMasks([[rle(masks[n]) for masks in objects] for n in range(38)])


MADE_GRID = Grid(19, 34, 46)


def test_made_fixture_on_the_github_path(made_objects: RowMasks) -> None:
    selection = select(made_objects, range(5), np.arange(38), MADE_GRID, InputConfig())
    assert selection.object_ids == (0, 1, 4)
    assert selection.dropped == (2, 3)
    a, b, e = selection.tokens
    assert (len(a), a[0], a[-1], a.sum()) == (976, 94, 7282, 3_616_985)
    assert np.unique(a // 782).tolist() == list(range(10))
    assert b.tolist() == [1955, 2346]
    assert selection.thresholds[1] == pytest.approx(0.3)
    assert (len(e), e[0], e[-1], e.sum()) == (4, 171, 4082, 8506)
    assert selection.thresholds[2] == pytest.approx(0.1)
    assert np.unique(e // 782).tolist() == [0, 5]


def test_made_fixture_on_the_hub_path(made_objects: RowMasks) -> None:
    config = InputConfig(path="hub")
    selection = select(made_objects, range(5), np.arange(38), MADE_GRID, config)
    a, b, e = selection.tokens
    assert (len(a), a[-1], a.sum()) == (798, 7259, 2_934_015)
    assert b.tolist() == [1955]
    assert e.tolist() == [172]
    assert selection.thresholds[1:] == (None, None)


def test_largest_coverage_of_the_made_fixture(made_objects: RowMasks) -> None:
    def largest(object_id: int) -> float:
        masks = [made_objects.mask(object_id, n) for n in range(38)]
        return float(step_coverage(cell_pixels(masks, MADE_GRID), 19, "max").max())

    assert largest(1) == pytest.approx(0.390306, abs=1e-6)
    assert largest(4) == pytest.approx(0.285714, abs=1e-6)


# ------------------------------------------------------------------------- properties


@st.composite
def random_runs(draw: st.DrawFn) -> MaskRuns:
    """Run lengths of any mask, also ones that stop short or hold empty runs."""
    height, width = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    total, runs = height * width, []
    while total and len(runs) < 40:
        runs.append(draw(st.integers(0, max(1, min(total, draw(st.sampled_from((3, 90, 4000))))))))
        total -= runs[-1]
        if total and draw(st.integers(0, 12)) == 0:
            break
    return MaskRuns((height, width), np.array(runs, dtype=np.int64))


grids = st.builds(Grid, st.just(1), *[st.integers(1, 5).map(lambda n: 2 * n)] * 2)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.none() | random_runs(), min_size=1, max_size=4), grids)
def test_counting_runs_equals_painting(masks: list[MaskRuns | None], grid: Grid) -> None:
    np.testing.assert_array_equal(cell_pixels(masks, grid), painted_pixels(masks, grid))


@pytest.mark.parametrize("size", [(1080, 1920), (480, 640), (135, 240), (37, 53), (280, 476)])
def test_counting_runs_equals_painting_at_video_sizes(size: tuple[int, int]) -> None:
    generator = np.random.default_rng(7)
    noise = generator.random(size)
    blob = (np.hypot(*np.ogrid[-1 : 1 : size[0] * 1j, -1 : 1 : size[1] * 1j]) < 0.7) & (noise < 0.9)
    grid = Grid(1, 40, 72)
    masks = [runs_of(blob), runs_of(~blob), runs_of(np.ones(size, bool))]
    counts = cell_pixels(masks, grid)
    np.testing.assert_array_equal(counts, painted_pixels(masks, grid))
    assert counts[2].min() == CELL * CELL


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 2500), st.integers(1, 2500))
def test_nearest_source_is_torch_nearest(length: int, source: int) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra traser")
    rows = torch.arange(source, dtype=torch.float32)[None, None]
    wanted = torch.nn.functional.interpolate(rows, size=length, mode="nearest")[0, 0]
    np.testing.assert_array_equal(nearest_source(length, source), wanted.numpy())


@settings(deadline=None)
@given(st.integers(0, 784), st.floats(0.05, 1.0))
def test_a_cell_is_selected_exactly_from_its_coverage_on(pixels: int, share: float) -> None:
    counts = np.zeros((1, 2, 2), np.int32)
    counts[0, 1, 0] = pixels
    coverage = step_coverage(counts, 1, "max")
    cells, threshold = covered_cells(coverage, PathRules(4, 128, False, share, 0.1, 0))
    reached = np.float32(pixels) / np.float32(784) >= np.float32(share)
    assert (threshold is not None) == bool(reached)
    assert cells.tolist() == ([2] if pixels else [0])


# ------------------------------------------------------------------------------- edges


def test_a_low_coverage_takes_the_best_cell_instead_of_the_whole_video() -> None:
    coverage = np.array([[[0.0, 0.05], [0.02, 0.0]]], np.float32)
    cells, threshold = covered_cells(coverage, InputConfig(coverage=0.3).rules)
    assert cells.tolist() == [1]
    assert threshold is None


def test_an_object_seen_on_one_frame_of_each_pair_keeps_its_own_cell_under_min() -> None:
    mask = np.zeros((56, 84), bool)
    mask[28:, 56:] = True
    source = RowMasks([[rle(mask)], [rle(np.zeros_like(mask))]])
    config = InputConfig(time_reduce="min")
    selection = select(source, [0], np.arange(2), Grid(1, 4, 6), config)
    assert [tokens.tolist() for tokens in selection.tokens] == [[5]]


def test_the_last_frame_is_repeated_and_surplus_frames_are_cut() -> None:
    counts = np.zeros((3, 1, 1), np.int32)
    counts[2] = 784
    assert step_coverage(counts, 2, "min").ravel().tolist() == [0.0, 1.0]
    assert step_coverage(counts, 1, "max").ravel().tolist() == [0.0]


def test_window_fallback_gives_a_tiny_object_a_cell_wherever_it_is_seen() -> None:
    mask, spot = np.zeros((56, 56), bool), np.zeros((56, 56), bool)
    mask[:28, :28] = True
    spot[30:33, 30:33] = True
    source = RowMasks([[rle(mask)]] * 4 + [[rle(spot)]] * 4 + [[None]] * 4)
    frames, grid = np.arange(12), Grid(6, 4, 4)
    plain = select(source, [0], frames, grid, InputConfig())
    assert plain.tokens[0].tolist() == [0, 4]
    more = select(source, [0], frames, grid, InputConfig(window_fallback=True))
    assert more.tokens[0].tolist() == [0, 4, 11]


def test_best_per_window_takes_the_first_of_equals_and_skips_what_is_selected() -> None:
    coverage = np.zeros((4, 1, 3), np.float32)
    coverage[0, 0, 2] = 0.9
    coverage[3, 0, 1:] = 0.2
    assert best_per_window(coverage, np.array([2]), 2).tolist() == [10]
    assert best_per_window(coverage, np.array([], dtype=np.int64), 2).tolist() == [2, 10]


def test_ids_are_sorted_kept_once_and_unknown_ones_are_absent() -> None:
    mask = np.ones((56, 56), bool)
    source = RowMasks([[rle(mask), rle(mask)]])
    ids = asked_ids(source, InputConfig(objects=(7, 1, -3, 0, 1)))
    assert ids == (-3, 0, 1, 7)
    selection = select(source, ids, np.arange(1), Grid(1, 4, 4), InputConfig())
    assert (selection.object_ids, selection.dropped) == ((0, 1), (-3, 7))


def test_columns_are_those_of_the_first_frame() -> None:
    item = rle(np.ones((28, 28), bool))
    assert RowMasks([[item], [item, item, item]]).ids == (0,)
    assert RowMasks([]).ids == RowMasks([None]).ids == RowMasks([[]]).ids == ()


@pytest.mark.parametrize(
    "item", [None, {}, {"size": [9, 9], "counts": "PhX5"}, {"size": [9, 9], "counts": [81, 0]}]
)
def test_absent_masks(item: Any) -> None:
    assert RowMasks([[item]]).mask(0, 0) is None


def test_masks_outside_the_list_are_absent() -> None:
    source = RowMasks([[rle(np.ones((28, 28), bool))], None, []])
    assert [source.mask(0, frame) is None for frame in range(4)] == [False, True, True, True]
    stage = StageMasks({"objects": [{"trajectory": {"masks": [None]}}]})
    assert [stage.mask(row, frame) for row, frame in ((0, 0), (0, 5), (3, 0))] == [None] * 3


def test_runs_that_stop_short_leave_background() -> None:
    mask = RowMasks([[{"size": [28, 28], "counts": [10, 20]}]]).mask(0, 0)
    assert mask is not None
    assert cell_pixels([mask], Grid(1, 2, 2)).tolist() == [[[20]]]


@pytest.mark.parametrize("form", [bytes, list, str])
def test_forms_of_run_lengths(form: type) -> None:
    mask = np.zeros((30, 20), bool)
    mask[3:9, 4:11] = True
    text = encode_mask(mask)
    counts = {bytes: text, str: text.decode(), list: rle_runs(text).tolist()}[form]
    read = RowMasks([[{"size": [30, 20], "counts": counts}]]).mask(0, 0)
    assert read is not None
    np.testing.assert_array_equal(read.runs, rle_runs(text))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[{"counts": "0"}]], "frame 0, object 0.*'size'"),
        ([[{"size": [4, 0], "counts": "0"}]], "frame 0, object 0"),
        ([["text"]], "frame 0, object 0"),
        ([[{"size": [4, 4], "counts": 3}]], "'counts' must be"),
        ([[{"size": [4, 4], "counts": [-1, 3]}]], "'counts' must be"),
        ([[{"size": [4, 4], "counts": [10, 20]}]], "30 pixels"),
    ],
)
def test_malformed_masks_are_named(rows: list[Any], message: str) -> None:
    with pytest.raises(GraphFormatError, match=message):
        RowMasks(rows).mask(0, 0)


@pytest.mark.parametrize("document", ["text", [1], [{}], {"objects": [{}]}, {}])
def test_other_documents_are_refused(document: Any) -> None:
    with pytest.raises(GraphFormatError):
        mask_source(document)


def test_tracks_hold_between_processed_frames() -> None:
    mask = np.zeros((30, 40), bool)
    mask[5:9, 7:12] = True
    counts = encode_mask(mask)
    video = VideoInfo(
        path="clip.mp4",
        sha256="0" * 64,
        duration_s=1.0,
        fps=10.0,
        frame_count=10,
        resolution_wh=(40, 30),
    )
    found = rle_box(counts, resolution_wh=(40, 30))
    track = Track(5, np.array([1]), np.array([found], dtype=float), (counts,))
    tracks = Tracks(video, np.array([0, 4, 8]), np.array([0.0, 0.4, 0.8]), 1.0, (track,))
    source = mask_source(tracks)
    assert isinstance(source, TrackMasks)
    assert source.ids == (5,)
    shown = [source.mask(5, frame) is not None for frame in range(10)]
    assert shown == [False] * 4 + [True] * 4 + [False] * 2
    assert source.mask(6, 4) is None
    read = source.mask(5, 4)
    assert read is not None
    np.testing.assert_array_equal(decode_rle(counts, resolution_wh=(40, 30)), mask)
    assert read.size_hw == (30, 40)
    assert read.runs[1::2].sum() == mask.sum()
