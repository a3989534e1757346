"""One agent shared by many askers, on a real pipeline with scripted tools."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import ToolMessage
from made_graphs import hand_over
from made_pipeline import TIMES_MS, Bench

from reelgraph.agent import AnswerReady, ProgressMade, ToolCalled, VideoAgent
from reelgraph.agent.testing import ScriptedChatModel, call, draft
from reelgraph.errors import AgentError, BudgetExceeded, VideoError

RIGHT = draft("[o1] hands [o3] to [o2] [r5].", ["r5"])
TEXT = "Person #1 hands ball #3 to person #2 at 5.20 s."


@pytest.fixture(scope="session")
def session_clip(tmp_path_factory: pytest.TempPathFactory, make_video: Any) -> Path:
    return make_video(tmp_path_factory.mktemp("clip") / "clip.mp4", times_ms=TIMES_MS)


@pytest.fixture
def clip(session_clip: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(session_clip, tmp_path / "clip.mp4"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "store")


def test_32_at_once_build_one_graph(bench: Bench, clip: Path) -> None:
    agent = VideoAgent(pipeline=bench.pipeline)

    async def all_at_once() -> list[str]:
        asked = (agent.aask("Who hands the ball?", clip) for _ in range(32))
        return [answer.text for answer in await asyncio.gather(*asked)]

    texts = asyncio.run(all_at_once())
    assert len(texts) == 32
    assert all(text.startswith("Person #1") and "hands ball #3" in text for text in texts)
    assert bench.runs == ["track", "generate"]


def test_threads_share_an_agent(bench: Bench, clip: Path) -> None:
    made: list[int] = []

    class Counted(ScriptedChatModel):
        def __init__(self) -> None:
            made.append(1)
            super().__init__(lambda messages: RIGHT)

    agent = VideoAgent(Counted(), pipeline=bench.pipeline)
    with ThreadPoolExecutor(16) as pool:
        texts = set(pool.map(lambda _: agent.ask("Who?", clip).text, range(32)))
    assert texts == {TEXT}
    assert bench.runs == ["track", "generate"]


def test_a_named_model_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def slow(name: Any) -> ScriptedChatModel:
        made.append(name)
        time.sleep(0.05)
        return ScriptedChatModel(lambda messages: RIGHT)

    monkeypatch.setattr("reelgraph.agent.agent.resolve_model", slow)
    agent = VideoAgent("openai:any")
    graph = hand_over()
    with ThreadPoolExecutor(8) as pool:
        texts = set(pool.map(lambda _: agent.ask("Who?", graph).text, range(8)))
    assert len(texts) == 1
    assert made == ["openai:any"]


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_building_is_told(way: str, bench: Bench, clip: Path) -> None:
    agent = VideoAgent(pipeline=bench.pipeline)

    async def waited() -> list[Any]:
        return [event async for event in agent.astream("Who hands the ball?", clip)]

    events = (
        list(agent.stream("Who hands the ball?", clip))
        if way == "stream"
        else asyncio.run(waited())
    )
    told = [e for e in events if isinstance(e, ProgressMade)]
    assert {e.name for e in told} == {"scripted tracks", "scripted layer"}
    assert [e.done for e in told if e.name == "scripted tracks"] == [0.0, 1.0]
    assert isinstance(events[-1], AnswerReady)


def test_leaving_while_a_graph_is_built_stops_before_the_next_stage(
    tmp_path: Path, clip: Path
) -> None:
    bench = Bench(tmp_path / "store", wait_s=0.5)
    events = VideoAgent(pipeline=bench.pipeline).stream("Who hands the ball?", clip)
    others = set(threading.enumerate())
    assert any(isinstance(event, ProgressMade) for event in events)
    events.close()
    deadline = time.monotonic() + 20
    while any(t.name == "reelgraph-ask" for t in set(threading.enumerate()) - others):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert "generate" not in bench.runs


def test_building_does_not_count_as_time(tmp_path: Path, clip: Path) -> None:
    bench = Bench(tmp_path / "store", wait_s=1.2)
    model = ScriptedChatModel([call("find_relations", predicate="hands"), RIGHT])
    for build in ("eager", "lazy"):
        agent = VideoAgent(model, pipeline=bench.pipeline, max_seconds=1.0, build=build)
        seconds = agent.ask("Who?", clip).usage.seconds
        assert seconds["graph"] >= (1.2 if build == "eager" else 0)
        model = ScriptedChatModel([call("find_relations", predicate="hands"), RIGHT])
        bench = Bench(tmp_path / build, wait_s=1.2)


# -- built when needed ---------------------------------------------------------------------


def lazy(bench: Bench, replies: list[Any], **options: Any) -> tuple[VideoAgent, ScriptedChatModel]:
    model = ScriptedChatModel(replies)
    return VideoAgent(model, pipeline=bench.pipeline, build="lazy", **options), model


def results(model: ScriptedChatModel) -> list[str]:
    return [m.text for m in model.requests[-1] if isinstance(m, ToolMessage)]


def test_a_question_without_need_of_a_graph_builds_none(bench: Bench, clip: Path) -> None:
    replies = [call("describe_video"), call("look", times_s=[1.0]), draft("Grey.", abstain=True)]
    agent, model = lazy(bench, replies)
    answer = agent.ask("What colour is the background?", clip)
    assert answer.abstained
    assert answer.graph_id == ""
    assert bench.runs == []
    described, _ = results(model)
    assert "11.94 s, 64x48" in described
    assert "no graph yet" in described


@pytest.mark.parametrize(
    "ask",
    [
        call("find_relations", predicate="hands"),
        call("generate_graph"),
        call("look", times_s=[5.3], object_id=3),
        call("count", what="objects"),
    ],
    ids=lambda reply: reply.tool_calls[0]["name"],
)
def test_a_tool_that_needs_the_graph_builds_it(ask: Any, bench: Bench, clip: Path) -> None:
    agent, _ = lazy(bench, [call("describe_video"), ask, RIGHT])
    events = list(agent.stream("Who hands the ball?", clip))
    answer = events[-1].answer
    assert answer.text == TEXT
    assert [e.relation for e in answer.evidence] == ["r5"]
    assert answer.evidence[0].frames
    assert answer.graph_id == VideoAgent(pipeline=bench.pipeline).ask("Who?", clip).graph_id
    assert bench.runs == ["track", "generate"]
    kinds = [type(event) for event in events]
    assert ProgressMade in kinds[kinds.index(ToolCalled) :]
    assert answer.usage.seconds["graph"] >= 0.1


def test_tracks_alone_can_be_made(bench: Bench, clip: Path) -> None:
    agent, model = lazy(bench, [call("segment_and_track"), draft("Some.", abstain=True)])
    agent.ask("How many things are there?", clip)
    assert bench.runs == ["track"]
    assert "4 objects" in results(model)[0]


def test_a_lazy_agent_uses_a_graph_that_is_there(bench: Bench, clip: Path) -> None:
    agent, model = lazy(bench, [call("generate_graph"), RIGHT, call("describe_video"), RIGHT])
    agent.ask("Who?", clip)
    agent.ask("Who?", clip)
    assert "4 objects" in results(model)[0]


def test_a_lazy_agent_checks_the_file_first(bench: Bench, tmp_path: Path, clip: Path) -> None:
    agent, _ = lazy(bench, [])
    with pytest.raises(VideoError):
        agent.ask("Who?", tmp_path / "nothing.mp4")
    with pytest.raises(AgentError, match="outside"):
        agent.ask("Who?", clip, during=(50, 60))


def test_build_is_one_of_two(bench: Bench) -> None:
    with pytest.raises(AgentError, match="'lazy'"):
        VideoAgent(build="later")  # type: ignore[arg-type]


def test_a_limit_holds_in_a_lazy_question_too(bench: Bench, clip: Path) -> None:
    def slow(messages: list[Any]) -> Any:
        time.sleep(5)
        return RIGHT

    agent = VideoAgent(
        ScriptedChatModel(slow), pipeline=bench.pipeline, build="lazy", max_seconds=0.2
    )
    with pytest.raises(BudgetExceeded, match="max_seconds"):
        agent.ask("Who?", clip)
