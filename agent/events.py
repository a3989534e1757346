"""What an agent reports while it works on a question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from reelgraph.agent.answer import Answer, Step

__all__ = [
    "AnswerReady",
    "Event",
    "ProgressMade",
    "StageStarted",
    "TokenReceived",
    "ToolCalled",
]


@dataclass(frozen=True)
class StageStarted:
    """A stage begins: the graph is built or loaded, the model thinks, the answer is checked.

    Attributes:
        stage: ``"graph"``, ``"model"``, ``"repair"`` or ``"evidence"``.
        detail: One sentence about it, may be empty.
    """

    stage: Literal["graph", "model", "repair", "evidence"]
    detail: str = ""


@dataclass(frozen=True)
class ProgressMade:
    """A graph is being built.

    Attributes:
        name: What is being done, for people.
        done: How much of it is done, 0 to 1, or None where that is not known.
        note: A short remark, such as ``"3 objects"``, may be empty.
    """

    name: str
    done: float | None = None
    note: str = ""


@dataclass(frozen=True)
class ToolCalled:
    """The model called a tool and got its result."""

    step: Step


@dataclass(frozen=True)
class TokenReceived:
    """The model writes its draft: not checked yet, with references such as ``[r12]`` in it.

    Attributes:
        text: What came since the last such event.
    """

    text: str


@dataclass(frozen=True)
class AnswerReady:
    """The last event: the checked answer."""

    answer: Answer


Event: TypeAlias = StageStarted | ProgressMade | ToolCalled | TokenReceived | AnswerReady
