"""Decoding: the official greedy ids, batches equal to single prompts, endings and loops."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.errors import SettingsError
from reelgraph.tools.traser.loops import is_periodic, repeats_relations

torch = pytest.importorskip("torch", reason="needs the extra reelgraph[traser]")
pytest.importorskip("transformers", reason="needs the extra reelgraph[traser]")

from made_checkpoint import loaded, random_prompt, write_checkpoint  # noqa: E402

from reelgraph.tools.traser.choosing import Chooser, Sampling  # noqa: E402
from reelgraph.tools.traser.decoding import Decoder, DecodingRules  # noqa: E402
from reelgraph.tools.traser.language import LanguageModel  # noqa: E402
from reelgraph.tools.traser.loading import load_model  # noqa: E402
from reelgraph.tools.traser.model import pick_precision  # noqa: E402
from reelgraph.tools.traser.stepping import pick_mode  # noqa: E402
from reelgraph.tools.traser.weights import find_weights  # noqa: E402


@pytest.fixture(scope="module")
def language(tmp_path_factory):
    return LanguageModel(loaded(write_checkpoint(tmp_path_factory.mktemp("made"))))


def decoder(language, **rules):
    chosen = {"max_new_tokens": 40, "stop_ids": (), "stop_loops": False} | rules
    return Decoder(language, DecodingRules(**chosen))


# ------------------------------------------------------------------- the official program


@pytest.mark.parametrize(("penalty", "key"), [(1.05, "gen_ids"), (1.0, "gen_ids_nopenalty")])
def test_greedy_ids_equal_the_official_programs(case, golden, penalty, key):
    language = LanguageModel(loaded(golden / "tiny_checkpoint"))
    rules = DecodingRules(max_new_tokens=24, min_new_tokens=24, repetition_penalty=penalty)
    prompt = torch.from_numpy(case.arrays["inputs_embeds"])
    (written,) = Decoder(language, rules).write([prompt])
    assert list(written.ids) == case.arrays[key].tolist()
    assert written.ending == "length"


def test_the_official_ids_come_out_of_one_batch_of_all_cases(golden):
    import numpy as np

    language = LanguageModel(loaded(golden / "tiny_checkpoint"))
    prompts, wanted = [], []
    for path in sorted((golden / "dev").glob("d*.npz")):
        with np.load(path) as file:
            prompts.append(torch.from_numpy(file["inputs_embeds"]))
            wanted.append(file["gen_ids"].tolist())
    rules = DecodingRules(max_new_tokens=24, min_new_tokens=24)
    assert [list(w.ids) for w in Decoder(language, rules).write(prompts)] == wanted


# -------------------------------------------------------------------------------- batches


def test_a_text_does_not_depend_on_its_neighbours(language):
    prompts = [random_prompt(length, seed=length) for length in (4, 290, 31)]
    alone = [decoder(language).write([prompt])[0] for prompt in prompts]
    assert len({text.ids for text in alone}) == 3
    for order in itertools.permutations(range(3)):
        together = decoder(language).write([prompts[k] for k in order])
        assert together == [alone[k] for k in order]


def test_no_prompt_gives_no_text(language):
    assert decoder(language).write([]) == []


# -------------------------------------------------------------------------------- endings


def test_a_text_ends_before_the_token_that_ends_it(language):
    prompts = [random_prompt(9), random_prompt(12, seed=1)]
    free = [text.ids for text in decoder(language).write(prompts)]
    stop = free[0][21]
    cut = free[0].index(stop)
    first, second = decoder(language, stop_ids=(stop,)).write(prompts)
    assert first == (free[0][:cut], "stop")
    its_cut = free[1].index(stop) if stop in free[1] else len(free[1])
    assert its_cut != cut
    assert second.ids == free[1][:its_cut], "the other goes on"
    kept = decoder(language, stop_ids=(stop,), min_new_tokens=cut + 5).write(prompts)[0]
    assert len(kept.ids) >= cut + 5
    assert stop not in kept.ids[: cut + 5]


@pytest.mark.parametrize("length", [1, 15, 16, 17])
def test_a_full_text_has_exactly_its_length(language, length):
    (text,) = decoder(language, max_new_tokens=length).write([random_prompt(5)])
    assert (len(text.ids), text.ending) == (length, "length")


def test_progress_is_told_in_tokens_and_seconds(language):
    told = []
    watch = lambda tokens, seconds: told.append((tokens, seconds))  # noqa: E731
    decoder(language).write([random_prompt(5), random_prompt(6)], watch)
    assert [tokens for tokens, _ in told] == [32, 64, 80]
    assert all(before[1] <= after[1] for before, after in itertools.pairwise(told))


def test_a_text_that_loops_is_ended_early(language):
    """Where repetition is favoured, this model soon repeats itself for good."""
    rules = {"max_new_tokens": 500, "repetition_penalty": 0.3}
    (endless,) = decoder(language, **rules).write([random_prompt(5)])
    assert is_periodic(endless.ids), "or this test shows nothing"
    (short,) = decoder(language, **rules, stop_loops=True).write([random_prompt(5)])
    assert short.ending == "loop"
    assert len(short.ids) < 400
    assert endless.ids[: len(short.ids)] == short.ids


def test_loops_are_seen_in_the_text_as_well(language):
    rules = DecodingRules(max_new_tokens=300, stop_ids=())
    text = '[2, "on", 1, [[0, 4]]], ' * 40
    (seen,) = Decoder(language, rules, text_of=lambda ids: text).write([random_prompt(5)])
    assert (seen.ending, len(seen.ids)) == ("loop", 128)


# ------------------------------------------------------------------------------- choosing


def test_only_what_was_written_is_punished_on_either_side_of_zero():
    seen = torch.tensor([[True, True, False, False]])
    chooser = Chooser(2.0, None, seen)
    # 4 / 2 and -1 * 2 against 3 and -1.5
    assert chooser.choose(torch.tensor([[4.0, -1.0, 3.0, -1.5]])).tolist() == [2]
    assert chooser.choose(torch.tensor([[-9.0, -1.0, -9.0, -1.5]])).tolist() == [3]
    assert chooser.seen.tolist() == [[True, True, True, True]]


def test_drawing_almost_cold_takes_the_best_and_warm_draws_repeat_by_seed():
    logits = torch.randn(1, 50, generator=torch.Generator().manual_seed(3))

    def draws(temperature, top_p, seed):
        seen = torch.zeros(1, 50, dtype=torch.bool)
        chooser = Chooser(1.0, Sampling(temperature, top_p, seed), seen)
        return [int(chooser.choose(logits)) for _ in range(60)]

    assert set(draws(1e-6, 0.9, 42)) == {int(logits.argmax())}
    warm = draws(1.0, 0.5, 42)
    assert warm == draws(1.0, 0.5, 42) != draws(1.0, 0.5, 43)
    ordered = logits[0].softmax(-1).sort(descending=True)
    nucleus = set(ordered.indices[: int((ordered.values.cumsum(-1) < 0.5).sum()) + 1].tolist())
    assert set(warm) <= nucleus
    assert len(set(warm)) > 1


# ---------------------------------------------------------------------------------- modes


@pytest.mark.slow
def test_a_compiled_step_writes_the_same(language):
    prompts = [random_prompt(length, seed=length) for length in (4, 31)]
    chosen = decoder(language, max_new_tokens=20)
    plain = chosen.write(prompts)
    chosen.mode = "compiled"
    assert chosen.write(prompts) == plain


def test_where_the_compiler_fails_decoding_goes_on_without(language, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("no compiler")

    monkeypatch.setattr("reelgraph.tools.traser.stepping._compiled", lambda _: broken)
    plain = decoder(language).write([random_prompt(5)])
    automatic = decoder(language)
    assert automatic.mode == "auto"
    monkeypatch.setattr("reelgraph.tools.traser.decoding.pick_mode", lambda *_: "compiled")
    assert automatic.write([random_prompt(5)]) == plain
    automatic.mode = "compiled"
    with pytest.raises(RuntimeError, match="no compiler"):
        automatic.write([random_prompt(5)])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("mode", ["graph", "compiled"])
def test_on_cuda_graphs_write_what_plain_steps_write(tmp_path, mode):
    """In float32, over the place where a new graph is captured."""
    device = torch.device("cuda")
    weights = find_weights(str(write_checkpoint(tmp_path)))
    model = load_model(weights, pick_precision("float32", device), device)
    prompts = [random_prompt(length, seed=length).to(device) for length in (2035, 7)]
    rules = DecodingRules(max_new_tokens=40, stop_ids=(), stop_loops=False)
    plain = Decoder(LanguageModel(model), rules, mode="eager").write(prompts)
    assert Decoder(LanguageModel(model), rules, mode=mode).write(prompts) == plain


def test_cuda_graphs_need_cuda():
    cpu = torch.device("cpu")
    assert pick_mode("auto", cpu) == "eager"
    with pytest.raises(SettingsError, match="replays CUDA graphs"):
        pick_mode("graph", cpu)


# ---------------------------------------------------------------------------------- loops


@given(
    start=st.lists(st.integers(0, 9), max_size=50),
    stretch=st.lists(st.integers(0, 9), min_size=1, max_size=40),
)
def test_a_stretch_that_comes_again_and_again_is_seen(start, stretch):
    assert is_periodic(start + stretch * max(4, -(-128 // len(stretch))))


@given(st.permutations(range(200)))
def test_what_never_comes_again_is_no_loop(ids):
    assert not is_periodic(list(ids))


@pytest.mark.parametrize(
    ("text", "loops"),
    [
        ("", False),
        ('[1, "on", 2, [[0, 3]]], ' * 24, False),
        ('[1, "on", 2, [[0, 3]]], ' * 25, True),
        ("".join(f'[1, "on", 2, [[{k}, {k + 1}]]], ' for k in range(99)), False),
        ("".join(f'[{k % 7}, "on", 9, [[0, 3]]], ' for k in range(40)), True),
        ('[1, "on", 2, [[0, 3]]], ' * 40 + '[1, "new", 2, [[0, 3]]], ', False),
    ],
)
def test_relations_that_only_repeat_are_seen(text, loops):
    assert repeats_relations(text) is loops


def test_sound_answers_of_the_released_model_do_not_loop(data_dir):
    for path in sorted((data_dir / "pvsg_traser" / "preds").glob("*.json")):
        text = path.read_text(encoding="utf-8")
        assert json.loads(text)["relationships"], "or this test shows nothing"
        ends = [end for end, letter in enumerate(text, start=1) if letter == "]"]
        assert not any(repeats_relations(text[:end]) for end in ends[::20])
