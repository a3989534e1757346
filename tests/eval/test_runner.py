"""The runner: one answer a question and arm, whatever happens on the way."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from made_benchmarks import MAKERS, made_graph, write_json

from reelgraph.agent.testing import ScriptedChatModel, call, draft
from reelgraph.errors import EvalError, ProviderError
from reelgraph.eval import Config, Manner, Prices, Record, RunLog, load_benchmark, read_run, run
from reelgraph.eval.arms import parse_arm, parse_arms
from reelgraph.eval.asking import Request, askers_for
from reelgraph.eval.plan import parse_shard
from reelgraph.eval.showing import Showing
from reelgraph.progress import NullProgress

MANNERS = {field.name for field in fields(Manner)}
ARMS = ["none", "captions", "graph", "captions+graph", "graph~swap:1"]


def told(log: RunLog | None) -> list[dict[str, Any]]:
    """Records without what differs from run to run."""
    assert log is not None
    return [r.model_dump(exclude={"seconds", "cached"}) for r in log.records]


def ask(data: Path, out: Path, *arms: str, **options: Any) -> RunLog:
    manner = {name: options.pop(name) for name in MANNERS & options.keys()}
    log = run("jsonl", data, arms=arms or ARMS, out=out, manner=Manner(**manner), **options)
    assert log is not None
    return log


def by_arm(log: RunLog, question: str) -> dict[str, Record]:
    return {r.arm: r for r in log.records if r.question_id == question}


# -- what comes out ------------------------------------------------------------------------


def test_every_arm_answers_every_question(data: Path, tmp_path: Path) -> None:
    log = ask(data, tmp_path / "run")
    assert log.missing == 0
    assert log.arms == tuple(ARMS)
    assert [len(log.of(arm)) for arm in ARMS] == [6] * len(ARMS)
    assert all(r.error is None and r.parsed for r in log.records)
    assert all(r.correct == (r.prediction == r.gold) for r in log.records)


def test_a_graph_answers_what_it_shows_and_says_when(data: Path, tmp_path: Path) -> None:
    answers = by_arm(ask(data, tmp_path / "run", "none", "graph"), "a1")
    shown = answers["graph"]
    assert shown.correct
    assert shown.evidence.relations == ("r1",)
    assert shown.predicted_spans == ((2.0, 4.0),)
    assert len(shown.graph_hash) == 16
    assert "throw" in (tmp_path / "run" / "graphs" / f"{shown.graph_text}.txt").read_text()
    assert answers["none"].evidence.relations == ()
    assert answers["none"].graph_hash == answers["none"].graph_text == ""


def test_captions_choose_by_words_and_a_graph_can_overrule_them(data: Path, tmp_path: Path) -> None:
    log = ask(data, tmp_path / "run", "captions", "captions+graph")
    assert {q: by_arm(log, q)["captions"].text for q in ("a1", "a2")} == {
        "a1": "hold it",
        "a2": "eat it",
    }
    assert by_arm(log, "a2")["captions"].correct


def test_the_header_tells_what_was_asked_of_whom(data: Path, tmp_path: Path) -> None:
    header = ask(data, tmp_path / "run", "none", "graph~drop:0.5").header
    assert header.benchmark == "jsonl"
    assert set(header.data) == {"questions.jsonl", "captions_1fps.json"}
    assert header.questions == 6
    assert header.arms["graph~drop:0.5"]["rate"] == 0.5
    assert header.model == "embedded"
    assert {"reelgraph", "python", "code", "langchain"} <= set(header.versions)
    assert header.config["seed"] == 0


def test_all_arms_get_the_questions_that_each_can_be_asked(data: Path, tmp_path: Path) -> None:
    lines = (data / "questions.jsonl").read_text().splitlines()
    bare = json.dumps({k: v for k, v in json.loads(lines[0]).items() if k != "graph"})
    (data / "questions.jsonl").write_text("\n".join([bare, *lines[1:]]))
    said: list[str] = []
    log = ask(data, tmp_path / "run", "none", "graph", say=said.append)
    assert [len(log.of(arm)) for arm in log.arms] == [5, 5]
    assert "1 of 6 questions are left out" in said[0]
    assert "arm graph needs a graph" in str(log.header.config["left_out"])
    assert len(ask(data, tmp_path / "alone", "none").records) == 6


# -- stopping and going on -----------------------------------------------------------------


def test_what_is_in_the_log_is_not_asked_again(data: Path, tmp_path: Path) -> None:
    whole = ask(data, tmp_path / "run", cache=False)
    path = tmp_path / "run" / "records.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    for kept in (0, 1, 7, len(lines)):
        path.write_bytes(
            b"".join(lines[:kept]) + lines[kept][:50] if kept < len(lines) else b"".join(lines)
        )
        assert told(ask(data, tmp_path / "run", cache=False)) == told(whole)
        assert path.read_bytes().startswith(b"".join(lines[:kept]))


def test_a_killed_run_goes_on(data: Path, tmp_path: Path) -> None:
    script = (
        "import sys\nfrom reelgraph.eval import run\n"
        f"run('jsonl', {str(data)!r}, arms={ARMS!r}, out=sys.argv[1], cache=False)\n"
    )
    path = tmp_path / "run" / "records.jsonl"
    child = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "run")])
    deadline = time.monotonic() + 60
    while not (path.exists() and path.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.002)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    killed = path.read_bytes().count(b"\n")
    log = ask(data, tmp_path / "run", cache=False)
    assert killed >= 1
    assert told(log) == told(ask(data, tmp_path / "other", cache=False))


def test_a_run_is_stopped_by_one_interrupt(data: Path, tmp_path: Path) -> None:
    class Interrupting(NullProgress):
        @contextmanager
        def stage(self, name: str, total: float | None = None) -> Iterator[Any]:
            yield self

        def note(self, text: str) -> None:
            pass

        def advance(self, steps: float = 1.0) -> None:
            signal.raise_signal(signal.SIGINT)

    # A shell's background jobs are started with interrupts ignored; these tests may be one.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            ask(data, tmp_path / "run", progress=Interrupting())
    finally:
        signal.signal(signal.SIGINT, before)
    assert 1 <= len(read_run(tmp_path / "run").records) < 10
    assert ask(data, tmp_path / "run").missing == 0


def test_answers_do_not_depend_on_the_order_of_the_questions(data: Path, tmp_path: Path) -> None:
    first = ask(data, tmp_path / "run", config=Config(limit=4))
    path = data / "questions.jsonl"
    path.write_text("\n".join(reversed(path.read_text().splitlines())))
    assert told(ask(data, tmp_path / "other", config=Config(limit=4))) == told(first)


@pytest.mark.parametrize("count", [2, 3])
def test_shards_merged_are_one_run(count: int, data: Path, tmp_path: Path) -> None:
    parts = [tmp_path / f"{k}of{count}" for k in range(1, count + 1)]
    for number, part in enumerate(parts, start=1):
        ask(data, part, shard=(number, count))
    merged = read_run(*parts)
    whole = ask(data, tmp_path / "run")
    assert told(merged) == told(whole)
    assert merged.header.same_as(whole.header)
    assert merged.missing == 0
    videos = [len({r.video for r in read_run(part).records}) for part in parts]
    assert videos == ([2, 1] if count == 2 else [1, 1, 1])


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "a/b", "1/2/3"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    assert parse_shard("2/3") == (2, 3)
    with pytest.raises(EvalError, match="1/2"):
        parse_shard(text)


# -- the request cache ---------------------------------------------------------------------


def keys(data: Path, *arms: str, **options: Any) -> dict[str, str]:
    """The cache keys of question a1 by arm."""
    benchmark = load_benchmark("jsonl", data)
    showing = Showing(benchmark, **options)
    question = benchmark.questions[0]
    return {
        arm.name: askers_for([arm], "embedded")[arm.name]
        .request(arm, question, showing.shown(arm, question))
        .key
        for arm in parse_arms(arms)
    }


def test_replies_are_used_again(data: Path, tmp_path: Path) -> None:
    first = ask(data, tmp_path / "one")
    again = ask(data, tmp_path / "two")
    assert not any(r.cached for r in first.records)
    assert all(r.cached for r in again.records)
    assert told(first) == told(again)
    assert not any(r.cached for r in ask(data, tmp_path / "three", cache=False).records)


def test_a_changed_graph_changes_the_key(data: Path) -> None:
    before = keys(data, "none", "captions", "graph", "captions+graph")
    write_json(data / "graphs" / "a.json", made_graph("a", "catch"))
    after = keys(data, "none", "captions", "graph", "captions+graph")
    assert [before[arm] == after[arm] for arm in before] == [True, True, False, False]


def test_a_changed_graph_is_another_run(data: Path, tmp_path: Path) -> None:
    ask(data, tmp_path / "run")
    write_json(data / "graphs" / "a.json", made_graph("a", "catch"))
    with pytest.raises(EvalError, match="different runs: config"):
        ask(data, tmp_path / "run")


def test_changed_captions_change_the_key(data: Path) -> None:
    before = keys(data, "captions", "graph")
    write_json(data / "captions_1fps.json", {name: {"0": "Other words."} for name in "abc"})
    after = keys(data, "captions", "graph")
    assert [before[arm] == after[arm] for arm in before] == [False, True]


def test_the_seed_changes_the_key_of_what_is_spoilt_by_chance(data: Path) -> None:
    before, after = (keys(data, "graph", "graph~shift:1", seed=s) for s in (0, 1))
    assert before["graph"] == after["graph"]
    assert before["graph~shift:1"] != after["graph~shift:1"]


def test_another_videos_graph_is_shown_where_that_is_asked_for(data: Path) -> None:
    benchmark = load_benchmark("jsonl", data)
    showing, arm = Showing(benchmark), parse_arm("graph~other:1")
    told_of = {q.video: showing.shown(arm, q).graph_text for q in benchmark.questions}
    verbs = {"a": "hold", "b": "push", "c": "throw"}
    assert all(verb in told_of[video] for video, verb in verbs.items())
    alone = load_benchmark("jsonl", data)
    alone = replace(alone, questions=alone.questions[:2])
    with pytest.raises(EvalError, match="at least two videos"):
        Showing(alone).shown(arm, alone.questions[0])


def told_request(model: Any, data: Path, arm: str, **options: Any) -> Request:
    benchmark = load_benchmark("jsonl", data)
    question, shape = benchmark.questions[0], parse_arm(arm)
    shown = Showing(benchmark, **options).shown(shape, question)
    return askers_for([shape], model)[shape.name].request(shape, question, shown)


def test_frames_and_their_file_are_part_of_the_key(
    data: Path, make_video: Callable[..., Path]
) -> None:
    model = ScriptedChatModel(["A"])
    make_video(data / "a.mp4")
    first = told_request(model, data, "frames")
    assert told_request(model, data, "frames", frames=4).key != first.key
    assert told_request(model, data, "frames+graph").key != first.key
    before = first.key
    make_video(data / "a.mp4", times_ms=tuple(range(0, 800, 40)))
    assert told_request(model, data, "frames").key != before


# -- chat models ---------------------------------------------------------------------------


class Letters:
    """Answers every question with a letter, and remembers what it was told."""

    def __init__(self, reply: str = "B") -> None:
        self.reply = reply
        self.told: list[list[BaseMessage]] = []

    def __call__(self, messages: list[BaseMessage]) -> AIMessage:
        self.told.append(messages)
        usage = {"input_tokens": 100, "output_tokens": 1, "total_tokens": 101}
        return AIMessage(self.reply, usage_metadata=usage)

    @property
    def texts(self) -> list[str]:
        return [message.text for messages in self.told for message in messages]


@pytest.mark.parametrize(
    ("arm", "has"),
    [
        ("none", (False, False)),
        ("captions", (True, False)),
        ("graph-text", (False, True)),
        ("captions+graph", (True, True)),
    ],
)
def test_a_model_is_told_what_its_arm_shows_and_no_more(
    arm: str, has: tuple[bool, bool], data: Path, tmp_path: Path
) -> None:
    letters = Letters()
    log = ask(data, tmp_path / "run", arm, model=ScriptedChatModel(letters))
    assert len(letters.texts) == 6
    for text in letters.texts:
        assert ("They eat it now." in text, "<graph>" in text) == has
        assert "B. throw it" in text
    assert {r.prediction for r in log.records} == {1}
    assert sum(r.usage.input_tokens for r in log.records) == 600


def test_a_model_sees_frames_of_the_time_that_is_asked_about(
    data: Path, tmp_path: Path, make_video: Callable[..., Path]
) -> None:
    make_video(data / "a.mp4", times_ms=tuple(range(0, 4000, 100)))
    lines = (data / "questions.jsonl").read_text().splitlines()
    path = data / "questions.jsonl"
    path.write_text(json.dumps(json.loads(lines[0]) | {"during": [1, 3]}))
    letters = Letters()
    ask(data, tmp_path / "run", "frames+graph", model=ScriptedChatModel(letters),
        config=Config(frames=2))  # fmt: skip
    content = letters.told[0][0].content
    assert [block["type"] for block in content] == ["image", "image", "text"]  # type: ignore[index]
    assert "2 frames, at 1.5, 2.5 s" in letters.texts[0]
    assert isinstance(letters.told[0][0], HumanMessage)


def test_a_model_asks_the_graph_by_tools(data: Path, tmp_path: Path) -> None:
    def script(messages: list[BaseMessage]) -> AIMessage:
        if any(message.type == "tool" for message in messages):
            return draft("[o1] throws [o2] [r1].", ["r1"], choice=1)
        return call("find_relations")

    log = ask(data, tmp_path / "run", "graph", model=ScriptedChatModel(script))
    first = by_arm(log, "a1")["graph"]
    assert (first.prediction, first.correct, first.evidence.relations) == (1, True, ("r1",))
    assert first.usage.model_calls == 2


@pytest.mark.parametrize(("reply", "parsed"), [("B", True), ("I am not sure.", False), ("", False)])
def test_a_reply_that_cannot_be_read_is_wrong_and_counted(
    reply: str, parsed: bool, data: Path, tmp_path: Path
) -> None:
    log = ask(data, tmp_path / "run", "none", model=ScriptedChatModel(Letters(reply)))
    assert {r.parsed for r in log.records} == {parsed}
    assert all(r.prediction is not None or r.correct is False for r in log.records)


def test_answers_at_once_are_the_same(data: Path, tmp_path: Path) -> None:
    logs = [
        ask(data, tmp_path / str(n), "none", "captions", model=ScriptedChatModel(Letters()),
            at_once=n, cache=False)
        for n in (1, 8)
    ]  # fmt: skip
    assert told(logs[0]) == told(logs[1])


# -- failures ------------------------------------------------------------------------------


class Failing:
    """Fails at some calls."""

    def __init__(self, error: Exception, *calls: int) -> None:
        self.error = error
        self.calls = calls
        self.count = 0

    def __call__(self, messages: list[BaseMessage]) -> AIMessage | Exception:
        self.count += 1
        return self.error if self.count in self.calls else AIMessage("B")


def test_a_provider_that_is_busy_is_asked_again(data: Path, tmp_path: Path) -> None:
    failing = Failing(ProviderError("busy", retryable=True), 1, 2, 5)
    log = ask(data, tmp_path / "run", "none", model=ScriptedChatModel(failing))
    assert [r.error for r in log.records] == [None] * 6
    assert failing.count == 9


@pytest.mark.parametrize("error", [ProviderError("refused"), ZeroDivisionError("oops")])
def test_a_failure_is_a_record_and_the_run_goes_on(
    error: Exception, data: Path, tmp_path: Path
) -> None:
    model = ScriptedChatModel(Failing(error, 2))
    log = ask(data, tmp_path / "run", "none", model=model, at_once=1)
    failed = [r for r in log.records if r.error is not None]
    assert [str(error) in str(r.error) for r in failed] == [True]
    assert (failed[0].correct, failed[0].parsed, failed[0].prediction) == (False, False, None)
    again = ask(data, tmp_path / "run", "none", model=model, at_once=1)
    assert told(again) == told(log)
    mended = ask(data, tmp_path / "run", "none", model=model, retry_failed=True)
    assert all(r.error is None for r in mended.records)


def test_a_failure_is_not_kept_in_the_cache(data: Path, tmp_path: Path) -> None:
    model = ScriptedChatModel(Failing(ProviderError("refused"), *range(1, 7)))
    assert all(r.error for r in ask(data, tmp_path / "one", "none", model=model).records)
    assert not any(r.error for r in ask(data, tmp_path / "two", "none", model=model).records)


def test_a_run_in_which_all_fails_stops(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reelgraph.eval.runner.FAILURES_IN_A_ROW", 3)
    model = ScriptedChatModel(Failing(ProviderError("no credit"), *range(1, 20)))
    with pytest.raises(EvalError, match=r"3 answers in a row failed.*no credit.*--retry-failed"):
        ask(data, tmp_path / "run", "none", model=model, at_once=1)
    assert len(read_run(tmp_path / "run").records) == 3


# -- before it starts ----------------------------------------------------------------------


def test_what_the_run_can_find_is_told(data: Path, tmp_path: Path) -> None:
    said: list[str] = []
    ask(data, tmp_path / "run", "none", "graph", say=said.append)
    assert "6 questions find no difference between two arms" in said[0]
    alone: list[str] = []
    ask(data, tmp_path / "alone", "none", say=alone.append)
    assert not any("between two arms" in sentence for sentence in alone)


def test_costs_are_told_before_anything_is_sent(data: Path, tmp_path: Path) -> None:
    letters, said = Letters(), []
    shared: dict[str, Any] = {
        "arms": ["captions"],
        "out": tmp_path / "run",
        "model": ScriptedChatModel(letters),
    }
    assert (
        run(
            "jsonl",
            data,
            dry=True,
            manner=Manner(say=said.append, prices=Prices(10, 100)),
            **shared,
        )
        is None
    )
    assert letters.told == []
    assert not (tmp_path / "run").exists()
    assert "6 answers" in said[0]
    assert "tokens in" in said[0]
    assert "about $0.0" in said[0]
    ask(data, tmp_path / "run", "captions", model=ScriptedChatModel(letters))
    again: list[str] = []
    run("jsonl", data, dry=True, manner=Manner(say=again.append), **shared)
    assert "6 are in the log" in again[0]


@pytest.mark.parametrize(
    ("arms", "problem"),
    [
        (["frames"], "sees no frames"),
        (["truth~melt:1"], "drop, relabel, swap, shift, other"),
        (["answers:absent.json"], "cannot be read"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_it_starts(
    arms: list[str], problem: str, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(EvalError, match=problem):
        run("jsonl", data, arms=arms, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_data_without_what_an_arm_needs_says_what_is_lacking(tmp_path: Path) -> None:
    folder = MAKERS["nextqa"](tmp_path / "data")
    with pytest.raises(EvalError, match=r"arm graph needs a graph \(--graphs PATH"):
        run("nextqa", folder, arms=["none", "graph"], out=tmp_path / "run")


def test_the_embedded_model_chooses_by_captions_among_options_only(tmp_path: Path) -> None:
    folder = MAKERS["nextoe"](tmp_path / "data")
    write_json(folder / "captions_1fps.json", {"1001": {"0": "words"}})
    with pytest.raises(EvalError, match="the question is open"):
        run("nextoe", folder, arms=["captions"], out=tmp_path / "run")


def test_an_unknown_option_is_an_error() -> None:
    with pytest.raises(ValueError, match="frames"):
        Config(frames=0)


# -- graphs from pixels, published answers -------------------------------------------------


def test_published_answers_are_an_arm(data: Path, tmp_path: Path) -> None:
    answers = {
        "a1": {"prediction": 1, "answer": 1},
        "a2": {"prediction": 9},
        "b1": {"prediction": 4},
    }
    path = write_json(tmp_path / "hga.json", answers)
    log = ask(data, tmp_path / "run", "none", f"answers:{path}")
    assert [(r.question_id, r.correct, r.parsed) for r in log.of("hga")] == [
        ("a1", True, True),
        ("a2", False, False),
        ("b1", False, True),
    ]
    assert len(log.of("none")) == 3


def test_published_predictions_of_hga_have_the_published_accuracy(
    data_dir: Path, tmp_path: Path
) -> None:
    folder = data_dir / "nextqa_vidor"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent")
    arm = f"answers:{folder / 'hga_predictions.json'}"
    log = run("nextqa", folder, arms=[arm], out=tmp_path / "run", cache=False)
    assert log is not None
    right: dict[str, list[bool]] = {"all": [bool(r.correct) for r in log.records]}
    for record in log.records:
        right.setdefault(log.header.groups[record.type], []).append(bool(record.correct))
    found = {
        name: (len(rows), round(100 * sum(rows) / len(rows), 2)) for name, rows in right.items()
    }
    assert found == {
        "all": (2552, 50.59),
        "causal": (1341, 46.09),
        "temporal": (822, 53.16),
        "descriptive": (389, 60.67),
    }


def test_a_run_can_be_started_where_a_loop_is_running(data: Path, tmp_path: Path) -> None:
    async def inside() -> RunLog:
        return ask(data, tmp_path / "run", "none")

    assert len(asyncio.run(inside()).records) == 6
