"""The language model on a fixed cache: equal to the stock forward pass and the official one."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra reelgraph[traser]")
pytest.importorskip("transformers", reason="needs the extra reelgraph[traser]")

from made_checkpoint import (  # noqa: E402
    HIDDEN,
    loaded,
    made_config,
    random_prompt,
    write_checkpoint,
)

from reelgraph.tools.traser.language import SPLIT, LanguageModel, layer_step  # noqa: E402
from reelgraph.tools.traser.loading import empty_model  # noqa: E402


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return loaded(write_checkpoint(tmp_path_factory.mktemp("made")))


def stock_logits(model, vectors):
    """Logits of every place from the stock class, without a cache."""
    with torch.inference_mode():
        hidden = model.language(inputs_embeds=vectors[None], use_cache=False).last_hidden_state
        return model.head(hidden)[0]


def step(language, cache, tokens, positions):
    extent = -(-(max(positions) + 1) // SPLIT) * SPLIT
    places = torch.tensor(positions)
    with torch.inference_mode():
        return language.step(torch.tensor(tokens), places, cache, extent, layer_step)


def test_a_prompt_and_its_steps_equal_the_stock_model(made):
    language = LanguageModel(made)
    prompt, tokens = random_prompt(30), [5, 100, 7, 7, 250]
    whole = torch.cat([prompt, made.embedding(torch.tensor(tokens))])
    wanted = stock_logits(made, whole)
    with torch.inference_mode():
        cache = language.new_cache(1, 64)
        found = [language.read(prompt, cache, 0)]
    found += [step(language, cache, [t], [30 + k])[0] for k, t in enumerate(tokens)]
    torch.testing.assert_close(torch.stack(found), wanted[29:], atol=1e-5, rtol=1e-5)


def test_rows_of_different_lengths_do_not_touch_each_other(made):
    language = LanguageModel(made)
    lengths = (300, 3, 255)
    prompts = [random_prompt(length, seed=length) for length in lengths]
    with torch.inference_mode():
        shared = language.new_cache(3, 400)
        for row, prompt in enumerate(prompts):
            language.read(prompt, shared, row)
    together = step(language, shared, [1, 2, 3], list(lengths))
    for row, prompt in enumerate(prompts):
        with torch.inference_mode():
            own = language.new_cache(1, 400)
            language.read(prompt, own, 0)
        alone = step(language, own, [row + 1], [lengths[row]])[0]
        torch.testing.assert_close(together[row], alone, atol=1e-5, rtol=1e-5)


def test_a_repeated_step_and_a_longer_view_of_the_cache_change_nothing(made):
    language = LanguageModel(made)
    with torch.inference_mode():
        cache = language.new_cache(1, 4 * SPLIT)
        language.read(random_prompt(20), cache, 0)
        once, again, further = (
            language.step(torch.tensor([9]), torch.tensor([20]), cache, extent, layer_step)
            for extent in (SPLIT, SPLIT, 4 * SPLIT)
        )
    assert torch.equal(once, again)
    torch.testing.assert_close(further, once, atol=1e-6, rtol=1e-6)


def test_the_cache_holds_what_it_says(made):
    language = LanguageModel(made)
    cache = language.new_cache(2, SPLIT + 1)
    assert cache.capacity == 2 * SPLIT
    # layers x (keys, values) x rows x heads x capacity x head size x bytes
    assert cache.bytes == 2 * 2 * 2 * 2 * (2 * SPLIT) * (HIDDEN // 4) * 4


def test_a_model_of_the_published_size_has_the_published_numbers():
    """Specification 1.4, 1.6 and 9; built without memory for the weights."""
    text = made_config()["text_config"] | {
        "hidden_size": 2048,
        "intermediate_size": 11008,
        "num_hidden_layers": 36,
        "num_attention_heads": 16,
        "num_key_value_heads": 2,
        "vocab_size": 151_667,
    }
    vision = made_config()["vision_config"] | {
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "out_hidden_size": 2048,
    }
    latents = {"temporal_resampler_n_latents": 32, "object_resampler_n_latents": 32}
    config = made_config() | text | latents | {"text_config": text, "vision_config": vision}
    model = empty_model(config)
    for resampler in (model.otr, model.twr):
        named = dict(resampler.named_parameters())
        assert len(named) == 32
        assert sum(p.numel() for p in named.values()) == 174_673_920
        assert named["latents"].shape == (32, 2048)
        assert named["layers.2.self_attn.k_proj.weight"].shape == (384, 2048)
    held = [p for part in model.parts() for p in part.parameters()]
    head = model.head.weight.numel()
    assert 2 * (sum(p.numel() for p in held) - head) == pytest.approx(8.2e9, rel=0.005)
    shape = model.vlm.config.text_config
    size = shape.hidden_size // shape.num_attention_heads
    kinds, width = 2, 2
    assert shape.num_hidden_layers * shape.num_key_value_heads * size * kinds * width == 36_864


def test_a_step_reads_every_weight_of_the_layers_and_the_head(made):
    counted = {id(p): p for p in made.language.parameters()}
    wanted = sum(p.numel() * p.element_size() for p in counted.values())
    assert LanguageModel(made).step_bytes == wanted


def test_logits_of_the_official_program_step_by_step(case, golden):
    """Raw logits within 5e-3 along the official greedy path, and along the unpunished one."""
    language = LanguageModel(loaded(golden / "tiny_checkpoint"))
    arrays = case.arrays
    prompt = torch.from_numpy(arrays["inputs_embeds"])
    for ids, top in (("gen_ids", "gen_top"), ("gen_ids_nopenalty", "gen_nopenalty_top")):
        with torch.inference_mode():
            cache = language.new_cache(1, len(prompt) + 24)
            rows = [language.read(prompt, cache, 0)]
        for number, token in enumerate(arrays[ids][:-1].tolist()):
            rows.append(step(language, cache, [token], [len(prompt) + number])[0])
        for row, names, values in zip(
            rows, arrays[f"{top}_ids"], arrays[f"{top}_logits"], strict=True
        ):
            np.testing.assert_allclose(row[names.astype(int)].numpy(), values, atol=5e-3)
            assert row.argmax() == names[0]
