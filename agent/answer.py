"""Answers: what a model drafts, and what the caller gets after it was checked."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from reelgraph.graph.schema import Interval

__all__ = [
    "Answer",
    "AnswerDraft",
    "Choice",
    "Evidence",
    "EvidenceFrame",
    "MaskReference",
    "Step",
    "Usage",
]


class AnswerDraft(BaseModel):
    """Give the final answer. Cite ids; never write a time, they are filled in from the graph."""

    text: str = Field(
        description="One to three plain sentences. Write [o3] for object 3, [r12] where the time "
        "of relation r12 belongs, [r12.start], [r12.end] or [r12.duration] for one of its times, "
        "and the id in brackets of a figure that a tool computed. Write no time or count yourself."
    )
    relations: list[str] = Field(
        default=[], description="Ids of the relations that show it, e.g. ['r12', 'r15.2']."
    )
    objects: list[int] = Field(
        default=[], description="Ids of objects whose presence, label or attributes show it."
    )
    results: list[str] = Field(
        default=[], description="Ids of figures computed by the tools count and compare_times."
    )
    choice: int | None = Field(
        default=None, description="Multiple choice only: index of the option, from 0."
    )
    confidence: float = Field(default=0.8, ge=0, le=1, description="How sure, 0 to 1.")
    abstain: bool = Field(default=False, description="True if the graph does not show the answer.")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Choice(_Record):
    """The option that was chosen."""

    index: int
    text: str


class MaskReference(_Record):
    """Where a mask is to be found in the video's `Tracks`."""

    object_id: int
    frame_index: int


class EvidenceFrame(_Record):
    """One frame that shows the evidence.

    Attributes:
        frame_index: Position in the order in which frames are shown, from 0.
        time_s: Its presentation time in seconds.
        boxes_xyxy: Box in pixels per object id, right and bottom exclusive.
    """

    frame_index: int
    time_s: float
    boxes_xyxy: dict[int, tuple[float, float, float, float]] = {}


class Evidence(_Record):
    """One thing an answer rests on; every value is looked up in graph and tracks.

    Attributes:
        video: Path of the video, as its graph has it.
        relation: Id of the relation, or None if it rests on objects alone.
        objects: Ids of the objects involved.
        interval: When, in seconds.
        sentence: The relation in words.
        frames: Frames that show it: first, middle and last.
        masks: Where the masks of these objects on these frames are.
    """

    video: str = ""
    relation: str | None
    objects: tuple[int, ...]
    interval: Interval
    sentence: str
    frames: tuple[EvidenceFrame, ...] = ()
    masks: tuple[MaskReference, ...] = ()


class Step(_Record):
    """One tool call of the agent.

    Attributes:
        tool: Name of the tool.
        arguments: What it was called with.
        result: What it returned, cut to a readable length.
        error: True if the tool refused.
    """

    tool: str
    arguments: dict[str, Any]
    result: str
    error: bool = False


class Usage(_Record):
    """What an answer cost.

    Attributes:
        model_calls: Calls of the chat model, tries after a failure included.
        input_tokens: As the provider counts them; 0 for the embedded model.
        output_tokens: The same for what the model wrote.
        estimated: True if the provider reported no tokens for some call, and ours is an
            estimate that is rather too high (pictures left out).
        usd: US dollars by the price table of the agent, or None without one.
        seconds: Per stage: ``"graph"``, ``"model"`` and ``"tools"`` (summed over their
            calls), ``"evidence"``, and ``"total"`` from the question to the answer.
    """

    model_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    usd: float | None = None
    seconds: dict[str, float] = {}


class Answer(_Record):
    """A checked answer.

    Attributes:
        question: What was asked.
        text: The answer, with every name and time filled in from the graph.
        choice: The chosen option of a multiple-choice question.
        confidence: 0 to 1; 0 where the answer abstains.
        abstained: True if the graph does not show the answer.
        evidence: What it rests on.
        unsupported: What the model claimed and the graph does not show.
        usage: Model calls, tokens, money, seconds.
        steps: The tool calls, in order.
        graph_id: Hash of the graph that was asked; of several, their hashes with ``+``.
        model: Name of the chat model.
        mode: ``"tools"`` if the model asked the graph by tools, ``"context"`` if it read
            the graph as text.
        prompt_hash: Hash of every prompt that the model could have got, tools included.
    """

    question: str
    text: str
    choice: Choice | None = None
    confidence: float = Field(default=0.0, ge=0, le=1)
    abstained: bool = False
    evidence: tuple[Evidence, ...] = ()
    unsupported: tuple[str, ...] = ()
    usage: Usage = Usage()
    steps: tuple[Step, ...] = ()
    graph_id: str = ""
    model: str = ""
    mode: Literal["tools", "context"] = "tools"
    prompt_hash: str = ""
