"""The code of the agent's guide runs as it stands, with a double for every provider."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import ToolMessage

from reelgraph.agent.models import resolve_model
from reelgraph.agent.testing import ScriptedChatModel, call, draft


def blocks(repository: Path) -> list[str]:
    text = (repository / "docs" / "agent.md").read_text()
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def reply(messages: list[Any]) -> Any:
    """Answer as a model would that looks up who hands something."""
    question = str(messages[-1].text)
    if "<scene_graph>" in question:
        cited = re.search(r"hands.* (r\d+)$", question, re.MULTILINE)
        assert cited is not None
        return json.dumps({"text": f"It is shown [{cited[1]}].", "relations": [cited[1]]})
    results = [m for m in messages if isinstance(m, ToolMessage)]
    if not results:
        return call("find_relations", predicate="hands")
    found = results[-1].artifact["relations"][0]["id"]
    system = messages[0].type == "system"
    return draft(f"It is shown [{found}].", [found]) if system else f"See {found}."


def provider(*args: Any, **kwargs: Any) -> ScriptedChatModel:
    return ScriptedChatModel(reply)


def chosen(model: Any) -> Any:
    return provider() if isinstance(model, str) and model != "embedded" else resolve_model(model)


def test_every_block_runs(
    repository: Path,
    tmp_path: Path,
    demo_clip: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copy(demo_clip, tmp_path / "clip.mp4")
    shutil.copy(demo_clip, tmp_path / "kitchen.mp4")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("langchain_openai.ChatOpenAI", provider)
    monkeypatch.setattr("reelgraph.agent.agent.resolve_model", chosen)
    namespace: dict[str, Any] = {}
    for block in blocks(repository):
        exec(compile(block, "docs/agent.md", "exec"), namespace)
    printed = capsys.readouterr().out
    assert "hands" in printed
    assert "context" in printed
    assert "AnswerReady" in printed
    assert len(namespace["chat"].turns) == 2
    assert not namespace["chat"].turns[0].answer.abstained
    assert namespace["state"]["messages"][-1].text.startswith("See r")
    assert printed.rstrip().endswith("True ['describe_video']")


def test_the_guide_names_every_option_and_event(repository: Path) -> None:
    from reelgraph import agent

    text = (repository / "docs" / "agent.md").read_text()
    for name in ("build", "callbacks", "context_tokens", "frames", "max_model_calls", "max_seconds",
                 "max_tokens", "max_usd", "mode", "prices", "allow_unsupported"):  # fmt: skip
        assert name in text, name
    for name in agent.__all__:
        if name.endswith(("Ready", "Made", "Started", "Called", "Received")):
            assert f"`{name}`" in text, name
