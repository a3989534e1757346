"""Prompts and labels as token ids, against the official program's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_checkpoint import write_tokenizer

from reelgraph.errors import SettingsError
from reelgraph.tools.traser.arrangement import SpecialIds
from reelgraph.tools.traser.grid import Grid
from reelgraph.tools.traser.tokens import TraserTokens, load_tokens, task_text

TASKS = ("scene_graph", "relationships", "attributes", "objects")


@pytest.fixture(scope="module")
def tokens(golden: Path) -> TraserTokens:
    pytest.importorskip("transformers", reason="needs the extra traser")
    return load_tokens(golden / "tokenizer")


@pytest.fixture(scope="module")
def tables(golden: Path) -> dict[str, Any]:
    return json.loads((golden / "dev" / "tables.json").read_text())


@pytest.mark.parametrize("task", TASKS)
def test_golden_prompts(task: Any, tokens: TraserTokens, tables: dict[str, Any]) -> None:
    wanted = tables["prompts"][task]
    prompt = tokens.prompt(task)
    assert task_text(task) + "<video>\n" == wanted["text"]
    assert list(prompt.before) == wanted["prefix_ids"]
    assert list(prompt.after) == wanted["suffix_ids"]
    assert prompt.answer == ()


def test_golden_labels(tokens: TraserTokens, tables: dict[str, Any]) -> None:
    for number, ids in tables["object_label_ids"].items():
        assert list(tokens.object_label(int(number))) == ids
    for span, ids in tables["window_label_ids"].items():
        assert list(tokens.window_label(*map(int, span.split("-")))) == ids


def test_golden_prompt_ids(case: Any, tokens: TraserTokens) -> None:
    ids = tokens.prompt(case.config.task).unarranged(case.grid, tokens.special)
    np.testing.assert_array_equal(ids, case.arrays["prompt_ids"])
    assert len(ids) == case.facts["outputs"]["prompt_length"]


@pytest.mark.parametrize(("task", "extra"), list(zip(TASKS, (32, 33, 33, 30), strict=True)))
def test_lengths_of_the_text_around_objects(task: Any, extra: int, tokens: TraserTokens) -> None:
    prompt = tokens.prompt(task)
    assert len(prompt.before) + len(prompt.after) == extra


@pytest.mark.parametrize(
    ("span", "length"),
    [
        ((0, 4), 7),
        ((4, 8), 7),
        ((8, 12), 8),
        ((12, 16), 9),
        ((92, 96), 9),
        ((96, 100), 10),
        ((100, 104), 11),
    ],
)
def test_lengths_of_window_labels(span: tuple[int, int], length: int, tokens: TraserTokens) -> None:
    assert len(tokens.window_label(*span)) == length


def test_special_ids_are_those_of_the_published_model(tokens: TraserTokens) -> None:
    assert tokens.special == SpecialIds()
    assert len(tokens.tokenizer) == 151_667


def test_an_answer_closes_its_turn(tokens: TraserTokens) -> None:
    answer = tokens.prompt("objects", answer='{"objects": []}').answer
    assert answer[-2:] == (151_645, 198)
    assert tokens.tokenizer.decode(list(answer[:-2])) == '{"objects": []}'


def test_hub_wording(tokens: TraserTokens) -> None:
    assert task_text("scene_graph", "hub").startswith("Output the video Scene Graph from")
    github, hub = (tokens.prompt("scene_graph", path=path) for path in ("github", "hub"))
    differences = [(a, b) for a, b in zip(github.before, hub.before, strict=True) if a != b]
    assert differences == [(8354, 2766)]
    assert hub.after == github.after[1:]
    assert github.after[0] == 198


def test_only_the_slow_files_are_needed(golden: Path, tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="needs the extra traser")
    with pytest.raises(SettingsError, match=r"vocab\.json"):
        load_tokens(tmp_path)
    for name in ("vocab.json", "merges.txt", "added_tokens.json", "tokenizer_config.json"):
        shutil.copy(golden / "tokenizer" / name, tmp_path / name)
    assert load_tokens(tmp_path).object_label(12) == (1190, 220, 16, 17, 25, 220)


def test_a_tokenizer_without_trajectory_tokens_is_refused(golden: Path, tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="needs the extra traser")
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(golden / "tokenizer" / name, tmp_path / name)
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "Qwen2Tokenizer"}')
    with pytest.raises(SettingsError, match="obj_traj_start"):
        load_tokens(tmp_path)


@pytest.fixture
def made_tokens(tmp_path: Path) -> TraserTokens:
    pytest.importorskip("transformers", reason="needs the extra traser")
    write_tokenizer(tmp_path)
    return load_tokens(tmp_path)


@pytest.mark.parametrize("task", TASKS)
def test_a_prompt_is_a_chat(task: Any, made_tokens: TraserTokens) -> None:
    prompt = made_tokens.prompt(task, answer="{}")
    text = made_tokens.tokenizer.decode([*prompt.before, *prompt.after, *prompt.answer])
    assert text == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        f"<|im_start|>user\n{task_text(task)}\n<|im_end|>\n"
        "<|im_start|>assistant\n{}<|im_end|>\n"
    )


def test_one_pad_stands_for_each_visual_token(made_tokens: TraserTokens) -> None:
    special = made_tokens.special
    ids = made_tokens.prompt("objects").unarranged(Grid(2, 4, 6), special)
    assert ids.tolist().count(special.video_pad) == 12
    first = ids.tolist().index(special.video_pad)
    assert ids[first - 1] == special.vision_start
    assert ids[first + 12] == special.vision_end


def test_labels_are_encoded_on_their_own(made_tokens: TraserTokens) -> None:
    assert bytes(made_tokens.object_label(12)) == b"Object 12: "
    assert bytes(made_tokens.window_label(96, 100)) == b"<96 - 100 sec>"
