"""The tools in other people's agents: wrong arguments come back as words to act on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from made_graphs import MadePipeline, hand_over

from reelgraph.agent import graph_tools, video_tools
from reelgraph.agent.testing import ScriptedChatModel, call
from reelgraph.errors import AgentError, VideoError


def tool(name: str) -> Any:
    return next(t for t in graph_tools(hand_over()) if t.name == name)


@pytest.fixture
def clip(tmp_path: Path, make_video: Any) -> Path:
    return make_video(tmp_path / "made.mp4", times_ms=range(0, 12_000, 100))


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("find_relations", {"subject": "persn"}, ["persn", "person"]),
        ("find_relations", {"subject": "unicorn"}, ["unicorn", "person #1", "ball #3"]),
        ("find_relations", {"predicate": "hand over too"}, ["hand over too", "hands"]),
        ("find_relations", {"subjct": "person"}, ["'subjct'", "did you mean 'subject'"]),
        ("find_relations", {"start_s": "soon"}, ["start_s", "number", "'soon'"]),
        ("find_relations", {"start_s": -3}, ["start_s", "greater than or equal to 0"]),
        ("find_relations", {"start_s": 9, "end_s": 2}, ["9", "2"]),
        ("timeline", {}, ["object_id", "required"]),
        ("timeline", {"object_id": 99}, ["99", "person #1"]),
        ("timeline", {"object_id": "ball"}, ["object_id", "integer", "'ball'"]),
        ("snapshot", {"time_s": 500}, ["500", "12"]),
        ("compare_times", {"first": "r1", "second": "r99"}, ["r99", "e.g. r"]),
        ("compare_times", {"first": "the first", "second": "r1"}, ["the first", "r12"]),
        ("count", {"what": "people"}, ["what", "'objects' or 'relations'", "'people'"]),
        ("match_sequence", {"which": "next after"}, ["anchor"]),
        ("match_sequence", {"which": "second"}, ["which", "'first'", "'second'"]),
        ("list_objects", {"label": "cat"}, ["cat", "person"]),
    ],
)
def test_wrong_arguments_come_back_as_words(
    name: str, arguments: dict[str, Any], words: list[str]
) -> None:
    said = tool(name).invoke(arguments)
    for word in words:
        assert word in said
    assert "\n" not in said
    message = tool(name).invoke({"type": "tool_call", "id": "1", "name": name, "args": arguments})
    assert isinstance(message, ToolMessage)
    assert message.status == "error"


def test_every_argument_is_described() -> None:
    for each in graph_tools(hand_over()):
        assert len(each.description) < 120
        for name, schema in each.args.items():
            assert schema.get("description"), f"{each.name}.{name}"


def test_they_run_in_create_agent() -> None:
    model = ScriptedChatModel(
        [call("find_relations", predicat="hands"), call("find_relations", predicate="hands"), "Hi."]
    )
    loop = create_agent(model, graph_tools(hand_over()))
    messages = loop.invoke({"messages": [HumanMessage("Who hands the ball?")]})["messages"]
    wrong, right = [m for m in messages if isinstance(m, ToolMessage)]
    assert "predicate" in wrong.text
    assert "hands ball #3" in right.text


def test_they_run_in_a_langgraph_graph(clip: Path) -> None:
    tools = video_tools(clip, pipeline=MadePipeline(hand_over()))  # type: ignore[arg-type]
    graph = StateGraph(MessagesState)
    graph.add_node("tools", ToolNode(tools))
    graph.add_edge(START, "tools")
    graph.add_edge("tools", END)
    loop = graph.compile()
    asked = AIMessage(
        "",
        tool_calls=[
            {"name": "describe_video", "args": {}, "id": "1"},
            {"name": "segment_and_track", "args": {}, "id": "2"},
            {"name": "generate_graph", "args": {}, "id": "3"},
            {"name": "timeline", "args": {"object_id": 3}, "id": "4"},
            {"name": "look", "args": {"times_s": [5.2], "object_id": 3}, "id": "5"},
        ],
    )
    for state in (
        loop.invoke({"messages": [asked]}),
        asyncio.run(loop.ainvoke({"messages": [asked]})),
    ):
        results = {m.name: m for m in state["messages"] if isinstance(m, ToolMessage)}
        assert len(results) == 5
        assert all(m.status == "success" for m in results.values())
        assert "4 objects" in results["segment_and_track"].text
        assert "hands ball #3" in results["timeline"].text
        assert [block["type"] for block in results["look"].content] == ["text", "image"]


def test_a_video_tool_of_a_part(clip: Path) -> None:
    tools = {t.name: t for t in video_tools(
        clip, pipeline=MadePipeline(hand_over()), during=(6.0, 9.0), look=False  # type: ignore[arg-type]
    )}  # fmt: skip
    assert "look" not in tools
    said = tools["find_relations"].invoke({"predicate": "hands"})
    assert "hands" in said
    assert "r2" not in said


def test_a_video_that_is_none(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(VideoError):
        video_tools(tmp_path / "nothing.mp4")
    with pytest.raises(AgentError, match="reversed"):
        video_tools(clip, during=(5, 1))
