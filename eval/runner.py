"""The runner: asks every question of every arm, once, and logs each answer as it comes.

A run that was stopped goes on where it was: what is in the log is not asked again. Answers
do not depend on the order in which they come, on the number that is asked at once, or on how
the run is divided into shards.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from langchain_core.language_models import BaseChatModel

from reelgraph.agent.models import EMBEDDED
from reelgraph.agent.redaction import redacted
from reelgraph.errors import EvalError, ProviderError, ReelgraphError
from reelgraph.eval.arms import Arm, parse_arms
from reelgraph.eval.asking import Asker, Request
from reelgraph.eval.benchmarks import load_benchmark
from reelgraph.eval.benchmarks.question import Benchmark, Question
from reelgraph.eval.cache import RequestCache
from reelgraph.eval.estimate import Prices, estimate, sensitivity, shown_seconds
from reelgraph.eval.log import LogWriter, Record, RunLog, read_run
from reelgraph.eval.plan import Config, Plan, make_plan
from reelgraph.eval.reply import Reply
from reelgraph.eval.scoring import is_right
from reelgraph.eval.showing import Showing
from reelgraph.progress import NullProgress, Progress, Stage

if TYPE_CHECKING:
    from reelgraph.tools.pipeline import Pipeline

__all__ = ["Manner", "run"]

TRIES: Final = 4
"""How often a request is sent that the provider may answer later."""
WAIT_S: Final = 2.0
"""Seconds before the second try; each further wait is twice as long."""
FAILURES_IN_A_ROW: Final = 20
"""After so many the run stops: something is wrong with all of it."""

Say = Callable[[str], None]


def run(
    benchmark: str | Benchmark,
    data: str | Path | None = None,
    *,
    arms: Sequence[str],
    out: str | Path,
    model: str | BaseChatModel = EMBEDDED,
    config: Config | None = None,
    shard: tuple[int, int] | None = None,
    cache: str | Path | bool = True,
    pipeline: Pipeline | None = None,
    dry: bool = False,
    manner: Manner | None = None,
    **material: str | Path | None,
) -> RunLog | None:
    """Ask the questions of a benchmark and return the log.

    Args:
        benchmark: A registered name, or a benchmark that was read.
        data: Where its files are; not needed for a benchmark that was read.
        arms: What the model is shown, by name (`reelgraph.eval.arms`).
        out: The run's folder. One that holds the same run goes on with it.
        model: ``"embedded"``, any LangChain model name, or a chat model.
        config: Options that may change an answer.
        shard: ``(k, n)`` to ask only the k-th of n parts; see `reelgraph.eval.log.read_run`.
        cache: Whether replies are kept and used again, or the folder for it.
        pipeline: Builds the graphs of videos that have none.
        dry: Whether to stop after the estimate; then nothing is written and None returned.
        manner: Options that change no answer.
        **material: ``split``, ``graphs``, ``captions`` and ``videos`` in place of the data's
            own; see `reelgraph.eval.benchmarks.load_benchmark`.

    Raises:
        EvalError: If the run cannot be made as asked, or nearly everything fails.
        AgentError: If there is no such model, or its key is missing.

    Example:
        >>> from reelgraph.eval import run
        >>> log = run("nextqa", "nextqa/", arms=["none", "graph"], out="runs/a")  # doctest: +SKIP
    """
    found, config = _read(benchmark, data, material), config or Config()
    showing = Showing(
        found,
        seed=config.seed,
        frames=config.frames,
        graph_tokens=config.graph_tokens,
        pipeline=pipeline,
    )
    plan = make_plan(found, parse_arms(arms), model, showing, config=config, shard=shard)
    with _opened(cache) as requests:
        job = Job(plan, requests, manner or Manner())
        if dry:
            job.look(Path(out))
            return None
        return job.carry_out(Path(out))


def _read(
    benchmark: str | Benchmark, data: str | Path | None, material: Mapping[str, str | Path | None]
) -> Benchmark:
    """Return a benchmark that was read, or read it."""
    if not isinstance(benchmark, str):
        if data is not None or material:
            raise EvalError("a benchmark that was read has its data; leave out data and the rest")
        return benchmark
    if data is None:
        raise EvalError(f"name the folder with the data of {benchmark!r}: data=...")
    return load_benchmark(benchmark, data, **material)  # type: ignore[arg-type]


def _opened(cache: str | Path | bool) -> AbstractContextManager[RequestCache | None]:
    if cache is False:
        return nullcontext()
    return RequestCache(None if cache is True else Path(cache))


def _unsaid(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Manner:
    """How a run is carried out; no answer depends on it.

    Attributes:
        at_once: How many requests wait for a provider at the same time.
        retry_failed: Whether to ask again what failed.
        prices: What tokens cost, for the estimate.
        progress: Shows how far the run is.
        say: Told the estimate before the run starts and what was left out.
    """

    at_once: int = 8
    retry_failed: bool = False
    prices: Prices | None = None
    progress: Progress = field(default_factory=NullProgress)
    say: Say = _unsaid


@dataclass(frozen=True)
class Job:
    """A plan, the cache, and how it is carried out."""

    plan: Plan
    cache: RequestCache | None
    manner: Manner

    @property
    def workers(self) -> int:
        """How many answers are waited for at the same time: the embedded model keeps none."""
        return 1 if self.plan.header.model == EMBEDDED else self.manner.at_once

    def look(self, out: Path) -> None:
        """Say what is still to do, and do nothing."""
        self.announce(read_run(out).records if out.is_dir() and any(out.iterdir()) else ())

    def carry_out(self, out: Path) -> RunLog:
        """Give every answer that the folder does not hold yet, and return the log."""
        with LogWriter(out, self.plan.header) as writer:
            self.announce(writer.records)
            todo = self.todo(writer.records)
            if todo:
                with self.manner.progress.stage("answers", len(todo)) as stage:
                    _finish(_ask(self, todo, writer, stage))
        return read_run(out)

    def todo(self, records: Sequence[Record]) -> list[tuple[Arm, Question]]:
        """Return what is still to be answered."""
        done = {
            (r.arm, r.question_id)
            for r in records
            if not (self.manner.retry_failed and r.error is not None)
        }
        return [task for task in self.plan.tasks() if (task[0].name, task[1].id) not in done]

    def announce(self, records: Sequence[Record]) -> None:
        """Say what was left out, and what is to come."""
        for sentence in filter(None, (self.plan.left_out, sensitivity(self.plan))):
            self.manner.say(sentence)
        todo = self.todo(records)
        total = len(self.plan.questions) * len(self.plan.arms)
        askers = self.plan.askers()
        found = estimate(self.plan, todo, askers, self.cache, self.manner.prices, total - len(todo))
        self.manner.say(str(found))


def _finish(work: Coroutine[None, None, None]) -> None:
    """Run to the end, also where a loop is running, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work)
        return
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@dataclass
class _Tally:
    """How a run goes: for its progress, and to stop it where all fails."""

    begun: float = field(default_factory=time.perf_counter)
    right: dict[str, int] = field(default_factory=dict)
    scored: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    in_a_row: int = 0
    tokens: tuple[int, int] = (0, 0)

    def add(self, record: Record) -> None:
        """Count an answer.

        Raises:
            EvalError: If too many failed one after the other.
        """
        self.failed += record.error is not None
        self.in_a_row = self.in_a_row + 1 if record.error is not None else 0
        if self.in_a_row >= FAILURES_IN_A_ROW:
            raise EvalError(
                f"stopped: {self.in_a_row} answers in a row failed, the last one: {record.error} "
                "Mend that and run the same command with --retry-failed"
            )
        if record.correct is not None:
            self.right[record.arm] = self.right.get(record.arm, 0) + record.correct
            self.scored[record.arm] = self.scored.get(record.arm, 0) + 1
        used = record.usage
        if not record.cached:
            self.tokens = self.tokens[0] + used.input_tokens, self.tokens[1] + used.output_tokens

    def note(self, prices: Prices | None) -> str:
        """Return a short remark: accuracy by arm, failures, money."""
        parts = [f"{arm} {100 * self.right[arm] / n:.0f}%" for arm, n in self.scored.items()]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if prices is not None:
            paid = self.tokens[0] * prices.input + self.tokens[1] * prices.output
            parts.append(f"${paid / 1_000_000:.2f}")
        return ", ".join(parts)


async def _ask(
    job: Job, todo: Sequence[tuple[Arm, Question]], writer: LogWriter, stage: Stage
) -> None:
    """Give all answers: the first question's alone, to tell the time, the rest at once."""
    tally, askers = _Tally(), job.plan.askers()
    first = [task for task in todo if task[1].id == todo[0][1].id]
    rest = [task for task in todo if task[1].id != todo[0][1].id]
    await _work(job, askers, iter(first), writer, stage, tally)
    if not rest:
        return
    seconds = (time.perf_counter() - tally.begun) * len(rest) / len(first) / job.workers
    job.manner.say(f"about {shown_seconds(seconds)} to go, by the first {len(first)} answers")
    tasks = iter(rest)
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(min(job.workers, len(rest))):
                # An agent keeps what it made of a graph, so workers do not share one.
                own = askers if number == 0 else job.plan.askers()
                group.create_task(_work(job, own, tasks, writer, stage, tally))
    except ExceptionGroup as several:
        # They stop for one reason; a group of one and the same error helps nobody.
        raise several.exceptions[0] from several


async def _work(
    job: Job,
    askers: Mapping[str, Asker],
    tasks: Iterator[tuple[Arm, Question]],
    writer: LogWriter,
    stage: Stage,
    tally: _Tally,
) -> None:
    """Take tasks one after the other."""
    for arm, question in tasks:
        record = await _answer(job, askers[arm.name], arm, question, writer)
        writer.append(record)
        tally.add(record)
        stage.note(tally.note(job.manner.prices))
        stage.advance()
        # The embedded model never waits; without this, Ctrl-C would not be heard.
        await asyncio.sleep(0)


async def _answer(
    job: Job, asker: Asker, arm: Arm, question: Question, writer: LogWriter
) -> Record:
    """Return the record of one answer; a failure is a record too."""
    begun = time.perf_counter()
    blank = _blank(job.plan, arm, question)
    try:
        shown = job.plan.showing.shown(arm, question)
        request = asker.request(arm, question, shown)
        if shown.graph is not None:
            text = writer.keep_text(shown.graph_text)
            blank = _with(blank, graph_hash=shown.graph_hash, graph_text=text)
        blank = _with(blank, request_hash=request.key, prompt_hash=request.prompt_hash)
        found = None if job.cache is None else job.cache.get(request.key)
        reply = found or await _sent(asker, request)
    except ReelgraphError as error:
        return _failed(blank, str(error), begun)
    except Exception as error:  # noqa: BLE001 - one answer must not end a run of hours
        return _failed(blank, redacted(f"{type(error).__name__}: {error}"), begun)
    if found is None and job.cache is not None:
        job.cache.put(request.key, reply)
    return _record(blank, question, reply, cached=found is not None, begun=begun)


async def _sent(asker: Asker, request: Request) -> Reply:
    """Return the reply; what a provider may answer later is sent again, after a wait."""
    for number in range(1, TRIES):
        try:
            return await asker.reply(request)
        except ProviderError as error:
            if not error.retryable:
                raise
            await asyncio.sleep(WAIT_S * 2 ** (number - 1))
    return await asker.reply(request)


def _blank(plan: Plan, arm: Arm, question: Question) -> Record:
    """Return the record of a question before it is answered."""
    return Record(
        question_id=question.id,
        video=question.video,
        cluster=question.video,
        type=question.type,
        arm=arm.name,
        question=question.text,
        choices=question.choices,
        gold="" if question.answer is None else question.answer,
        also_right=question.also_right,
        correct=None if question.answer is None else False,
        gold_spans=question.spans,
        duration_s=question.duration_s,
        model=arm.name if arm.answers else plan.header.model,
    )


def _with(record: Record, **values: object) -> Record:
    """Return a record with some values changed."""
    return record.model_copy(update=values)


def _failed(blank: Record, error: str, begun: float) -> Record:
    return _with(blank, error=error, parsed=False, seconds=time.perf_counter() - begun)


def _record(
    blank: Record, question: Question, reply: Reply, *, cached: bool, begun: float
) -> Record:
    return _with(
        blank,
        prediction=reply.prediction,
        correct=is_right(question, reply.prediction),
        parsed=reply.parsed,
        abstained=reply.abstained,
        text=reply.text,
        confidence=reply.confidence,
        evidence=reply.evidence,
        predicted_spans=reply.spans,
        usage=reply.usage,
        cached=cached,
        seconds=time.perf_counter() - begun,
    )
