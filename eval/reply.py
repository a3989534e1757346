"""Replies: what came back for a request, in a form that a cache and a log can keep."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from reelgraph.agent.answer import Answer
from reelgraph.eval.benchmarks.question import Question
from reelgraph.eval.log import Evidence, Span, Tokens
from reelgraph.eval.scoring import option_named

__all__ = ["Reply", "reply_of_answer", "reply_of_text"]


class Reply(BaseModel):
    """What came back, read.

    Attributes:
        prediction: The chosen option's index, or the answer's text; None if there is none.
        parsed: Whether the reply names an option (or says anything, if open).
        abstained: Whether it says that what was shown does not tell.
        text: The words that came back.
        confidence: 0 to 1, or None if none was given.
        evidence: What it rests on.
        usage: What it cost.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prediction: int | str | None = None
    parsed: bool = True
    abstained: bool = False
    text: str = ""
    confidence: float | None = None
    evidence: Evidence = Evidence()
    usage: Tokens = Tokens()

    @property
    def spans(self) -> tuple[Span, ...]:
        """When, by the evidence: the first piece first, each time once."""
        return tuple(dict.fromkeys(self.evidence.intervals))


def reply_of_text(question: Question, text: str, usage: Tokens) -> Reply:
    """Return what a chat model wrote, read strictly."""
    if question.choices:
        index = option_named(text, question.choices)
        return Reply(prediction=index, parsed=index is not None, text=text, usage=usage)
    said = text.strip()
    return Reply(prediction=said or None, parsed=bool(said), text=text, usage=usage)


def reply_of_answer(question: Question, answer: Answer) -> Reply:
    """Return what the agent answered.

    Where the graph does not show the answer, the agent names the likeliest option, which has
    no evidence. An answer that abstains all the same is wrong, and not one that could not be
    parsed.
    """
    chosen = None if answer.choice is None else answer.choice.index
    prediction = chosen if question.choices else (None if answer.abstained else answer.text)
    return Reply(
        prediction=prediction,
        parsed=prediction is not None or answer.abstained,
        abstained=answer.abstained,
        text=answer.text,
        confidence=answer.confidence,
        evidence=Evidence(
            relations=tuple(item.relation for item in answer.evidence),
            intervals=tuple((item.interval.start, item.interval.end) for item in answer.evidence),
            sentences=tuple(item.sentence for item in answer.evidence),
        ),
        usage=Tokens(
            model_calls=answer.usage.model_calls,
            input_tokens=answer.usage.input_tokens,
            output_tokens=answer.usage.output_tokens,
        ),
    )
