"""One question from the first message to the checked answer, free of input and output.

A `Conversation` says what to run and is told the outcome; the agent runs it, in a thread of
its own or awaited. So the order of things is written once for both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from langchain_core.messages import AnyMessage, HumanMessage, ToolMessage

from reelgraph.agent.answer import Answer, AnswerDraft, Choice, Step
from reelgraph.agent.budget import Meter
from reelgraph.agent.confidence import evidence_confidence
from reelgraph.agent.drafts import UnreadableDraftError, read_draft, refusal
from reelgraph.agent.events import AnswerReady, Event, StageStarted
from reelgraph.agent.facts import Facts
from reelgraph.agent.modes import Mode
from reelgraph.agent.redaction import redacted
from reelgraph.agent.request import Request
from reelgraph.agent.scene import Scene
from reelgraph.agent.validator import Checked, check_draft
from reelgraph.errors import ModelOutputError, ProviderError
from reelgraph.graph.serialize import clean
from reelgraph.prompts import load_prompt

__all__ = ["Conversation", "Outcome", "Record", "RunModel", "steps_of"]

REPAIRS = 1
"""How often a model may correct a draft that failed the check."""

SHOWN_RESULT = 2000
"""Characters of a tool result that a `Step` keeps."""


@dataclass(frozen=True)
class Record:
    """How an answer was made: by which model, with which prompts."""

    model: str
    prompt_hash: str


@dataclass(frozen=True)
class RunModel:
    """Ask for the model and its tools to be run on these messages."""

    messages: list[AnyMessage]


@dataclass(frozen=True)
class Outcome:
    """What a run of model and tools gave.

    Attributes:
        messages: All messages, with those that the run began with.
        draft: What the model ended with, or None.
    """

    messages: list[AnyMessage]
    draft: AnswerDraft | None

    @property
    def said(self) -> str:
        """The words of the last message."""
        return self.messages[-1].text if self.messages else ""


Talk: TypeAlias = Generator["RunModel | Event", "Outcome | None", None]


@dataclass
class Conversation:
    """One question about one scene.

    Attributes:
        request: The question.
        opening: The messages that put it to the model.
        scene: The graphs that answer, cut to the asked time.
        meter: Counts what it costs.
        record: What the answer tells of how it was made, whatever it says.
        mode: How the model gets at the graph.
        begun: When the question came in, by `time.perf_counter`.
        hide: Takes keys out of what a model said, for errors.
    """

    request: Request
    opening: list[AnyMessage]
    scene: Scene
    meter: Meter
    record: Record
    mode: Mode
    begun: float
    hide: Callable[[str], str] = redacted

    def run(self) -> Talk:
        """Yield events and runs to make; the last event is the answer.

        Raises:
            ModelOutputError: If the model does not end with a draft.
            ProviderError: If it refuses to answer.
        """
        yield StageStarted("model", self.record.model)
        outcome = yield from self._ask(self.opening)
        draft, checked = self._check(outcome)
        for _ in range(REPAIRS):
            if draft is not None and not checked.problems:
                break
            self._refuse_refusals(draft, outcome)
            yield StageStarted("repair", "; ".join(checked.problems))
            outcome = yield from self._ask(
                [*outcome.messages, self._complaint(draft, checked, outcome.said)]
            )
            draft, checked = self._check(outcome)
        if draft is None:
            self._refuse_refusals(draft, outcome)
            raise ModelOutputError(
                f"the model {self.record.model!r} did not end with a structured answer; "
                + ("try mode='context'" if self.mode == "tools" else "use a more able model"),
                text=self.hide(outcome.said),
            )
        yield StageStarted("evidence")
        yield AnswerReady(self._answer(draft, checked, outcome))

    def _ask(
        self, messages: list[AnyMessage]
    ) -> Generator[RunModel | Event, Outcome | None, Outcome]:
        outcome = yield RunModel(messages)
        if outcome is None:
            raise RuntimeError("a conversation must be sent the outcome of each run")
        return outcome

    def _refuse_refusals(self, draft: AnswerDraft | None, outcome: Outcome) -> None:
        """Asking again does not change a provider's refusal.

        Raises:
            ProviderError: If the model refused to answer.
        """
        words = refusal(outcome.messages[-1]) if draft is None and outcome.messages else None
        if words is not None:
            raise ProviderError(
                f"The model {self.record.model!r} refused to answer: {clean(self.hide(words), 300)}"
            )

    def _check(self, outcome: Outcome) -> tuple[AnswerDraft | None, Checked]:
        draft = outcome.draft
        if draft is None:
            return None, Checked("", problems=["no structured answer"])
        return draft, check_draft(
            draft,
            self.scene.graph,
            _facts(outcome.messages),
            question=self.request.question,
            choices=self.request.choices,
        )

    def _complaint(self, draft: AnswerDraft | None, checked: Checked, said: str) -> HumanMessage:
        if draft is None:
            return HumanMessage(self._no_draft(said))
        problems = "\n".join(f"- {problem}" for problem in checked.problems)
        name = "repair" if self.mode == "tools" else "repair_json"
        return HumanMessage(load_prompt(name).render(problems=problems))

    def _no_draft(self, said: str) -> str:
        if self.mode == "tools":
            return load_prompt("no_draft").render()
        try:
            read_draft(said)
        except UnreadableDraftError as error:
            return load_prompt("no_json").render(problem=str(error))
        raise RuntimeError("a reply that can be read was taken for one that cannot")

    def _answer(self, draft: AnswerDraft, checked: Checked, outcome: Outcome) -> Answer:
        begun = time.perf_counter()
        results = _facts(outcome.messages).results
        abstains = draft.abstain or not (checked.supported or self.request.allow_unsupported)
        evidence = () if draft.abstain else self.scene.evidence(checked.references, results)
        text = self._text(draft, checked, results, abstains=abstains)
        confidence = 0.0 if abstains else self._confidence(draft, checked, results)
        now = time.perf_counter()
        seconds = {"evidence": now - begun, "total": now - self.begun}
        return Answer(
            question=self.request.question,
            text=text,
            choice=None if abstains else self._choice(draft),
            confidence=confidence,
            abstained=abstains,
            evidence=evidence,
            unsupported=tuple(checked.problems),
            usage=self.meter.usage(seconds),
            steps=tuple(steps_of(outcome.messages)),
            graph_id=self.scene.graph_id,
            model=self.record.model,
            mode=self.mode,
            prompt_hash=self.record.prompt_hash,
        )

    def _text(
        self, draft: AnswerDraft, checked: Checked, results: dict[str, Any], *, abstains: bool
    ) -> str:
        if abstains and not draft.abstain:
            return "I do not know: what the model answered is not shown by the graph."
        return _sentence_case(self.scene.tell(checked.text, results)) or "I do not know."

    def _choice(self, draft: AnswerDraft) -> Choice | None:
        index = draft.choice
        if index is None or not 0 <= index < len(self.request.choices):
            return None
        return Choice(index=index, text=self.request.choices[index])

    def _confidence(self, draft: AnswerDraft, checked: Checked, results: dict[str, Any]) -> float:
        """Return no more than the model and the evidence allow, half of it with problems."""
        shown = evidence_confidence(checked.references, self.scene.graph, results)
        sure = min(draft.confidence, shown)
        return sure / 2 if checked.problems or not checked.supported else sure


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
