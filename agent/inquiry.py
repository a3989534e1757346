"""The work on one question: opens the graphs, runs model and tools, tells events.

What to run when is decided by `Conversation`; here it is run, in a thread or awaited.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, AnyMessage

from reelgraph.agent.briefing import question_message
from reelgraph.agent.budget import Meter
from reelgraph.agent.conversation import Conversation, Outcome, RunModel, steps_of
from reelgraph.agent.drafts import DraftText, UnreadableDraftError, read_draft
from reelgraph.agent.events import Event, StageStarted, TokenReceived, ToolCalled
from reelgraph.agent.flow import Emit, events_from_task, events_from_thread
from reelgraph.agent.models import cannot_call_tools, provider_errors
from reelgraph.agent.progress_events import EventProgress
from reelgraph.agent.redaction import redacted
from reelgraph.agent.request import Request
from reelgraph.agent.sessions import Session
from reelgraph.errors import ProviderError
from reelgraph.progress import Progress

__all__ = ["Inquiry"]


@dataclass
class Inquiry:
    """One question on its way to an answer.

    Attributes:
        request: The question.
        about: What it is about, for people.
        model: The chat model.
        meter: Counts what it costs.
        open: Returns the session, and builds what it needs.
        without_tools: Says whether the model may be asked in another mode after its
            server refused tools; makes `open` return a session for that.
        progress: Shows how far a graph is, beside the events.
        history: Messages of earlier questions.
        frames: How many frames of each video go with the question.
        context_tokens: Most tokens of graph text.
        callbacks: LangChain callbacks of the caller.
        tokens: Whether to tell the model's words while they come in.
    """

    request: Request
    about: str
    model: BaseChatModel
    meter: Meter
    open: Callable[[Progress], Session]
    without_tools: Callable[[], bool]
    progress: Progress
    history: Sequence[AnyMessage] = ()
    frames: int = 0
    context_tokens: int = 8000
    callbacks: Sequence[BaseCallbackHandler] = ()
    tokens: bool = False
    _begun: float = field(default_factory=time.perf_counter)

    def events(self) -> Iterator[Event]:
        """Yield events while a thread answers the question; the last is the answer."""
        return events_from_thread(self._answer, self.meter)

    def aevents(self) -> AsyncGenerator[Event, None]:
        """Yield events while a task answers the question; the last is the answer."""
        return events_from_task(self._aanswer, self.meter)

    def _answer(self, emit: Emit) -> None:
        emit(StageStarted("graph", self.about))
        try:
            self._work(emit)
        except ProviderError as error:
            if not (cannot_call_tools(error) and self.without_tools()):
                raise
            self._work(emit)

    async def _aanswer(self, emit: Emit) -> None:
        emit(StageStarted("graph", self.about))
        try:
            await self._awork(emit)
        except ProviderError as error:
            if not (cannot_call_tools(error) and self.without_tools()):
                raise
            await self._awork(emit)

    def _work(self, emit: Emit) -> None:
        session, conversation = self._begin(emit)
        run = conversation.run()
        item = next(run, None)
        while item is not None:
            if isinstance(item, RunModel):
                item = run.send(self._run_model(session, item, emit))
            else:
                emit(item)
                item = next(run, None)

    async def _awork(self, emit: Emit) -> None:
        session, conversation = await asyncio.to_thread(self._begin, emit)
        run = conversation.run()
        item = next(run, None)
        while item is not None:
            if isinstance(item, RunModel):
                item = run.send(await self._arun_model(session, item, emit))
            else:
                emit(item)
                item = next(run, None)

    def _begin(self, emit: Emit) -> tuple[Session, Conversation]:
        """Return the session, with its graphs built, and the conversation about it."""
        session = self.open(EventProgress(emit, self.progress))
        self.meter.seconds["graph"] = time.perf_counter() - self._begun
        self.meter.begin()
        asked = question_message(
            self.request,
            session.scene,
            session.mode,
            frames=self.frames,
            budget=self.context_tokens,
        )
        conversation = Conversation(
            request=self.request,
            opening=[*self.history, asked],
            scene=session.scene,
            meter=self.meter,
            record=session.record,
            mode=session.mode,
            begun=self._begun,
            hide=partial(redacted, model=self.model),
        )
        return session, conversation

    def _run_model(self, session: Session, item: RunModel, emit: Emit) -> Outcome:
        listener = _Listener(emit)
        with provider_errors(self.model):
            for kind, said in session.loop.stream(**self._run(item)):
                listener.hear(kind, said)
        return listener.outcome(session)

    async def _arun_model(self, session: Session, item: RunModel, emit: Emit) -> Outcome:
        listener = _Listener(emit)
        with provider_errors(self.model):
            async for kind, said in session.loop.astream(**self._run(item)):
                listener.hear(kind, said)
        return listener.outcome(session)

    def _run(self, item: RunModel) -> dict[str, Any]:
        """Return how to run the loop."""
        return {
            "input": {"messages": item.messages},
            "config": {"callbacks": [self.meter, *self.callbacks]},
            "context": self.meter,
            "stream_mode": ["values", "messages"] if self.tokens else ["values"],
        }


class _Listener:
    """Turns what the loop streams into events, and keeps the last state."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._state: dict[str, Any] = {}
        self._words = DraftText()

    def hear(self, kind: str, said: Any) -> None:
        if kind == "values":
            self._words = DraftText()
            self._state = said
            for event in _called(said):
                self._emit(event)
        elif isinstance(said[0], AIMessageChunk) and (text := self._words.feed(said[0])):
            self._emit(TokenReceived(text))

    def outcome(self, session: Session) -> Outcome:
        messages = list(self._state.get("messages", []))
        if session.mode == "tools":
            return Outcome(messages, self._state.get("structured_response"))
        try:
            return Outcome(messages, read_draft(messages[-1].text if messages else ""))
        except UnreadableDraftError:
            return Outcome(messages, None)


def _called(state: dict[str, Any]) -> list[ToolCalled]:
    """Return the tool calls whose results came with the last step of the loop."""
    messages = state.get("messages", [])
    last = max((i for i, m in enumerate(messages) if m.type == "ai"), default=len(messages))
    if len(messages) - last < 2:
        return []
    return [ToolCalled(step) for step in steps_of(messages[last:])]
