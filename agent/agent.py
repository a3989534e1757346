"""The agent: a question and a video in, a checked answer with evidence out."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

from reelgraph.agent.answer import Answer
from reelgraph.agent.budget import Limits, Meter
from reelgraph.agent.events import AnswerReady, Event
from reelgraph.agent.inputs import checked_request
from reelgraph.agent.inquiry import Inquiry
from reelgraph.agent.models import EMBEDDED, model_name, resolve_model
from reelgraph.agent.modes import ModeChoice, checked_frames, choose_mode
from reelgraph.agent.opening import Sessions, Window
from reelgraph.agent.scene import Asked, Source, sources_of
from reelgraph.agent.sessions import Session
from reelgraph.errors import AgentError
from reelgraph.graph.temporal import TemporalGraph
from reelgraph.progress import NullProgress, Progress

if TYPE_CHECKING:
    from langchain_core.callbacks import BaseCallbackHandler
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AnyMessage

    from reelgraph.agent.chat import Chat
    from reelgraph.graph.store import GraphStore
    from reelgraph.tools.base import GraphGenerator, Tracker
    from reelgraph.tools.pipeline import Pipeline

__all__ = ["AskOptions", "VideoAgent"]


class AskOptions(TypedDict, total=False):
    """What `VideoAgent.ask` and its siblings take by name.

    Attributes:
        choices: Options of a multiple-choice question, at least two.
        during: Only look at these seconds, ``(start, end)``.
        allow_unsupported: Return the model's answer, flagged, even where the graph does
            not show it; otherwise such an answer abstains.
        frames: How many frames of each video go with the question, for models that see.
        progress: Shows how far the graph is.
        callbacks: LangChain callbacks (LangSmith, OpenTelemetry, your own); none by default.
    """

    choices: Sequence[str] | None
    during: tuple[float, float] | None
    allow_unsupported: bool
    frames: int
    progress: Progress | None
    callbacks: Sequence[BaseCallbackHandler]


class VideoAgent:
    """Answers questions about videos. Safe to share between threads and tasks.

    Args:
        model: ``"embedded"`` (no key, no network), any LangChain model name such as
            ``"openai:gpt-5"``, or a LangChain chat model.
        pipeline: Builds and keeps graphs; made from the next three if not given.
        tracker: Finds the objects: a registered name, a tracker, or ``"auto"``.
        generators: Describe the objects: names, generators, or ``"auto"``.
        store: Where graphs are kept; the user's cache folder if not given.
        mode: How the model gets at the graph: ``"tools"``, ``"context"`` (the graph as
            text in the prompt, for models without tool calling), or ``"auto"``.
        build: ``"eager"`` builds the graph before the model is asked; ``"lazy"`` when a tool
            first needs it, so that a model that sees may answer about a frame without.
        max_model_calls: Most calls of the chat model for one question.
        max_tokens: Most tokens for one question; None for no limit.
        max_seconds: Most seconds for one question, during a single slow call too; None
            for no limit. Building a graph is not counted.
        max_usd: Most US dollars for one question, by ``prices``; None for no limit.
        prices: US dollars for a million tokens: ``{"input": 1.25, "output": 10.0}``.
        context_tokens: Most tokens of graph text in mode ``"context"``.

    Raises:
        AgentError: If a limit or another option makes no sense.

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
        mode: ModeChoice = "auto",
        build: Literal["eager", "lazy"] = "eager",
        max_model_calls: int = 12,
        max_tokens: int | None = None,
        max_seconds: float | None = 300.0,
        max_usd: float | None = None,
        prices: Mapping[str, float] | None = None,
        context_tokens: int = 8000,
    ) -> None:
        self._model_choice = model
        self._pipeline_choice = (pipeline, tracker, generators, store)
        self._mode_choice: ModeChoice = mode
        self._limits = Limits(max_model_calls, max_tokens, max_seconds, max_usd, prices)
        if build not in ("eager", "lazy"):
            raise AgentError(f"build={build!r} is none of 'eager', 'lazy'")
        self._lazy = build == "lazy"
        self._context_tokens = context_tokens
        self._model: BaseChatModel | None = None
        self._lock = threading.RLock()
        self._sessions = Sessions(lambda: self.pipeline)

    # -- what it is made of --------------------------------------------------------------

    @property
    def model(self) -> BaseChatModel:
        """The chat model, made on first use.

        Raises:
            AgentError: If the name is unknown.
            ProviderError: If the provider's key is missing.
            MissingDependencyError: If the provider's package is not installed.
        """
        with self._lock:
            if self._model is None:
                self._model = resolve_model(self._model_choice)
            return self._model

    @property
    def pipeline(self) -> Pipeline:
        """What builds and keeps the graphs, made on first use."""
        with self._lock:
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

    def ask(self, question: str, video: Asked, **options: Unpack[AskOptions]) -> Answer:
        """Answer a question about a video.

        Args:
            question: In English, at most 4,000 characters (`reelgraph.agent.inputs`).
            video: The video file; or a graph: then no file is opened, nothing is built,
                and the evidence holds times without frames; or a list of these, to ask
                about several videos at once.
            **options: See `AskOptions`.

        Raises:
            AgentError: If the question or an option cannot be used.
            VideoError: If a file cannot be read as a video.
            BudgetExceeded: If a limit is reached.
            ProviderError: If the model's provider fails or refuses.
            ModelOutputError: If the model does not end with an answer that can be read.
        """
        return _last_answer(list(self.inquire(question, video, options).events()))

    async def aask(self, question: str, video: Asked, **options: Unpack[AskOptions]) -> Answer:
        """Answer a question about a video; see `ask`. Cancelling it cancels the request."""
        async with aclosing(self.inquire(question, video, options).aevents()) as events:
            return _last_answer([event async for event in events])

    def stream(self, question: str, video: Asked, **options: Unpack[AskOptions]) -> Iterator[Event]:
        """Yield what happens while a question is answered; the last event is the answer.

        Arguments and errors are those of `ask`. Closing the iterator stops the work.
        """
        return self.inquire(question, video, options, tokens=True).events()

    def astream(
        self, question: str, video: Asked, **options: Unpack[AskOptions]
    ) -> AsyncGenerator[Event, None]:
        """Yield what happens while a question is answered; see `stream`."""
        return self.inquire(question, video, options, tokens=True).aevents()

    def chat(self, video: Asked, **options: Unpack[AskOptions]) -> Chat:
        """Return a conversation about a video, in which questions may follow up on answers.

        Args:
            video: What it is about, as in `ask`.
            **options: For every question of it; see `AskOptions`.
        """
        from reelgraph.agent.chat import Chat

        return Chat(self, video, options)

    def inquire(
        self,
        question: str,
        video: Asked,
        options: AskOptions,
        *,
        history: Sequence[AnyMessage] = (),
        tokens: bool = False,
    ) -> Inquiry:
        """Return the work on a question, its input checked, nothing begun.

        `ask` and `stream` are made of it; so is `Chat`.

        Args:
            question: As in `ask`.
            video: As in `ask`.
            options: As in `ask`.
            history: Messages of earlier questions.
            tokens: Whether to tell the model's words while they come in.

        Raises:
            AgentError: If the question or an option cannot be used.
            TypeError: If an option has another name.
        """
        if unknown := sorted(options.keys() - AskOptions.__annotations__.keys()):
            known = ", ".join(AskOptions.__annotations__)
            raise TypeError(f"ask() has no option {unknown[0]!r}; its options are {known}")
        unsupported = options.get("allow_unsupported", False)
        request = checked_request(question, options.get("choices"), allow_unsupported=unsupported)
        sources, during, model = sources_of(video), options.get("during"), self.model
        meter = Meter(self._limits, estimate=model_name(model) != EMBEDDED)
        return Inquiry(
            request=request,
            about=", ".join(map(_shown, sources)),
            model=model,
            meter=meter,
            open=lambda progress: self._open(sources, during, progress, meter),
            without_tools=self._without_tools,
            progress=options.get("progress") or NullProgress(),
            history=history,
            frames=checked_frames(options.get("frames", 0), model),
            context_tokens=self._context_tokens,
            callbacks=options.get("callbacks", ()),
            tokens=tokens,
        )

    # -- shared --------------------------------------------------------------------------

    def _without_tools(self) -> bool:
        """Give the graph as text from now on, unless the caller wants tools."""
        with self._lock:
            free = self._mode_choice == "auto"
            self._mode_choice = "context" if free else self._mode_choice
        return free

    def _open(
        self,
        sources: tuple[Source, ...],
        during: Window | None,
        progress: Progress,
        meter: Meter,
    ) -> Session:
        """Return what is needed to answer from these sources."""
        model = self.model
        mode = choose_mode(model, self._mode_choice)
        paths = [str(s) for s in sources if not isinstance(s, TemporalGraph)]
        late = self._lazy and mode == "tools" and model_name(model) != EMBEDDED
        if late and len(paths) == len(sources) and not self._sessions.are_built(paths):
            return self._sessions.late_session(paths, during, model, meter, progress)
        return self._sessions.session(sources, during, model, mode, progress)


def _shown(source: Source) -> str:
    return source.video.path if isinstance(source, TemporalGraph) else str(source)


def _last_answer(events: Sequence[Event]) -> Answer:
    found = [event.answer for event in events if isinstance(event, AnswerReady)]
    return found[-1]
