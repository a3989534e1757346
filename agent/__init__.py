"""The agent that answers questions from the graph, with checked evidence.

Names are loaded on first use: LangChain takes a second to import.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reelgraph.agent.agent import VideoAgent
    from reelgraph.agent.answer import Answer, AnswerDraft, Choice, Evidence, Step, Usage
    from reelgraph.agent.chat import Chat
    from reelgraph.agent.embedded import EmbeddedChatModel
    from reelgraph.agent.events import (
        AnswerReady,
        Event,
        ProgressMade,
        StageStarted,
        TokenReceived,
        ToolCalled,
    )
    from reelgraph.agent.tools import graph_tools
    from reelgraph.agent.video_tools import video_tools

_HOMES = {
    "agent": ("VideoAgent",),
    "answer": ("Answer", "AnswerDraft", "Choice", "Evidence", "Step", "Usage"),
    "chat": ("Chat",),
    "embedded": ("EmbeddedChatModel",),
    "events": (
        "AnswerReady",
        "Event",
        "ProgressMade",
        "StageStarted",
        "TokenReceived",
        "ToolCalled",
    ),
    "tools": ("graph_tools",),
    "video_tools": ("video_tools",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Answer",
    "AnswerDraft",
    "AnswerReady",
    "Chat",
    "Choice",
    "EmbeddedChatModel",
    "Event",
    "Evidence",
    "ProgressMade",
    "StageStarted",
    "Step",
    "TokenReceived",
    "ToolCalled",
    "Usage",
    "VideoAgent",
    "graph_tools",
    "video_tools",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'reelgraph.agent' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"reelgraph.agent.{_HOME_OF[name]}"), name)
    # Importing a module of the same name has put the module here.
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
