"""The LangGraph example with a scripted model and a made graph."""

from __future__ import annotations

from pathlib import Path

from langgraph_agent import build

from reelgraph.agent.testing import ScriptedChatModel, call
from reelgraph.tools.pipeline import Pipeline


def test_the_flow_asks_the_graph_and_files_its_report(demo_clip: Path) -> None:
    model = ScriptedChatModel(
        [
            call("find_relations", predicate="hands"),
            call("file_report", text="Person 1 hands the ball over [r12]."),
            "done",
        ]
    )
    flow = build(model, Pipeline(tracker="motion"))
    result = flow.invoke({"video": str(demo_clip), "question": "Who hands the ball?"})
    assert result["report"] == "Person 1 hands the ball over [r12]."
    found = model.requests[1][-1]
    assert found.type == "tool"
    assert "hands" in found.text
    assert result["scene"].relations(predicate="hands")


def test_without_a_report_the_last_words_count(demo_clip: Path) -> None:
    flow = build(ScriptedChatModel(["I cannot tell."]), Pipeline(tracker="motion"))
    result = flow.invoke({"video": str(demo_clip), "question": "Who?"})
    assert result["report"] == "I cannot tell."
