"""A conversation about a video: a question may follow up on the answers before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage

from reelgraph.agent.answer import Answer
from reelgraph.agent.events import AnswerReady, Event
from reelgraph.agent.follow_up import spelled_out
from reelgraph.agent.models import EMBEDDED, model_name
from reelgraph.agent.request import Request, write_request
from reelgraph.agent.scene import Asked, sources_of
from reelgraph.graph.temporal import TemporalGraph

if TYPE_CHECKING:
    from reelgraph.agent.agent import AskOptions, VideoAgent
    from reelgraph.agent.inquiry import Inquiry

__all__ = ["MAX_TURNS", "Chat", "Turn"]

MAX_TURNS = 12
"""A model is told this many of the last questions and answers."""


@dataclass(frozen=True)
class Turn:
    """One question of a chat and its answer."""

    question: str
    answer: Answer


class Chat:
    """Questions about a video that may refer to the answers before them.

    A provider's model reads the earlier questions and answers with the ids that they
    cited. For the embedded model pronouns and ``next`` are replaced by what the last
    answer was about (one video only), and the answer's ``question`` is the one spelled out.
    Ask one question of a chat at a time.

    Args:
        agent: Answers the questions.
        video: What they are about, as in `VideoAgent.ask`.
        options: For every question.

    Attributes:
        turns: The questions so far, with their answers.
    """

    def __init__(self, agent: VideoAgent, video: Asked, options: AskOptions) -> None:
        self._agent = agent
        self._video = video
        self._options = options
        self.turns: list[Turn] = []

    def ask(self, question: str, **options: Unpack[AskOptions]) -> Answer:
        """Answer a question; see `VideoAgent.ask`."""
        *_, last = self._events(question, options, tokens=False)
        return _answer_of(last)

    async def aask(self, question: str, **options: Unpack[AskOptions]) -> Answer:
        """Answer a question; see `VideoAgent.aask`."""
        async with aclosing(self._aevents(question, options, tokens=False)) as events:
            return _answer_of([event async for event in events][-1])

    def stream(self, question: str, **options: Unpack[AskOptions]) -> Iterator[Event]:
        """Yield what happens while a question is answered; see `VideoAgent.stream`."""
        return self._events(question, options, tokens=True)

    def astream(self, question: str, **options: Unpack[AskOptions]) -> AsyncGenerator[Event, None]:
        """Yield what happens while a question is answered; see `VideoAgent.astream`."""
        return self._aevents(question, options, tokens=True)

    def _events(self, question: str, options: AskOptions, *, tokens: bool) -> Iterator[Event]:
        inquiry = self._inquiry(question, options, tokens=tokens)
        for event in inquiry.events():
            self._keep(question, event)
            yield event

    async def _aevents(
        self, question: str, options: AskOptions, *, tokens: bool
    ) -> AsyncGenerator[Event, None]:
        inquiry = await asyncio.to_thread(self._inquiry, question, options, tokens=tokens)
        async with aclosing(inquiry.aevents()) as events:
            async for event in events:
                self._keep(question, event)
                yield event

    def _keep(self, question: str, event: Event) -> None:
        if isinstance(event, AnswerReady):
            self.turns.append(Turn(question, event.answer))

    def _inquiry(self, question: str, options: AskOptions, *, tokens: bool) -> Inquiry:
        embedded = model_name(self._agent.model) == EMBEDDED
        return self._agent.inquire(
            self._spelled_out(question) if embedded else question,
            self._video,
            {**self._options, **options},
            history=() if embedded else self._history(),
            tokens=tokens,
        )

    def _spelled_out(self, question: str) -> str:
        sources = sources_of(self._video)
        shown = [turn.answer for turn in self.turns if turn.answer.evidence]
        if len(sources) > 1 or not shown or not isinstance(question, str):
            return question
        source = sources[0]
        graph = source if isinstance(source, TemporalGraph) else self._agent.graph(source)
        return spelled_out(question, shown[-1], graph)

    def _history(self) -> list[AnyMessage]:
        return [m for turn in self.turns[-MAX_TURNS:] for m in _messages(turn)]


def _messages(turn: Turn) -> tuple[HumanMessage, AIMessage]:
    """Return a turn as a model is told it, with the ids that the answer cited."""
    cited = [item.relation for item in turn.answer.evidence if item.relation]
    cited += [f"o{i}" for item in turn.answer.evidence for i in item.objects]
    shown = f" (Shown by {', '.join(dict.fromkeys(cited))}.)" if cited else ""
    asked = write_request(Request(turn.question))
    return HumanMessage(asked), AIMessage(turn.answer.text + shown)


def _answer_of(event: Event) -> Answer:
    if not isinstance(event, AnswerReady):
        raise TypeError(f"the last event is the answer, got {event!r}")
    return event.answer
