"""The layout of prompts, against the official program's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.tools.traser.arrangement import (
    IGNORED,
    LATENTS,
    SPECIAL_IDS,
    Arrangement,
    Latents,
    PromptIds,
    arrange,
    batch,
    grids_per_window,
)
from reelgraph.tools.traser.grid import Grid
from reelgraph.tools.traser.tokens import TraserTokens, load_tokens

TINY = Latents(trajectory=8, window=4)


@pytest.fixture(scope="module")
def tokens(golden: Path) -> TraserTokens:
    pytest.importorskip("transformers", reason="needs the extra traser")
    return load_tokens(golden / "tokenizer")


class CountingWords:
    """Labels with the lengths that the model's tokenizer gives them (specification, 5.3)."""

    def object_label(self, number: int) -> list[int]:
        return [7] * (4 + len(str(number)))

    def window_label(self, start_s: int, end_s: int) -> list[int]:
        return [8] * (5 + len(str(start_s)) + len(str(end_s)))


SCENE_GRAPH = PromptIds((1,) * 26, (2,) * 6)


def arranged(case: Any, tokens: TraserTokens, answer: str = "") -> Arrangement:
    return arrange(
        case.selected(),
        grid=case.grid,
        prompt=tokens.prompt(case.config.task, answer=answer),
        words=tokens,
        object_ids=case.arrays["kept_ids"].tolist(),
        latents=TINY,
        window_s=case.config.window_s,
    )


# ------------------------------------------------------------------- the official program


def test_golden_arrangement(case: Any, tokens: TraserTokens) -> None:
    found = arranged(case, tokens)
    np.testing.assert_array_equal(found.ids, case.arrays["arr_input_ids"])
    np.testing.assert_array_equal(found.position_ids, case.arrays["arr_position_ids"])
    outputs = case.facts["outputs"]
    assert len(found) == outputs["arranged_length"]
    assert found.object_ids == tuple(outputs["kept_ids"])
    windows: list[list[int]] = [[] for _ in found.object_ids]
    for slot in found.windows:
        assert slot.window is not None
        windows[slot.number - 1].append(slot.window)
    assert windows == outputs["windows_per_object"]
    single = batch([found])
    np.testing.assert_array_equal(single.attention_mask[0], case.arrays["arr_attention_mask"])
    np.testing.assert_array_equal(single.rope_deltas, case.arrays["rope_deltas"])
    assert grids_per_window(case.config.window_s) == outputs["grids_per_window"]


def test_golden_slots_hold_every_selected_token_twice(case: Any, tokens: TraserTokens) -> None:
    found = arranged(case, tokens)
    for number, wanted in enumerate(case.selected(), start=1):
        np.testing.assert_array_equal(found.trajectories[number - 1].tokens, wanted)
        parts = [slot.tokens for slot in found.windows if slot.number == number]
        np.testing.assert_array_equal(np.concatenate(parts), wanted)
    pads = np.flatnonzero(found.ids == SPECIAL_IDS.video_pad)
    slots = sorted((*found.trajectories, *found.windows), key=lambda slot: slot.start)
    places = np.concatenate([np.arange(s.start, s.start + s.length) for s in slots])
    np.testing.assert_array_equal(places, pads)


def test_golden_large_case(golden: Path, tokens: TraserTokens) -> None:
    facts = json.loads((golden / "dev" / "perf_large.json").read_text())
    with np.load(golden / "dev" / "perf_large.npz") as file:
        arrays = dict(file)
    selected = np.split(arrays["sel_flat"].astype(np.int64), arrays["sel_ptr"][1:-1])
    found = arrange(
        selected,
        grid=Grid(*facts["grid_thw"]),
        prompt=tokens.prompt("scene_graph"),
        words=tokens,
        latents=TINY,
    )
    np.testing.assert_array_equal(found.ids, arrays["arr_input_ids"])


def test_golden_batch_of_two_with_labels(
    golden: Path, tokens: TraserTokens, golden_case: Any
) -> None:
    facts = json.loads((golden / "dev" / "batch2_labels.json").read_text())
    with np.load(golden / "dev" / "batch2_labels.npz") as file:
        arrays = dict(file)
    found = [
        arranged(golden_case(name), tokens, answer)
        for name, answer in zip(facts["cases"], facts["answers"], strict=True)
    ]
    both = batch(found)
    np.testing.assert_array_equal(both.ids, arrays["new_input_ids"])
    np.testing.assert_array_equal(both.labels, arrays["new_labels"])
    np.testing.assert_array_equal(both.attention_mask, arrays["new_attention_mask"])
    np.testing.assert_array_equal(both.position_ids, arrays["new_position_ids"])
    np.testing.assert_array_equal(both.rope_deltas, arrays["rope_deltas"])
    assert both.rope_deltas.min() < 0


def test_golden_batch_before_the_arrangement(
    golden: Path, tokens: TraserTokens, golden_case: Any
) -> None:
    facts = json.loads((golden / "dev" / "batch2_labels.json").read_text())
    with np.load(golden / "dev" / "batch2_labels.npz") as file:
        arrays = dict(file)
    for row, name in enumerate(facts["cases"]):
        prompt = tokens.prompt(golden_case(name).config.task, answer=facts["answers"][row])
        ids = prompt.unarranged(golden_case(name).grid, tokens.special)
        mask = arrays["attention_mask"][row].astype(bool)
        np.testing.assert_array_equal(ids, arrays["input_ids"][row][mask])
        supervised = arrays["labels"][row] != IGNORED
        np.testing.assert_array_equal(prompt.answer, arrays["input_ids"][row][supervised])


# ------------------------------------------------------- the specification's identities


def tokens_of(windows: list[int], cells: int) -> np.ndarray:
    """One token in each of these windows."""
    return np.array([window * 2 * cells for window in windows], dtype=np.int64)


def length_of(presence: list[list[int]], grid: Grid, prompt: PromptIds = SCENE_GRAPH) -> int:
    selected = [tokens_of(windows, grid.cells) for windows in presence]
    return len(arrange(selected, grid=grid, prompt=prompt, words=CountingWords()))


def test_the_official_example_is_2641_long() -> None:
    # Nine objects in 55 windows in all, of which 15 = 2 n(w0, w1) + n(w2) in the sense of
    # label lengths: three objects are in windows 0 to 2, the rest of the 55 are later.
    presence = [[0, 1, 2]] * 3 + [[]] * 6
    later = [(number, window) for window in range(3, 10) for number in range(9)]
    for number, window in later[: 55 - 9]:
        presence[number] = [*presence[number], window]
    assert sum(map(len, presence)) == 55
    assert length_of(presence, Grid(19, 34, 46)) == 2641 == 32 + 9 * 41 + 2240


def test_forty_objects_are_6904_long() -> None:
    # 13 frames have four windows; 131 pairs, as many of them in the short-labelled windows
    # as 6904 = 32 + 9 * 41 + 31 * 42 + 131 * 32 + labels says.
    labels = 6904 - 32 - 9 * 41 - 31 * 42 - 131 * 32
    for early in range(81):
        late = 131 - early
        for third in range(min(late, 41)):
            if 7 * early + 8 * third + 9 * (late - third) == labels and late - third <= 40:
                presence = spread(early, third, late - third)
                assert length_of(presence, Grid(7, 38, 68)) == 6904
                return
    pytest.fail("no division over the four windows gives 6904")


def spread(early: int, third: int, fourth: int) -> list[list[int]]:
    """Presence of forty objects with so many in windows 0 and 1, in 2 and in 3."""
    return [
        [
            *([0] if number < min(early, 40) else []),
            *([1] if number < early - 40 else []),
            *([2] if number < third else []),
            *([3] if number < fourth else []),
        ]
        for number in range(40)
    ]


def test_blocks_of_the_traced_training_sample_are_923_long() -> None:
    presence = [[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3, 4], [0, 1, 2, 3], [3]]
    nothing = PromptIds((), ())
    assert length_of(presence, Grid(9, 32, 44), nothing) == 923
    assert length_of(presence, Grid(9, 32, 44), PromptIds((1,) * 490, (2,) * 6)) == 1419


def test_the_made_fixture_is_721_long() -> None:
    presence = [list(range(10)), [2, 3], [0, 5]]
    assert length_of(presence, Grid(19, 34, 46)) == 721 == 32 + 3 * 41 + 405 + 81 + 80


# ------------------------------------------------------------------------------- layout


selections = st.lists(
    st.sets(st.integers(0, 79), min_size=1).map(lambda s: np.array(sorted(s))), max_size=12
)


@given(selections, st.sampled_from((2, 4, 8)))
def test_lengths_follow_from_objects_and_windows(selected: list[np.ndarray], window: int) -> None:
    grid = Grid(5, 8, 8)
    found = arrange(selected, grid=grid, prompt=SCENE_GRAPH, words=CountingWords(), window_s=window)
    words = CountingWords()
    wanted = 32
    for number, tokens in enumerate(selected, start=1):
        wanted += 4 + len(words.object_label(number)) + LATENTS.trajectory
        for start in sorted(set((tokens // (16 * window // 2)).tolist())):
            label = words.window_label(start * window, (start + 1) * window)
            wanted += len(label) + LATENTS.window
    assert len(found) == wanted
    assert np.all(found.labels == IGNORED)


def test_a_block_reads_as_the_specification_says() -> None:
    grid = Grid(4, 4, 4)
    found = arrange(
        [np.array([1, 9])],
        grid=grid,
        prompt=PromptIds((100,), (200,), (300, 301)),
        words=CountingWords(),
        object_ids=(12,),
        latents=Latents(2, 1),
    )
    pad = SPECIAL_IDS.video_pad
    start, end = SPECIAL_IDS.vision_start, SPECIAL_IDS.vision_end
    block = [151665, *[7] * 5, start, pad, pad, *[8] * 7, pad, *[8] * 7, pad, end, 151666]
    assert found.ids.tolist() == [100, *block, 200, 300, 301]
    assert found.labels.tolist() == [IGNORED] * (len(block) + 2) + [300, 301]
    assert [(s.window, s.start, s.length, s.tokens.tolist()) for s in found.windows] == [
        (0, 17, 1, [1]),
        (1, 25, 1, [9]),
    ]
    assert found.object_ids == (12,)


def test_no_object_leaves_the_text() -> None:
    found = arrange([], grid=Grid(1, 4, 4), prompt=SCENE_GRAPH, words=CountingWords())
    assert len(found) == 32
    assert (found.trajectories, found.windows, found.object_ids) == ((), (), ())


@pytest.mark.parametrize(
    ("selected", "message"),
    [
        ([[]], "object 1 has no visual token"),
        ([[3], [4, 4]], "object 2: tokens must be ascending"),
        ([[3, 16]], "below 16"),
        ([[-1, 3]], "object 1"),
    ],
)
def test_impossible_tokens(selected: list[list[int]], message: str) -> None:
    items = [np.array(tokens, dtype=np.int64) for tokens in selected]
    with pytest.raises(ValueError, match=message):
        arrange(items, grid=Grid(4, 4, 4), prompt=SCENE_GRAPH, words=CountingWords())


def test_object_ids_must_match() -> None:
    with pytest.raises(ValueError, match="1 objects but 2"):
        arrange(
            [np.array([0])],
            grid=Grid(1, 4, 4),
            prompt=SCENE_GRAPH,
            words=CountingWords(),
            object_ids=(1, 2),
        )


@pytest.mark.parametrize("window", [0, 1, 3, -2])
def test_windows_are_whole_time_steps(window: int) -> None:
    with pytest.raises(ValueError, match="even number"):
        grids_per_window(window)


def test_a_batch_needs_a_prompt() -> None:
    with pytest.raises(ValueError, match="at least one"):
        batch([])
