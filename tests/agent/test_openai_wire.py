"""The real OpenAI client against a scripted server: what goes over the wire, and what breaks."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_openai import ChatOpenAI
from made_graphs import hand_over
from made_pipeline import TIMES_MS, Bench
from openai_server import Fails, OpenAIServer, Raw, Reply, Says, calls, drafts, serving

from reelgraph.agent import (
    Answer,
    AnswerReady,
    Event,
    StageStarted,
    TokenReceived,
    ToolCalled,
    VideoAgent,
)
from reelgraph.errors import AgentError, BudgetExceeded, ModelOutputError, ProviderError

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

KEY = "sk-fake-0123456789abcdef"
QUESTION = "Who hands the ball?"
TEXT = "Person #1 hands ball #3 to person #2 at 5.20 s."
RIGHT = drafts("[o1] hands [o3] to [o2] [r2].", ["r2"])
SWAPPED = drafts("[o2] hands [o3] to [o1] [r2].", ["r2"])
SOON = {"retry-after-ms": "20"}
WAYS = ("ask", "aask", "stream", "astream")
TWO_WAYS = ("ask", "astream")


def agent_on(server: OpenAIServer, *, client: dict[str, Any] | None = None, **limits: Any) -> Any:
    model = ChatOpenAI(model="scripted", base_url=server.base_url, api_key=KEY, **(client or {}))  # type: ignore[call-arg]
    return VideoAgent(model, **limits)


def events_of(agent: VideoAgent, way: str, **options: Any) -> list[Event]:
    """Ask in one of the four ways; the answer comes as the last event."""
    graph = hand_over()

    async def waited() -> list[Event]:
        if way == "aask":
            return [AnswerReady(await agent.aask(QUESTION, graph, **options))]
        return [event async for event in agent.astream(QUESTION, graph, **options)]

    if way == "ask":
        return [AnswerReady(agent.ask(QUESTION, graph, **options))]
    if way == "stream":
        return list(agent.stream(QUESTION, graph, **options))
    return asyncio.run(waited())


def ask(agent: VideoAgent, way: str = "ask", **options: Any) -> Answer:
    last = events_of(agent, way, **options)[-1]
    assert isinstance(last, AnswerReady)
    return last.answer


# -- right in the end ----------------------------------------------------------------------

RECOVERS: dict[str, list[Reply]] = {
    "answers at once": [RIGHT],
    "calls tools": [calls("describe_video"), calls("find_relations", predicate="hands"), RIGHT],
    "calls two tools at once": [
        Says(calls=[("list_objects", {}), ("timeline", {"object_id": 1})]), RIGHT,
    ],
    "says something with a call": [Says("Let me look.", [("describe_video", {})]), RIGHT],
    "arguments cut short": [Says(calls=[("find_relations", '{"predicate": "ha')]), RIGHT],
    "arguments twice cut short": [
        Says(calls=[("timeline", "{")]), Says(calls=[("AnswerDraft", '{"text":')]), RIGHT,
    ],
    "one call readable, one not": [
        Says(calls=[("describe_video", {}), ("timeline", "{object_id: 1}")]), RIGHT,
    ],
    "arguments that are a list": [Says(calls=[("timeline", "[1]")]), RIGHT],
    "empty arguments": [Says(calls=[("describe_video", "")]), RIGHT],
    "a tool that is not there": [calls("find_relation", predicate="hands"), RIGHT],
    "a tool's arguments misnamed": [calls("timeline", object=1), RIGHT],
    "a label that is not there": [calls("find_relations", subject="unicorn"), RIGHT],
    "an answer of the wrong form": [calls("AnswerDraft", words="person 1"), RIGHT],
    "two answers at once": [
        Says(calls=[("AnswerDraft", {"text": "a"}), ("AnswerDraft", {"text": "b"})]), RIGHT,
    ],
    "words first": [Says("Person 1 does."), RIGHT],
    "nothing first": [Says(""), RIGHT],
    "a wrong answer first": [SWAPPED, RIGHT],
    "cut off by length": [Says("Person", finish="length"), RIGHT],
    "rate limit": [Fails(429, "slow down", SOON), RIGHT],
    "rate limit twice": [Fails(429, headers=SOON), Fails(429, headers=SOON), RIGHT],
    "server error": [Fails(500, headers=SOON), Fails(503, headers=SOON), RIGHT],
    "disconnect": [Says(calls=RIGHT.calls, drop_after=3), RIGHT],
    "disconnect before the first part": [Says(calls=RIGHT.calls, drop_after=0), RIGHT],
}  # fmt: skip


@pytest.mark.parametrize("way", TWO_WAYS)
@pytest.mark.parametrize("case", RECOVERS)
def test_it_ends_in_the_right_answer(case: str, way: str) -> None:
    with serving(*RECOVERS[case]) as server:
        answer = ask(agent_on(server), way)
        assert answer.text == TEXT
        assert [e.relation for e in answer.evidence] == ["r2"]
        assert not answer.abstained
        assert answer.unsupported == ()
        assert len(server.requests) == len(RECOVERS[case])


def test_a_stream_that_ends_in_an_error_is_asked_again() -> None:
    with serving(Says(calls=RIGHT.calls, fail_after=3), RIGHT) as server:
        assert ask(agent_on(server), "stream").text == TEXT


def test_a_client_timeout_is_tried_again() -> None:
    with serving(Says(calls=RIGHT.calls, wait_s=5), RIGHT) as server:
        assert ask(agent_on(server, client={"timeout": 0.3})).text == TEXT
        assert len(server.requests) == 2


def test_the_provider_says_how_long_to_wait() -> None:
    with serving(Fails(429, headers={"Retry-After": "1"}), RIGHT) as server:
        assert ask(agent_on(server)).text == TEXT
        first, second = server.times
        assert second - first >= 1.0


# -- mapped errors -------------------------------------------------------------------------

FAILS: dict[str, tuple[list[Reply], type[Exception], str]] = {
    "bad key": ([Fails(401, f"Incorrect API key provided: {KEY}")], ProviderError, "key"),
    "forbidden": ([Fails(403, "no access")], ProviderError, "key"),
    "no such model": ([Fails(404, "no model")], ProviderError, "does not know the model"),
    "bad request": ([Fails(400, "context too long")], ProviderError, "400"),
    "rate limit for good": ([Fails(429, headers=SOON)] * 3, ProviderError, "429"),
    "server error for good": ([Fails(500, headers=SOON)] * 3, ProviderError, "500"),
    "disconnect for good": ([Says(calls=RIGHT.calls, drop_after=2)] * 9, ProviderError, "provider"),
    "filtered": ([Says("", finish="content_filter")], ProviderError, "refused"),
    "words only": ([Says("Person 1."), Says("I said person 1.")], ModelOutputError, "structured"),
    "nothing at all": ([Says(""), Says("")], ModelOutputError, "structured"),
    "never ends": ([calls("describe_video")] * 12, BudgetExceeded, "max_model_calls"),
    "never readable": ([Says(calls=[("timeline", "{")])] * 12, BudgetExceeded, "max_model_calls"),
}  # fmt: skip


@pytest.mark.parametrize("way", TWO_WAYS)
@pytest.mark.parametrize("case", FAILS)
def test_it_ends_in_a_mapped_error(case: str, way: str) -> None:
    replies, kind, word = FAILS[case]
    with serving(*replies) as server, pytest.raises(kind, match=word) as caught:
        ask(agent_on(server), way)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("way", ["ask", "aask"])
def test_a_refusal_is_told(way: str) -> None:
    with serving(Says(refusal="I can't help with that.")) as server:
        with pytest.raises(ProviderError, match="refused to answer: I can't help") as caught:
            ask(agent_on(server), way)
        assert not caught.value.retryable


def test_a_refusal_in_a_stream_is_an_answer_without_words() -> None:
    """LangChain drops the words of a streamed refusal."""
    with (
        serving(*[Says(refusal="I can't help with that.")] * 2) as server,
        pytest.raises(ModelOutputError, match="structured"),
    ):
        ask(agent_on(server), "stream")


@pytest.mark.parametrize("way", TWO_WAYS)
@pytest.mark.parametrize("body", ["<html>Bad gateway</html>", "{}", "null", '{"choices": []}'])
def test_a_body_that_is_no_completion_is_an_error(body: str, way: str) -> None:
    with (
        serving(*[Raw(body)] * 3) as server,
        pytest.raises((ProviderError, ModelOutputError)) as caught,
    ):
        ask(agent_on(server), way)
    assert "\n" not in str(caught.value)


def test_nobody_listens() -> None:
    with serving() as server:
        pass
    with pytest.raises(ProviderError, match="cannot be reached") as caught:
        ask(agent_on(server, client={"max_retries": 0}))
    assert caught.value.retryable


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_one_event_loop_after_another() -> None:
    """The client keeps the connections of a loop that is gone."""
    with serving(*[RIGHT] * 6, keep_alive=True) as server:
        agent = agent_on(server)
        for way in ("aask", "astream", "ask"):
            assert ask(agent, way).text == TEXT
        gc.collect()


# -- limits --------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_one_slow_call_ends_at_the_limit(way: str) -> None:
    with serving(Says(calls=RIGHT.calls, wait_s=60)) as server:
        begun = time.monotonic()
        with pytest.raises(BudgetExceeded, match="max_seconds"):
            ask(agent_on(server, max_seconds=0.5), way)
        assert time.monotonic() - begun < 20


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_stream_that_trickles_ends_at_the_limit(way: str) -> None:
    with serving(Says("word " * 400, pause_s=0.1)) as server:
        begun = time.monotonic()
        with pytest.raises(BudgetExceeded, match="max_seconds"):
            ask(agent_on(server, max_seconds=0.5), way)
        assert time.monotonic() - begun < 20


def test_waiting_for_a_rate_limit_ends_at_the_limit() -> None:
    with serving(Fails(429, headers={"Retry-After": "50"}), RIGHT) as server:
        with pytest.raises(BudgetExceeded, match="max_seconds"):
            ask(agent_on(server, max_seconds=0.5))
        assert len(server.requests) == 1


def test_tokens_and_money_are_counted_and_limited() -> None:
    prices = {"input": 1.0, "output": 10.0}
    with serving(calls("describe_video"), RIGHT) as server:
        usage = ask(agent_on(server, prices=prices)).usage
    assert (usage.model_calls, usage.input_tokens, usage.output_tokens) == (2, 200, 40)
    assert usage.usd == pytest.approx((200 * 1.0 + 40 * 10.0) / 1_000_000)
    assert not usage.estimated
    for limit in ({"max_tokens": 100}, {"max_usd": 1e-4, "prices": prices}):
        with serving(calls("describe_video"), RIGHT) as server:
            with pytest.raises(BudgetExceeded, match=next(iter(limit))):
                ask(agent_on(server, **limit))
            assert len(server.requests) == 1


def test_tokens_that_are_not_reported_are_estimated() -> None:
    with serving(RIGHT) as server:
        usage = ask(agent_on(server), "stream").usage
    assert usage.estimated
    assert usage.input_tokens > 1500  # the tools are told with every call
    assert usage.output_tokens > 5


@pytest.mark.parametrize(
    ("limits", "word"),
    [
        ({"max_model_calls": 0}, "max_model_calls"),
        ({"max_seconds": -1}, "max_seconds"),
        ({"max_usd": 1.0}, "prices"),
        ({"prices": {"input": 1}}, "prices"),
        ({"prices": {"input": 1, "output": -1}}, "prices"),
    ],
)
def test_limits_that_make_no_sense(limits: dict[str, Any], word: str) -> None:
    with pytest.raises(AgentError, match=word):
        VideoAgent(**limits)


# -- leaving early -------------------------------------------------------------------------


def test_cancelling_the_task_closes_the_request() -> None:
    with serving(Says("word " * 2000, pause_s=0.02)) as server:
        agent = agent_on(server)

        async def cancelled() -> None:
            task = asyncio.create_task(consume())
            while not server.requests:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        async def consume() -> None:
            async for _ in agent.astream(QUESTION, hand_over()):
                pass

        begun = time.monotonic()
        asyncio.run(cancelled())
        assert time.monotonic() - begun < 20
        wait_for(lambda: server.broken_off == 1)
        assert len(server.requests) == 1


def test_closing_the_iterator_stops_the_work() -> None:
    replies = [calls("describe_video")] * 8
    with serving(*replies) as server:
        others = set(threading.enumerate())
        events = agent_on(server).stream(QUESTION, hand_over())
        for event in events:
            if isinstance(event, ToolCalled):
                break
        events.close()
        wait_for(lambda: not names_of_new(others) & {"reelgraph-ask"})
        assert len(server.requests) < len(replies)


def names_of_new(others: set[threading.Thread]) -> set[str]:
    return {thread.name for thread in set(threading.enumerate()) - others}


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# -- events --------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_stream_tells_tools_and_words(way: str) -> None:
    replies = [Says("Let me look.", [("find_relations", {"predicate": "hands"})]), SWAPPED, RIGHT]
    with serving(*replies) as server:
        events = events_of(agent_on(server), way)
    assert [e.stage for e in events if isinstance(e, StageStarted)] == [
        "graph", "model", "repair", "evidence",
    ]  # fmt: skip
    assert [e.step.tool for e in events if isinstance(e, ToolCalled)] == ["find_relations"]
    words = "".join(e.text for e in events if isinstance(e, TokenReceived))
    drafts_told = "[o2] hands [o3] to [o1] [r2].[o1] hands [o3] to [o2] [r2]."
    assert words == "Let me look." + drafts_told
    assert sum(isinstance(e, TokenReceived) for e in events) > 5
    assert all(request["stream"] for request in server.requests)


def test_ask_does_not_stream() -> None:
    with serving(RIGHT) as server:
        ask(agent_on(server))
        assert not server.requests[0].get("stream")


# -- without tools -------------------------------------------------------------------------

AS_JSON = json.dumps({"text": "[o1] hands [o3] to [o2] [r2].", "relations": ["r2"]})
WRONG_JSON = json.dumps({"text": "[o2] hands [o3] to [o1] [r2].", "relations": ["r2"]})

IN_CONTEXT: dict[str, list[Reply]] = {
    "JSON": [Says(AS_JSON)],
    "JSON in a fence": [Says(f"Here it is:\n```json\n{AS_JSON}\n```")],
    "thoughts with braces first": [Says(f"<think>{{maybe}} o1 {{}}</think>\n{AS_JSON}")],
    "words first": [Says("Person 1."), Says(AS_JSON)],
    "half of it first": [Says(AS_JSON[:40]), Says(AS_JSON)],
    "an unknown field": [Says('{"answer": "person 1"}'), Says(AS_JSON)],
    "wrong first": [Says(WRONG_JSON), Says(AS_JSON)],
}


@pytest.mark.parametrize("way", TWO_WAYS)
@pytest.mark.parametrize("case", IN_CONTEXT)
def test_the_graph_as_text_gives_the_same_answer(case: str, way: str) -> None:
    with serving(*IN_CONTEXT[case]) as server:
        answer = ask(agent_on(server, mode="context"), way)
        assert answer.text == TEXT
        assert answer.mode == "context"
        (first, *_) = server.requests
        assert "tools" not in first
        assert "person1 hands ball3 to person2 5.2-5.6 r2" in first["messages"][1]["content"]


def test_a_model_whose_profile_has_no_tools_reads_the_graph() -> None:
    with serving(Says(AS_JSON)) as server:
        client = {"profile": {"tool_calling": False}}
        assert ask(agent_on(server, client=client)).mode == "context"


def test_a_server_that_refuses_tools_is_asked_without_them() -> None:
    refuses = Fails(400, "registry/gemma:2b does not support tools")
    with serving(refuses, Says(AS_JSON), Says(AS_JSON)) as server:
        agent = agent_on(server)
        assert ask(agent).text == TEXT
        assert ask(agent, "astream").mode == "context"
        assert len(server.requests) == 3
    with serving(refuses) as server, pytest.raises(ProviderError, match="does not support"):
        ask(agent_on(server, mode="tools"))


def test_context_answers_are_checked() -> None:
    with serving(Says(WRONG_JSON), Says(WRONG_JSON)) as server:
        assert ask(agent_on(server, mode="context")).abstained
        complaint = server.requests[1]["messages"][-1]["content"]
    assert "not the other way round" in complaint


# -- a chat --------------------------------------------------------------------------------


def test_a_chat_tells_the_model_what_was_said() -> None:
    later = drafts("[o2] holds [o3] [r3].", ["r3"])
    with serving(RIGHT, later) as server:
        chat = agent_on(server).chat(hand_over())
        chat.ask(QUESTION)
        assert asyncio.run(chat.aask("And who has it then?")).text.startswith("Person #2 holds")
        roles = [(m["role"], m["content"]) for m in server.requests[1]["messages"][1:]]
    assert roles == [
        ("user", f"Question: {QUESTION}"),
        ("assistant", f"{TEXT} (Shown by r2, o1, o3, o2.)"),
        ("user", "Question: And who has it then?"),
    ]
    assert [turn.question for turn in chat.turns] == [QUESTION, "And who has it then?"]


# -- keys ----------------------------------------------------------------------------------


def test_the_key_is_not_in_the_cache(tmp_path: Path, make_video: Any) -> None:
    clip = make_video(tmp_path / "clip.mp4", times_ms=TIMES_MS)
    with serving(drafts("[o1] hands [o3] to [o2] [r5].", ["r5"])) as server:
        agent = agent_on(server, pipeline=Bench(tmp_path / "store").pipeline)
        assert agent.ask(QUESTION, clip).text == TEXT
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert len(files) > 2
    assert not any(KEY.encode() in path.read_bytes() for path in files)


@pytest.mark.parametrize("way", TWO_WAYS)
@pytest.mark.parametrize(
    "replies",
    [
        [Fails(401, f"Incorrect API key provided: {KEY}")],
        [Fails(400, f"header Authorization: Bearer {KEY} is wrong")],
        [Fails(500, f"crashed on {KEY}", SOON)] * 3,
        [Says(calls=RIGHT.calls, drop_after=2)] * 9,
        [Says(refusal=f"not with {KEY}")],
        [Raw(f"<html>{KEY}</html>")] * 3,
        [RIGHT],
    ],
    ids=["401", "400", "500", "disconnect", "refusal", "html", "right"],
)
def test_the_key_is_never_told(
    replies: list[Reply], way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told = ""
    with serving(*replies) as server:
        agent = agent_on(server)
        try:
            told = ask(agent, way).model_dump_json()
        except (ProviderError, ModelOutputError) as error:
            told = "".join(traceback.format_exception(error)) + getattr(error, "text", "")
        assert set(server.keys) == {f"Bearer {KEY}"}
    told += repr(agent) + repr(agent.model)
    told += "".join(r.getMessage() for r in caplog.records if r.name.startswith("reelgraph"))
    assert KEY not in told
