"""The graph tools: what they return, in text and as rows, and how they refuse."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AnyMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool
from made_graphs import hand_over, kitchen, make_graph, make_tracks

from reelgraph.agent.concurrency import extreme, levels
from reelgraph.agent.look import Camera, ShowFrames
from reelgraph.agent.tools import RESULT_TOKENS, graph_tools
from reelgraph.graph.schema import CAMERA, Interval
from reelgraph.graph.serialize import estimate_tokens
from reelgraph.graph.temporal import TemporalGraph


def use(graph: TemporalGraph, name: str, **arguments: Any) -> ToolMessage:
    return run(graph_tools(graph), name, **arguments)


def run(tools: list[BaseTool], name: str, **arguments: Any) -> ToolMessage:
    tool = next(tool for tool in tools if tool.name == name)
    message = tool.invoke({"name": name, "args": arguments, "id": "1", "type": "tool_call"})
    assert isinstance(message, ToolMessage)
    return message


def test_describe_video_lists_objects_and_predicates() -> None:
    message = use(hand_over(), "describe_video")
    assert "12.00 s" in message.text
    assert "hands (1)" in message.text
    assert "person #4 (green shirt): visible 7.00-10.00 s" in message.text
    assert {row["id"] for row in message.artifact["objects"]} == {1, 2, 3, 4}


def test_places_come_from_tracks() -> None:
    graph = hand_over()
    tools = graph_tools(graph, tracks=make_tracks(graph))
    rows = run(tools, "describe_video").artifact["objects"]
    places = [row["x"] for row in rows]
    assert places == sorted(places)
    assert all(0 <= x <= 1 for x in places)


@pytest.mark.parametrize(
    ("arguments", "relations"),
    [
        ({"predicate": "hands"}, ["r2"]),
        ({"predicate": "give"}, ["r2"]),
        ({"predicate": "holding", "subject": 2}, ["r3"]),
        ({"predicate": "holding", "subject": "2"}, ["r3"]),
        ({"predicate": "holding", "subject": "[o2]", "object": "ball #3"}, ["r3"]),
        ({"subject": "person", "object": "ball"}, ["r1", "r2", "r3"]),
        ({"predicate": "right of"}, ["r4"]),
        ({"start_s": 9.8, "subject": 4}, ["r8", "r10"]),
        ({"predicate": "holds", "end_s": 3.0}, ["r1"]),
        ({"predicate": "enters", "start_s": 11.0}, []),
    ],
)
def test_find_relations(arguments: dict[str, Any], relations: list[str]) -> None:
    message = use(hand_over(), "find_relations", **arguments)
    assert sorted(row["id"] for row in message.artifact["relations"]) == sorted(relations)
    for relation in relations:
        assert f"({relation})" in message.text


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("list_objects", {"label": "person", "start_s": 11}, "person #1"),
        ("neighbors", {"object_id": 3}, "(r3)"),
        ("timeline", {"object_id": 4}, "(r8)"),
        ("snapshot", {"time_s": 8.5}, "person4 in front of person2"),
        ("compare_times", {"first": "r1", "second": "r3"}, "r1 is before r3|r1 is overlaps r3"),
        ("compare_times", {"first": "r1.1", "second": "[r3]"}, "r1.1 is"),
        ("compare_times", {"first": "o4", "second": "r3"}, "o4 is during r3"),
        ("count", {"what": "objects", "subject": "person"}, "3 person"),
        ("count", {"what": "objects", "subject": "person", "over": "min"}, "2 person"),
        ("count", {"what": "relations", "predicate": "holds"}, "2 times"),
        ("match_sequence", {"which": "first", "predicate": "holds"}, "(r1.1)"),
        ("match_sequence", {"which": "last", "predicate": "holds"}, "(r3.1)"),
        ("match_sequence", {"which": "next after", "anchor": "r2", "subject": 2}, "(r6.1)"),
        ("match_sequence", {"which": "last before", "anchor": "r2", "subject": 2}, "(r5.1)"),
    ],
)
def test_other_tools(name: str, arguments: dict[str, Any], text: str) -> None:
    message = use(hand_over(), name, **arguments)
    assert message.status == "success"
    assert any(part in message.text for part in text.split("|")), message.text


@pytest.mark.parametrize(
    ("name", "arguments", "word"),
    [
        ("find_relations", {"subject": "unicorn"}, "unicorn"),
        ("find_relations", {"predicate": "teleports"}, "teleports"),
        ("find_relations", {"subject": 99}, "99"),
        ("timeline", {"object_id": 99}, "99"),
        ("snapshot", {"time_s": 500.0}, "500"),
        ("compare_times", {"first": "now!", "second": "r1"}, "r12"),
        ("compare_times", {"first": "r1.9", "second": "r1"}, "r1"),
        ("match_sequence", {"which": "next after", "predicate": "holds"}, "anchor"),
        ("list_objects", {"start_s": 9.0, "end_s": 3.0}, "start"),
    ],
)
def test_refusals_are_messages_for_the_model(
    name: str, arguments: dict[str, Any], word: str
) -> None:
    message = use(hand_over(), name, **arguments)
    assert message.status == "error"
    assert word in message.text


def test_results_stay_under_the_budget() -> None:
    moves = [(1, "moves", CAMERA, [(i / 10, i / 10 + 0.05)]) for i in range(1000)]
    graph = make_graph(110.0, [(1, "person", [], [(0.0, 110.0)])], moves)
    message = use(graph, "find_relations")
    assert estimate_tokens(message.text) <= RESULT_TOKENS
    assert "more lines left out" in message.text
    assert len(message.artifact["relations"]) == 1000


def test_a_figure_keeps_its_id() -> None:
    first, second = (
        use(kitchen(), "count", what="objects", subject="cup", over="max").artifact["results"][0]
        for _ in range(2)
    )
    other = use(kitchen(), "count", what="objects", subject="knife", over="max")
    assert first["id"] == second["id"] != other.artifact["results"][0]["id"]


def test_every_tool_documents_its_arguments() -> None:
    for tool in graph_tools(hand_over()):
        assert tool.description
        schema = tool.tool_call_schema
        assert not isinstance(schema, dict)
        for name, field in schema.model_json_schema().get("properties", {}).items():
            assert field.get("description"), f"{tool.name}.{name}"


stays = st.lists(
    st.tuples(
        st.integers(1, 5),
        st.tuples(st.integers(0, 20), st.integers(1, 10)).map(
            lambda p: Interval(float(p[0]), float(p[0] + p[1]))
        ),
    ),
    max_size=12,
)


@given(stays)
def test_levels_agree_with_counting_at_each_moment(found: list[tuple[int, Interval]]) -> None:
    whole = Interval(0.0, 30.0)
    counted = levels(found, whole)
    assert counted[0].span.start == 0.0
    assert counted[-1].span.end == 30.0
    for level in counted:
        middle = (level.span.start + level.span.end) / 2
        assert set(level.ids) == {k for k, s in found if s.start <= middle < s.end}
    most, fewest = extreme(counted, most=True), extreme(counted, most=False)
    assert most is not None
    assert fewest is not None
    assert len(most.ids) == max(len(level.ids) for level in counted)
    assert len(fewest.ids) == min(len(level.ids) for level in counted)


def test_short_changes_are_no_extreme() -> None:
    flicker = [(1, Interval(0.0, 5.0)), (1, Interval(5.1, 10.0))]
    fewest = extreme(levels(flicker, Interval(0.0, 10.0)), most=False)
    assert fewest is not None
    assert len(fewest.ids) == 1


# -- look ----------------------------------------------------------------------------------


class FakeFrame:
    def __init__(self, time_s: float) -> None:
        self.index, self.time_s = 0, time_s
        self.image = np.full((36, 64, 3), 127, dtype=np.uint8)


class FakeVideo:
    """Stands in for a video file of 12 seconds."""

    info = hand_over().video

    @classmethod
    def open(cls, path: object) -> FakeVideo:
        return cls()

    def frames_at(self, times_s: list[float]) -> Iterator[FakeFrame]:
        yield from (FakeFrame(t) for t in times_s)


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> type[Camera]:
    monkeypatch.setattr("reelgraph.agent.look.Video", FakeVideo)
    return Camera


def test_look_returns_images_only_when_called(camera: type[Camera]) -> None:
    graph = hand_over()
    tools = graph_tools(graph, camera=camera("made.mp4", make_tracks(graph)))
    assert isinstance(run(tools, "describe_video").content, str)
    content = run(tools, "look", times_s=[5.2, 6.0]).content
    assert [block["type"] for block in content] == ["text", "image", "image"]  # type: ignore[index]
    assert base64.b64decode(content[1]["base64"])[:2] == b"\xff\xd8"  # type: ignore[index]


def test_crops_are_smaller(camera: type[Camera]) -> None:
    graph = hand_over()
    shown = camera("made.mp4", make_tracks(graph))
    (whole,) = shown.images({"frames_s": [1.0]})
    (crop,) = shown.images({"frames_s": [1.0], "crop": 3})
    assert len(crop["base64"]) < len(whole["base64"])


def test_look_refuses_times_outside(camera: type[Camera]) -> None:
    tools = graph_tools(hand_over(), camera=camera("made.mp4", None))
    assert run(tools, "look", times_s=[99.0]).status == "error"


def test_the_agent_state_holds_no_pixels(
    camera: type[Camera], monkeypatch: pytest.MonkeyPatch
) -> None:
    from langchain.agents import create_agent
    from langgraph.checkpoint.memory import InMemorySaver

    from reelgraph.agent.testing import ScriptedChatModel, call

    graph = hand_over()
    model = ScriptedChatModel([call("look", times_s=[5.2]), "I saw it."])
    shown = camera("made.mp4", None, inline=False)
    loop = create_agent(
        model,
        graph_tools(graph, camera=shown),
        middleware=[ShowFrames(shown)],
        checkpointer=InMemorySaver(),
    )
    state = loop.invoke({"messages": [HumanMessage("Look.")]}, {"configurable": {"thread_id": "1"}})
    assert _images(model.requests[1]) == 1
    assert _images(state["messages"]) == 0


def _images(messages: list[AnyMessage]) -> int:
    blocks = [b for m in messages if isinstance(m.content, list) for b in m.content]
    return sum(isinstance(b, dict) and b.get("type") == "image" for b in blocks)
