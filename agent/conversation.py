"""One question from the first message to the checked answer, free of input and output.

`converse` says what to run and is told the outcome; the agent runs it, in a thread of
its own or awaited. So the order of things is written once for both.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from langchain_core.messages import AnyMessage, HumanMessage, ToolMessage

from reelgraph.agent.answer import Answer, AnswerDraft, Choice, Step, Usage
from reelgraph.agent.budget import Meter
from reelgraph.agent.events import AnswerReady, Event, StageStarted
from reelgraph.agent.evidence import gather_evidence
from reelgraph.agent.facts import Facts
from reelgraph.agent.references import fill
from reelgraph.agent.request import Request, write_request
from reelgraph.agent.validator import Checked, check_draft
from reelgraph.errors import ModelOutputError
from reelgraph.graph.temporal import TemporalGraph
from reelgraph.graph.tracks import Tracks
from reelgraph.prompts import load_prompt

__all__ = ["Conversation", "Outcome", "RunModel", "steps_of"]

REPAIRS = 1
"""How often a model may correct a draft that failed the check."""

SHOWN_RESULT = 2000
"""Characters of a tool result that a `Step` keeps."""


@dataclass(frozen=True)
class RunModel:
    """Ask for the model and its tools to be run on these messages."""

    messages: list[AnyMessage]


@dataclass(frozen=True)
class Outcome:
    """What a run of model and tools gave."""

    messages: list[AnyMessage]
    draft: AnswerDraft | None


Talk: TypeAlias = Generator["RunModel | Event", "Outcome | None", None]


@dataclass
class Conversation:
    """One question to one graph.

    Attributes:
        request: The question.
        graph: The graph that answers, cut to the asked time.
        tracks: Masks and boxes for the evidence, or None.
        meter: Counts what it costs.
        model: Name of the chat model.
        graph_id: Hash of the graph.
        seconds: Seconds per stage so far.
    """

    request: Request
    graph: TemporalGraph
    tracks: Tracks | None
    meter: Meter
    model: str
    graph_id: str
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self) -> Talk:
        """Yield events and runs to make; the last event is the answer."""
        begun = time.perf_counter()
        yield StageStarted("model", self.model)
        outcome = yield from self._ask([HumanMessage(write_request(self.request))])
        draft, checked = self._check(outcome)
        for _ in range(REPAIRS):
            if draft is not None and not checked.problems:
                break
            yield StageStarted("repair", "; ".join(checked.problems))
            outcome = yield from self._ask([*outcome.messages, self._complaint(draft, checked)])
            draft, checked = self._check(outcome)
        if draft is None:
            said = outcome.messages[-1].text if outcome.messages else ""
            raise ModelOutputError(
                f"the model {self.model!r} did not end with a structured answer; "
                "use one that can call tools",
                text=said,
            )
        self.seconds["model"] = time.perf_counter() - begun
        yield StageStarted("evidence")
        yield AnswerReady(self._answer(draft, checked, outcome))

    def _ask(
        self, messages: list[AnyMessage]
    ) -> Generator[RunModel | Event, Outcome | None, Outcome]:
        outcome = yield RunModel(messages)
        if outcome is None:
            raise RuntimeError("a conversation must be sent the outcome of each run")
        return outcome

    def _check(self, outcome: Outcome) -> tuple[AnswerDraft | None, Checked]:
        draft = outcome.draft
        if draft is None:
            return None, Checked("", problems=["no structured answer was given"])
        return draft, check_draft(
            draft,
            self.graph,
            _facts(outcome.messages),
            question=self.request.question,
            choices=self.request.choices,
        )

    def _complaint(self, draft: AnswerDraft | None, checked: Checked) -> HumanMessage:
        if draft is None:
            return HumanMessage(load_prompt("no_draft").render())
        problems = "\n".join(f"- {problem}" for problem in checked.problems)
        return HumanMessage(load_prompt("repair").render(problems=problems))

    def _answer(self, draft: AnswerDraft, checked: Checked, outcome: Outcome) -> Answer:
        begun = time.perf_counter()
        results = _facts(outcome.messages).results
        abstains = draft.abstain or not (checked.supported or self.request.allow_unsupported)
        evidence = () if draft.abstain else gather_evidence(
            checked.references, self.graph, results, self.tracks
        )  # fmt: skip
        self.seconds["evidence"] = time.perf_counter() - begun
        self.seconds["total"] = sum(self.seconds.values())
        return Answer(
            question=self.request.question,
            text=self._text(draft, checked, results, abstains=abstains),
            choice=None if abstains else self._choice(draft),
            confidence=0.0 if abstains else self._confidence(draft, checked),
            abstained=abstains,
            evidence=evidence,
            unsupported=tuple(checked.problems),
            usage=Usage(
                model_calls=self.meter.model_calls,
                input_tokens=self.meter.input_tokens,
                output_tokens=self.meter.output_tokens,
                seconds=self.seconds,
            ),
            steps=tuple(steps_of(outcome.messages)),
            graph_id=self.graph_id,
            model=self.model,
        )

    def _text(
        self, draft: AnswerDraft, checked: Checked, results: dict[str, Any], *, abstains: bool
    ) -> str:
        text = fill(checked.text, self.graph, results)
        if abstains and not draft.abstain:
            return "I do not know: what the model answered is not shown by the graph."
        return _sentence_case(text) or "I do not know."

    def _choice(self, draft: AnswerDraft) -> Choice | None:
        index = draft.choice
        if index is None or not 0 <= index < len(self.request.choices):
            return None
        return Choice(index=index, text=self.request.choices[index])

    def _confidence(self, draft: AnswerDraft, checked: Checked) -> float:
        """Return the model's confidence, halved where the graph does not bear it out."""
        return (
            draft.confidence / 2 if checked.problems or not checked.supported else draft.confidence
        )


def _facts(messages: Sequence[AnyMessage]) -> Facts:
    return Facts.gather(
        m.artifact for m in messages if isinstance(m, ToolMessage) and isinstance(m.artifact, dict)
    )


def steps_of(messages: Sequence[AnyMessage]) -> list[Step]:
    """Return the tool calls in a list of messages, with their results."""
    calls = {call["id"]: call for m in messages for call in getattr(m, "tool_calls", None) or []}
    return [
        Step(
            tool=message.name or "",
            arguments=calls[message.tool_call_id]["args"],
            result=message.text[:SHOWN_RESULT],
            error=message.status == "error",
        )
        for message in messages
        if isinstance(message, ToolMessage)
        and message.tool_call_id in calls
        and message.name != AnswerDraft.__name__
    ]


def _sentence_case(text: str) -> str:
    """Start every sentence with a capital letter: names come from the graph in lower case."""
    out, start = [], True
    for index, character in enumerate(text):
        out.append(character.upper() if start and character.isalpha() else character)
        if not character.isspace() and character not in "([#":
            start = False
        if character in ".!?" and text[index + 1 : index + 2].isspace():
            start = True
    return "".join(out)
