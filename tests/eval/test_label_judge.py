"""Judges of labels: classes by lexicon, and a chat model asked in batches, once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from langchain_core.messages import BaseMessage

from reelgraph.agent.testing import ScriptedChatModel
from reelgraph.errors import EvalError
from reelgraph.eval.metrics.label_judge import (
    LabelKind,
    LabelPair,
    LexicalJudge,
    ModelJudge,
    Verdict,
)


@pytest.mark.parametrize(
    ("kind", "a", "b", "verdict"),
    [
        ("object", "Traffic_Light", "traffic light (uncertain)", "identical"),
        ("object", "sofa", "couch", "synonym"),
        ("object", "dogs", "dog", "synonym"),
        ("object", "adult", "person", "hypernym"),
        ("object", "cup", "tea cup", "hypernym"),
        ("object", "kitchen towel", "kitchen knife", "overlap"),
        ("object", "child", "grass", "mismatch"),
        ("predicate", "holding", "holds", "synonym"),
        ("predicate", "holding", "grabs", "hypernym"),
        ("predicate", "in front of", "behind", "mismatch"),
        ("predicate", "on", "sitting on", "hypernym"),
        ("attribute", "blue", "dark blue", "hypernym"),
        ("attribute", "round", "red", "mismatch"),
    ],
)
def test_the_lexicon_classes(kind: LabelKind, a: str, b: str, verdict: Verdict) -> None:
    for pair in (LabelPair(kind, a, b), LabelPair(kind, b, a)):
        assert LexicalJudge().judge([pair]) == {pair: verdict}


# --- a chat model --------------------------------------------------------------------------------

PAIRS = [LabelPair("object", "adult", name) for name in ("person", "man", "human", "dog", "wall")]
CLASSES = {"person": "hypernym", "man": "hypernym", "human": "synonym"}


def _asked(messages: list[BaseMessage]) -> list[list[str]]:
    return [json.loads(line) for line in str(messages[-1].content).splitlines() if line[:1] == "["]


def _answering(skip: Callable[[int, str], bool]) -> ScriptedChatModel:
    """A model that leaves out the pairs of a call that ``skip`` names by size and label."""

    def reply(messages: list[BaseMessage]) -> str:
        rows = _asked(messages)
        verdicts = {
            str(number): CLASSES.get(guess, "mismatch")
            for number, _, guess in rows
            if not skip(len(rows), guess)
        }
        return f"Here you are:\n```json\n{json.dumps(verdicts)}\n```"

    return ScriptedChatModel(reply)


def test_pairs_are_asked_in_batches_and_never_twice(tmp_path: Path) -> None:
    model = _answering(lambda *_: False)
    judge = ModelJudge(model, tmp_path / "verdicts.jsonl", batch=3, concurrency=1)
    found = judge.judge([*PAIRS, PAIRS[0], LabelPair("object", "Dog", "dog")])
    assert found == {
        **{pair: CLASSES.get(pair.predicted, "mismatch") for pair in PAIRS},
        LabelPair("object", "Dog", "dog"): "identical",
    }
    assert judge.calls == 2
    again = ModelJudge(_answering(lambda *_: True), tmp_path / "verdicts.jsonl")
    assert again.judge(PAIRS) == {pair: found[pair] for pair in PAIRS}
    assert again.calls == 0


def test_kinds_are_asked_apart(tmp_path: Path) -> None:
    model = _answering(lambda *_: False)
    judge = ModelJudge(model, tmp_path / "verdicts.jsonl")
    judge.judge([LabelPair("predicate", "holds", "grabs"), PAIRS[0]])
    first, second = (str(messages[-1].content) for messages in model.requests)
    assert ("same object" in first, "same predicate" in second) == (True, True)


def test_what_a_reply_leaves_out_is_asked_again_in_halves(tmp_path: Path) -> None:
    model = _answering(lambda size, guess: size > 2 or (guess == "dog" and size > 1))
    judge = ModelJudge(model, tmp_path / "verdicts.jsonl", batch=5, concurrency=1)
    assert len(judge.judge(PAIRS)) == 5
    sizes = [len(_asked(messages)) for messages in model.requests]
    assert sizes == [5, 2, 2, 1, 1]


@pytest.mark.parametrize("reply", ["no idea", '{"1": "maybe"}', "{broken}", '{"9": "synonym"}'])
def test_a_pair_without_a_class_stays_unjudged(tmp_path: Path, reply: str) -> None:
    judge = ModelJudge(ScriptedChatModel(lambda _: reply), tmp_path / "verdicts.jsonl")
    assert judge.judge(PAIRS[:2]) == {}
    assert judge.calls == 3


def test_verdicts_are_kept_when_a_later_call_fails(tmp_path: Path) -> None:
    answering = _answering(lambda *_: False)

    def reply(messages: list[BaseMessage]) -> str | Exception:
        if any("wall" in row for row in _asked(messages)):
            return RuntimeError("broken")
        return str(answering.invoke(messages).content)

    path = tmp_path / "verdicts.jsonl"
    with pytest.raises(RuntimeError, match="broken"):
        ModelJudge(ScriptedChatModel(reply), path, batch=1, concurrency=2).judge(PAIRS)
    again = ModelJudge(_answering(lambda *_: False), path, batch=1)
    assert len(again.judge(PAIRS)) == 5
    assert again.calls == 1


def test_another_model_does_not_inherit_verdicts(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.jsonl"
    ModelJudge(_answering(lambda *_: False), path).judge(PAIRS)
    path.write_text(path.read_text().replace("reelgraph-scripted", "other"))
    judge = ModelJudge(_answering(lambda *_: False), path)
    judge.judge(PAIRS)
    assert judge.calls == 1


def test_a_damaged_file_of_verdicts_is_named(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.jsonl"
    path.write_text('{"judge": 1}\n')
    with pytest.raises(EvalError, match=r"line 1 of .*verdicts.jsonl' is no verdict"):
        ModelJudge(_answering(lambda *_: False), path).judge(PAIRS)


def test_the_embedded_model_is_no_judge(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match="use LexicalJudge"):
        ModelJudge("embedded", tmp_path / "verdicts.jsonl").judge(PAIRS)


def test_numbers_below_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match="at least 1: 0, 4"):
        ModelJudge("openai:gpt-5", tmp_path / "verdicts.jsonl", batch=0)
