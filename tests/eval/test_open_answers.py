"""Open answers are right only if equal, and near ones are told apart by WUPS."""

from __future__ import annotations

from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, BaseMessage
from made_benchmarks import MAKERS

from reelgraph.agent.testing import ScriptedChatModel
from reelgraph.errors import EvalError
from reelgraph.eval import run
from reelgraph.eval.open_answers import with_wups


def half_alike(first: str, second: str) -> float:
    return 0.5


def answered(reply: str, tmp_path: Path) -> dict[str, object]:
    """What becomes of a reply where "throw it" and "toss" are right."""

    def script(messages: list[BaseMessage]) -> AIMessage:
        assert "as few words as possible" in messages[0].text
        return AIMessage(reply)

    data = MAKERS["nextoe"](tmp_path / "data")
    path = data / "nextoe" / "val.csv"
    path.write_text(path.read_text().replace("DB", "CW"))
    log = run("nextoe", data, arms=["none"], out=tmp_path / "run", model=ScriptedChatModel(script))
    assert log is not None
    (record,) = with_wups(log, half_alike).records
    return {"right": record.correct, "parsed": record.parsed, **record.scores}


@pytest.mark.parametrize(
    ("reply", "right", "near", "nearer"),
    [
        ("Throw it.", True, 1.0, 1.0),
        ("toss", True, 1.0, 1.0),
        ("kick", False, 0.5, 0.05),
        ("", False, 0.0, 0.0),
    ],
)
def test_an_answer_is_scored_by_how_near_it_comes(
    reply: str, right: bool, near: float, nearer: float, tmp_path: Path
) -> None:
    found = answered(reply, tmp_path)
    assert found["right"] is right
    assert found["parsed"] is bool(reply)
    assert found["WUPS@0, plain words"] == pytest.approx(near)
    assert found["WUPS@0.9, plain words"] == pytest.approx(nearer)


def test_other_benchmarks_have_no_wups(data: Path, tmp_path: Path) -> None:
    log = run("jsonl", data, arms=["none"], out=tmp_path / "run")
    assert log is not None
    with pytest.raises(EvalError, match="nextoe"):
        with_wups(log, half_alike)
