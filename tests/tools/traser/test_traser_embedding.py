"""Visual tokens and prompts as vectors: equal to the official program's, however divided."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.errors import ModelOutputError
from reelgraph.tools.traser.arrangement import Latents, arrange
from reelgraph.tools.traser.grid import Grid
from reelgraph.tools.traser.resampling import chunks_by_length

torch = pytest.importorskip("torch", reason="needs the extra reelgraph[traser]")
pytest.importorskip("torchvision", reason="needs the extra reelgraph[traser]")
pytest.importorskip("transformers", reason="needs the extra reelgraph[traser]")

from made_checkpoint import HIDDEN, loaded, write_checkpoint  # noqa: E402

from reelgraph.tools.traser.embedding import (  # noqa: E402
    prompt_embeddings,
    steps_per_call,
    video_features,
)
from reelgraph.tools.traser.patches import patch_rows, resize_frame  # noqa: E402
from reelgraph.tools.traser.resampling import resample  # noqa: E402
from reelgraph.tools.traser.tokens import TraserTokens, load_tokens  # noqa: E402

GRID = Grid(3, 4, 6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def made(folder):
    return loaded(folder)


@pytest.fixture(scope="module")
def words(folder) -> TraserTokens:
    return load_tokens(folder)


def pixels(grid: Grid, seed: int = 0) -> np.ndarray:
    height, width = grid.resized_hw
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (2 * grid.steps, 3, height, width), dtype=np.uint8)


def features(model, grid: Grid, **options) -> torch.Tensor:
    with torch.inference_mode():
        return video_features(model, partial(patch_rows, pixels(grid)), grid, **options)


def prompt(words: TraserTokens, selected, grid: Grid = GRID):
    return arrange(
        [np.array(tokens) for tokens in selected],
        grid=grid,
        prompt=words.prompt("scene_graph"),
        words=words,
        latents=Latents(trajectory=5, window=3),
        special=words.special,
    )


# ------------------------------------------------------------------- the official program


def test_visual_tokens_equal_the_official_programs(case, golden):
    model = loaded(golden / "tiny_checkpoint")
    size = tuple(case.facts["outputs"]["resized"])
    resized = np.stack([resize_frame(frame, size) for frame in case.frames()])
    with torch.inference_mode():
        found = video_features(model, partial(patch_rows, resized), case.grid)
    np.testing.assert_allclose(found.numpy(), case.arrays["video_embeds"], atol=1e-4, rtol=0)


def test_prompt_vectors_equal_the_official_programs(case, golden):
    tables = json.loads((golden / "dev" / "tables.json").read_text(encoding="utf-8"))
    model, arrays = loaded(golden / "tiny_checkpoint"), case.arrays
    words = load_tokens(golden / "tokenizer")
    arrangement = arrange(
        case.selected(),
        grid=case.grid,
        prompt=words.prompt(case.facts["options"]["task"]),
        words=words,
        latents=Latents(trajectory=8, window=4),
        window_s=case.facts["options"]["temporal_window_length"],
    )
    assert arrangement.ids.tolist() == arrays["arr_input_ids"].tolist()
    assert tables["prompts"].keys() >= {case.facts["options"]["task"]}
    with torch.inference_mode():
        found = prompt_embeddings(model, torch.from_numpy(arrays["video_embeds"]), arrangement)
    np.testing.assert_allclose(found.numpy(), arrays["inputs_embeds"], atol=1e-4, rtol=0)


# ------------------------------------------------------------------------------- in parts


@pytest.mark.parametrize("most", [1, 24, 48, 71, 72, 10_000])
def test_the_vision_tower_sees_the_same_in_any_number_of_calls(made, most):
    done = []
    found = features(made, GRID, most_patches=most, advance=done.append)
    assert sum(done) == GRID.steps
    assert max(done) == min(steps_per_call(GRID, most), GRID.steps)
    torch.testing.assert_close(found, features(made, GRID), atol=1e-6, rtol=1e-6)
    assert found.shape == (GRID.tokens, HIDDEN)


@pytest.mark.parametrize("most", [1, 7, 20, 64, 10_000])
def test_resamplers_sum_up_the_same_in_any_chunks(made, most):
    context = torch.randn(60, HIDDEN, generator=torch.Generator().manual_seed(1))
    lengths = (1, 17, 2, 60, 17, 3, 1, 33)
    items = [np.random.default_rng(k).permutation(60)[:k] for k in lengths]
    with torch.inference_mode():
        found = resample(made.otr, context, items, most_tokens=most)
        alone = [made.otr(context[item][None], torch.ones(1, len(item))) for item in items]
    torch.testing.assert_close(found, torch.cat(alone), atol=1e-5, rtol=1e-5)


def test_nothing_to_sum_up_gives_nothing(made):
    assert resample(made.twr, torch.zeros(4, HIDDEN), []).shape == (0, 3, HIDDEN)


@given(
    lengths=st.lists(st.integers(1, 400), max_size=60),
    most=st.integers(1, 1000),
)
def test_chunks_hold_every_set_once_and_stay_small(lengths, most):
    chunks = list(chunks_by_length(lengths, most))
    assert sorted(row for chunk in chunks for row in chunk) == list(range(len(lengths)))
    for chunk in chunks:
        sizes = [lengths[row] for row in chunk]
        assert len(chunk) == 1 or len(chunk) * max(sizes) <= most
        assert max(sizes) <= 3 * min(sizes), "padding stays below two thirds"


# ------------------------------------------------------------------------------ in prompts


def test_slots_hold_latents_and_all_else_holds_words(made, words):
    arrangement = prompt(words, [[0, 1, 5, 13], [17]])
    seen = features(made, GRID)
    with torch.inference_mode():
        vectors = prompt_embeddings(made, seen, arrangement)
        plain = made.embedding(torch.from_numpy(arrangement.ids))
        first = made.otr(seen[[0, 1, 5, 13]][None], torch.ones(1, 4))[0]
        late = made.twr(seen[[13]][None], torch.ones(1, 1))[0]
    slots = [*arrangement.trajectories, *arrangement.windows]
    filled = np.zeros(len(arrangement), bool)
    for slot in slots:
        filled[slot.start : slot.start + slot.length] = True
    assert torch.equal(vectors[~filled], plain[~filled])
    start = arrangement.trajectories[0].start
    torch.testing.assert_close(vectors[start : start + 5], first, atol=1e-5, rtol=1e-5)
    window = next(slot for slot in arrangement.windows if (slot.number, slot.window) == (1, 1))
    place = slice(window.start, window.start + 3)
    torch.testing.assert_close(vectors[place], late, atol=1e-5, rtol=1e-5)


def test_gradients_reach_every_part_that_is_trained(made, words):
    trained = [made.embedding.weight, made.otr.latents, made.twr.latents]
    for parameter in trained:
        parameter.requires_grad_(True)
    seen = features(made, GRID).clone().requires_grad_(True)
    try:
        prompt_embeddings(made, seen, prompt(words, [[0, 13]])).square().sum().backward()
        assert all(bool(p.grad.abs().sum() > 0) for p in (*trained, seen))
    finally:
        for parameter in trained:
            parameter.requires_grad_(False)
            parameter.grad = None


@pytest.mark.parametrize(
    ("spoil", "told"), [(float("nan"), "the vision tower"), (float("inf"), "the vision tower")]
)
def test_numbers_that_are_not_finite_are_an_error_that_says_what_to_do(made, words, spoil, told):
    seen = features(made, GRID).clone()
    seen[5, 0] = spoil
    with pytest.raises(ModelOutputError, match=f"{told}.*bfloat16.*float32"):
        prompt_embeddings(made, seen, prompt(words, [[5]]))


def test_a_resampler_that_overflows_is_named(made, words):
    before = made.twr.latents.data.clone()
    made.twr.latents.data[0, 0] = float("inf")
    try:
        with pytest.raises(ModelOutputError, match="the resamplers computed"):
            prompt_embeddings(made, features(made, GRID), prompt(words, [[5]]))
    finally:
        made.twr.latents.data.copy_(before)


def test_visual_tokens_of_another_clip_are_refused(made, words):
    with pytest.raises(ValueError, match=r"features must be \(18, hidden\).*got \(7, 16\)"):
        prompt_embeddings(made, torch.zeros(7, HIDDEN), prompt(words, [[5]]))
