"""What an agent reports while it works on a question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from reelgraph.agent.answer import Answer, Step

__all__ = ["AnswerReady", "Event", "StageStarted", "ToolCalled"]


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
class ToolCalled:
    """The model called a tool and got its result."""

    step: Step


@dataclass(frozen=True)
class AnswerReady:
    """The last event: the checked answer."""

    answer: Answer


Event: TypeAlias = StageStarted | ToolCalled | AnswerReady
