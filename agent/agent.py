"""The agent: a question and a video in, a checked answer with evidence out."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

from reelgraph.agent.answer import Answer, AnswerDraft
from reelgraph.agent.budget import Meter
from reelgraph.agent.conversation import Conversation, Outcome, RunModel, steps_of
from reelgraph.agent.events import AnswerReady, Event, StageStarted, ToolCalled
from reelgraph.agent.inputs import checked_request, checked_window
from reelgraph.agent.look import Camera, ShowFrames
from reelgraph.agent.models import EMBEDDED, model_name, provider_errors, resolve_model
from reelgraph.agent.request import Request
from reelgraph.agent.tools import graph_tools
from reelgraph.graph.temporal import TemporalGraph
from reelgraph.graph.tracks import Tracks
from reelgraph.progress import NullProgress, Progress
from reelgraph.prompts import load_prompt

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from reelgraph.graph.store import GraphStore
    from reelgraph.tools.base import GraphGenerator, Tracker
    from reelgraph.tools.pipeline import Pipeline

__all__ = ["Asked", "VideoAgent"]

Asked: TypeAlias = str | Path | TemporalGraph
"""What a question is about: a video file, or a graph without one."""

KEPT_SESSIONS = 8
"""How many graphs an agent keeps ready, with their tools and tracks."""


@dataclass(frozen=True, eq=False)
class _Session:
    """A graph with everything made for it once: its tools, its tracks, the compiled loop."""

    graph: TemporalGraph
    tracks: Tracks | None
    graph_id: str
    loop: Any


class VideoAgent:
    """Answers questions about videos.

    Args:
        model: ``"embedded"`` (no key, no network), any LangChain model name such as
            ``"openai:gpt-5"``, or a LangChain chat model.
        pipeline: Builds and keeps graphs; made from the next three if not given.
        tracker: Finds the objects: a registered name, a tracker, or ``"auto"``.
        generators: Describe the objects: names, generators, or ``"auto"``.
        store: Where graphs are kept; the user's cache folder if not given.
        max_model_calls: Most calls of the chat model for one question.
        max_tokens: Most tokens for one question; None for no limit.
        max_seconds: Seconds after which one question makes no further model call; None
            for no limit. Building a graph is not counted.

    Example:
        >>> agent = VideoAgent()
        >>> agent.ask("Who hands the ball?", "clip.mp4").text  # doctest: +SKIP
        'Person #1 (red shirt) hands ball #3 to person #2 (blue shirt) at 5.20 s.'
    """

    def __init__(
        self,
        model: str | BaseChatModel = EMBEDDED,
        *,
        pipeline: Pipeline | None = None,
        tracker: str | Tracker = "auto",
        generators: str | Sequence[str | GraphGenerator] = "auto",
        store: GraphStore | None = None,
        max_model_calls: int = 12,
        max_tokens: int | None = None,
        max_seconds: float | None = 300.0,
    ) -> None:
        self._model_choice = model
        self._pipeline_choice = (pipeline, tracker, generators, store)
        self._limits = (max_model_calls, max_tokens, max_seconds)
        self._model: BaseChatModel | None = None
        self._graph_ids: WeakKeyDictionary[TemporalGraph, str] = WeakKeyDictionary()
        self._sessions: OrderedDict[tuple[object, ...], _Session] = OrderedDict()

    # -- what it is made of --------------------------------------------------------------

    @property
    def model(self) -> BaseChatModel:
        """The chat model, made on first use.

        Raises:
            AgentError: If the name is unknown.
            ProviderError: If the provider's key is missing.
            MissingDependencyError: If the provider's package is not installed.
        """
        if self._model is None:
            self._model = resolve_model(self._model_choice)
        return self._model

    @property
    def pipeline(self) -> Pipeline:
        """What builds and keeps the graphs, made on first use."""
        pipeline, tracker, generators, store = self._pipeline_choice
        if pipeline is None:
            from reelgraph.tools.pipeline import Pipeline

            pipeline = Pipeline(tracker=tracker, generators=generators, store=store)
            self._pipeline_choice = (pipeline, tracker, generators, store)
        return pipeline

    def graph(self, video: str | Path, *, progress: Progress | None = None) -> TemporalGraph:
        """Return the graph of a video, built on first use and kept.

        Raises:
            VideoError: If the file cannot be read as a video.
        """
        return self.pipeline.graph(video, progress=progress or NullProgress())

    def relabel(self, video: str | Path, labels: Mapping[int, str]) -> TemporalGraph:
        """Correct what objects are called; kept for this video.

        Raises:
            QueryError: If the graph has no such object.
        """
        return self.pipeline.relabel(video, labels)

    # -- asking --------------------------------------------------------------------------

    def ask(
        self,
        question: str,
        video: Asked,
        *,
        choices: Sequence[str] | None = None,
        during: tuple[float, float] | None = None,
        allow_unsupported: bool = False,
        progress: Progress | None = None,
    ) -> Answer:
        """Answer a question about a video.

        Args:
            question: In English, at most 4,000 characters (`reelgraph.agent.inputs`).
            video: The video file, or a graph: then no file is opened, nothing is built, and
                the evidence holds times without frames.
            choices: Options of a multiple-choice question, at least two.
            during: Only look at these seconds, ``(start, end)``.
            allow_unsupported: Return the model's answer, flagged, even where the graph
                does not show it; otherwise such an answer abstains.
            progress: Shows how far the graph is.

        Raises:
            AgentError: If question, choices or ``during`` cannot be used.
            VideoError: If the file cannot be read as a video.
            BudgetExceeded: If a limit is reached.
            ProviderError: If the model's provider fails.
        """
        events = self.stream(
            question,
            video,
            choices=choices,
            during=during,
            allow_unsupported=allow_unsupported,
            progress=progress,
        )
        return _last_answer(list(events))

    async def aask(
        self,
        question: str,
        video: Asked,
        *,
        choices: Sequence[str] | None = None,
        during: tuple[float, float] | None = None,
        allow_unsupported: bool = False,
        progress: Progress | None = None,
    ) -> Answer:
        """Answer a question about a video; see `ask`."""
        events = self.astream(
            question,
            video,
            choices=choices,
            during=during,
            allow_unsupported=allow_unsupported,
            progress=progress,
        )
        return _last_answer([event async for event in events])

    def stream(
        self,
        question: str,
        video: Asked,
        *,
        choices: Sequence[str] | None = None,
        during: tuple[float, float] | None = None,
        allow_unsupported: bool = False,
        progress: Progress | None = None,
    ) -> Iterator[Event]:
        """Yield what happens while a question is answered; the last event is the answer.

        Arguments and errors are those of `ask`.
        """
        request = checked_request(question, choices, allow_unsupported=allow_unsupported)
        yield StageStarted("graph", _shown(video))
        talk = self._conversation(request, video, during, progress)
        session, conversation = talk
        run = conversation.run()
        item: RunModel | Event | None = next(run, None)
        while item is not None:
            if not isinstance(item, RunModel):
                yield item
                item = next(run, None)
                continue
            state: dict[str, Any] = {}
            for state in self._states(session, conversation.meter, item):
                yield from _called(state)
            item = run.send(_outcome(state))

    async def astream(
        self,
        question: str,
        video: Asked,
        *,
        choices: Sequence[str] | None = None,
        during: tuple[float, float] | None = None,
        allow_unsupported: bool = False,
        progress: Progress | None = None,
    ) -> AsyncIterator[Event]:
        """Yield what happens while a question is answered; see `stream`."""
        request = checked_request(question, choices, allow_unsupported=allow_unsupported)
        yield StageStarted("graph", _shown(video))
        session, conversation = await asyncio.to_thread(
            self._conversation, request, video, during, progress
        )
        run = conversation.run()
        item: RunModel | Event | None = next(run, None)
        while item is not None:
            if not isinstance(item, RunModel):
                yield item
                item = next(run, None)
                continue
            state: dict[str, Any] = {}
            async for state in self._astates(session, conversation.meter, item):
                for event in _called(state):
                    yield event
            item = run.send(_outcome(state))

    # -- shared --------------------------------------------------------------------------

    def _conversation(
        self,
        request: Request,
        video: Asked,
        during: tuple[float, float] | None,
        progress: Progress | None,
    ) -> tuple[_Session, Conversation]:
        """Return the graph's session and a conversation about it."""
        begun = time.perf_counter()
        session = self._session(video, during, progress or NullProgress())
        calls, tokens, seconds = self._limits
        meter = Meter(max_model_calls=calls, max_tokens=tokens, max_seconds=seconds)
        conversation = Conversation(
            request,
            session.graph,
            session.tracks,
            meter,
            model_name(self.model),
            session.graph_id,
            {"graph": time.perf_counter() - begun},
        )
        return session, conversation

    def _session(
        self, video: Asked, during: tuple[float, float] | None, progress: Progress
    ) -> _Session:
        """Return what is needed to answer from a video or a graph, made once for each."""
        path = None if isinstance(video, TemporalGraph) else video
        graph = video if isinstance(video, TemporalGraph) else self._built(video, progress)
        graph_id = self._graph_id(graph)
        if during is not None:
            during = checked_window(during, graph.video.duration_s)
        key = (graph_id, during, path is None)
        if key not in self._sessions:
            part = graph if during is None else graph.between(*during)
            self._sessions[key] = self._new_session(path, part, graph_id, during, progress)
            while len(self._sessions) > KEPT_SESSIONS:
                self._sessions.popitem(last=False)
        self._sessions.move_to_end(key)
        return self._sessions[key]

    def _built(self, video: str | Path, progress: Progress) -> TemporalGraph:
        return self.pipeline.graph(video, progress=progress)

    def _graph_id(self, graph: TemporalGraph) -> str:
        """Return the hash of a graph's document, computed once for each graph."""
        if graph not in self._graph_ids:
            data = graph.document.model_dump_json().encode()
            self._graph_ids[graph] = hashlib.sha256(data).hexdigest()[:16]
        return self._graph_ids[graph]

    def _new_session(
        self,
        video: str | Path | None,
        graph: TemporalGraph,
        graph_id: str,
        during: tuple[float, float] | None,
        progress: Progress,
    ) -> _Session:
        from langchain.agents import create_agent
        from langchain.agents.structured_output import ToolStrategy

        tracks = None if video is None else self.pipeline.tracks(video, progress=progress)
        camera = None
        if video is not None and model_name(self.model) != EMBEDDED:
            camera = Camera(video, tracks, inline=False)
        loop = create_agent(
            self.model,
            graph_tools(graph, tracks=tracks, camera=camera, during=during),
            system_prompt=load_prompt("system").render(),
            middleware=[ShowFrames(camera)] if camera else [],
            response_format=ToolStrategy(AnswerDraft),
        )
        return _Session(graph, tracks, graph_id, loop)

    def _states(self, session: _Session, meter: Meter, item: RunModel) -> Iterator[dict[str, Any]]:
        with provider_errors(self.model):
            yield from session.loop.stream(
                {"messages": item.messages}, {"callbacks": [meter]}, stream_mode="values"
            )

    async def _astates(
        self, session: _Session, meter: Meter, item: RunModel
    ) -> AsyncIterator[dict[str, Any]]:
        with provider_errors(self.model):
            async for state in session.loop.astream(
                {"messages": item.messages}, {"callbacks": [meter]}, stream_mode="values"
            ):
                yield state


def _called(state: dict[str, Any]) -> list[ToolCalled]:
    """Return the tool calls whose results came with the last step of the loop."""
    messages = state.get("messages", [])
    last = max((i for i, m in enumerate(messages) if m.type == "ai"), default=len(messages))
    if len(messages) - last < 2:
        return []
    return [ToolCalled(step) for step in steps_of(messages[last:])]


def _shown(video: Asked) -> str:
    return video.video.path if isinstance(video, TemporalGraph) else str(video)


def _outcome(state: dict[str, Any]) -> Outcome:
    return Outcome(list(state.get("messages", [])), state.get("structured_response"))


def _last_answer(events: Sequence[Event]) -> Answer:
    found = [event.answer for event in events if isinstance(event, AnswerReady)]
    return found[-1]
