"""What is made once for a scene, however many questions are asked of it, at once too."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain.agents.structured_output import ToolStrategy
from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool

from reelgraph.agent.answer import AnswerDraft
from reelgraph.agent.briefing import system_prompt, told_hash
from reelgraph.agent.budget import KeepLimits, Meter
from reelgraph.agent.conversation import Record
from reelgraph.agent.late import LateScene, late_tools
from reelgraph.agent.look import Camera, ShowFrames
from reelgraph.agent.models import model_name
from reelgraph.agent.modes import Mode, sees
from reelgraph.agent.resilience import AnswerBrokenCalls, ReadReplies, retries
from reelgraph.agent.scene import Scene
from reelgraph.agent.several import scene_tools

__all__ = ["Kept", "Session", "open_session"]

V = TypeVar("V")


@dataclass(frozen=True, eq=False)
class Session:
    """A scene with everything made for it once: its tools and the compiled loop."""

    scene: Scene
    mode: Mode
    record: Record
    loop: Any


def open_session(scene: Scene, model: BaseChatModel, mode: Mode) -> Session:
    """Return a session: the tools of the scene in a loop with the model.

    Args:
        scene: What is asked about.
        model: The chat model.
        mode: How the model gets at the graph.
    """
    cameras = _cameras(scene) if sees(model) else {}
    tools = _tools(scene, cameras) if mode == "tools" else []
    middleware: list[AgentMiddleware[Any, Any]] = [
        retries(model),
        KeepLimits(),
        ReadReplies(),
        AnswerBrokenCalls(),
    ]
    loop = create_agent(
        model,
        tools,
        system_prompt=system_prompt(scene, mode),
        middleware=[*middleware, *([ShowFrames(cameras)] if cameras else [])],
        response_format=ToolStrategy(AnswerDraft) if mode == "tools" else None,
        context_schema=Meter,
    )
    record = Record(model_name(model), told_hash(tools))
    return Session(scene, mode, record, loop)


def _tools(scene: Scene, cameras: dict[int, Camera]) -> list[BaseTool]:
    if isinstance(scene, LateScene):
        return late_tools(scene, cameras)
    return scene_tools(scene, cameras)


def _cameras(scene: Scene) -> dict[int, Camera]:
    return {
        number: Camera(part.path, part.tracks, inline=False)
        for number, part in enumerate(scene.numbered, 1)
        if part.path is not None
    }


class Kept(Generic[V]):
    """The values used last, each made once even if many threads ask for it together.

    Args:
        size: How many are kept.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, V] = OrderedDict()
        self._makers: dict[Hashable, threading.Lock] = {}

    def get_or_make(self, key: Hashable, make: Callable[[], V]) -> V:
        """Return the value of ``key``; one thread makes it while others wait."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            maker = self._makers.setdefault(key, threading.Lock())
        with maker:
            with self._lock:
                if key in self._values:
                    return self._values[key]
            try:
                value = make()
            finally:
                with self._lock:
                    self._makers.pop(key, None)
            with self._lock:
                self._values[key] = value
                while len(self._values) > self._size:
                    self._values.popitem(last=False)
        return value
