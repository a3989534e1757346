"""Whether a model asks the graph by tools or reads it as text, and whether it sees."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

from langchain_core.language_models import BaseChatModel

from reelgraph.agent.models import EMBEDDED, model_name
from reelgraph.errors import AgentError

__all__ = ["Mode", "ModeChoice", "checked_frames", "choose_mode", "sees"]

Mode: TypeAlias = Literal["tools", "context"]
ModeChoice: TypeAlias = Literal["auto", "tools", "context"]

MAX_FRAMES = 64
"""At most so many frames go with a question."""


def choose_mode(model: BaseChatModel, wanted: ModeChoice) -> Mode:
    """Return how a model gets at the graph.

    ``"auto"`` is ``"tools"`` unless the model's profile says that it cannot call tools,
    or its LangChain class cannot bind any.

    Raises:
        AgentError: If the mode is unknown, or not one of this model's.
    """
    if wanted not in get_args(ModeChoice):
        raise AgentError(f"mode={wanted!r} is none of {', '.join(map(repr, get_args(ModeChoice)))}")
    if model_name(model) == EMBEDDED:
        if wanted == "context":
            raise AgentError("the embedded model asks by tools only; leave out mode='context'")
        return "tools"
    if wanted != "auto":
        return wanted
    return "tools" if _calls_tools(model) else "context"


def _calls_tools(model: BaseChatModel) -> bool:
    if _profile(model).get("tool_calling") is False:
        return False
    return type(model).bind_tools is not BaseChatModel.bind_tools


def sees(model: BaseChatModel) -> bool:
    """Return whether a model may be shown pictures: yes, unless its profile says no."""
    return model_name(model) != EMBEDDED and _profile(model).get("image_inputs") is not False


def _profile(model: BaseChatModel) -> dict[str, Any]:
    found = getattr(model, "profile", None)
    return dict(found) if isinstance(found, dict) else {}


def checked_frames(frames: int, model: BaseChatModel) -> int:
    """Return how many frames go with a question.

    Raises:
        AgentError: If it is no sensible number, or the model does not see.
    """
    if isinstance(frames, bool) or not isinstance(frames, int) or not 0 <= frames <= MAX_FRAMES:
        raise AgentError(f"frames={frames!r} is not a number from 0 to {MAX_FRAMES}")
    if frames and not sees(model):
        raise AgentError(
            f"the model {model_name(model)!r} does not see pictures; leave out frames={frames}"
        )
    return frames
