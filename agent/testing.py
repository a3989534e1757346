"""A scripted chat model: tests an agent without a provider.

Example:
    >>> from reelgraph.agent.testing import ScriptedChatModel, call, draft
    >>> model = ScriptedChatModel([call("timeline", object_id=1), draft("[o1] runs [r1].", ["r1"])])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import PrivateAttr

__all__ = ["Script", "ScriptedChatModel", "call", "draft"]

Reply: TypeAlias = str | AIMessage | Exception
Script: TypeAlias = Sequence[Reply] | Callable[[list[BaseMessage]], Reply]


def call(tool: str, **arguments: Any) -> AIMessage:
    """Return a reply that calls one tool."""
    return AIMessage("", tool_calls=[_tool_call(tool, arguments)])


def draft(text: str, relations: Sequence[str] = (), **fields: Any) -> AIMessage:
    """Return a reply that ends with an `AnswerDraft`."""
    return call("AnswerDraft", text=text, relations=list(relations), **fields)


def _tool_call(tool: str, arguments: dict[str, Any]) -> Any:
    return {"name": tool, "args": arguments, "id": f"call_{tool}", "type": "tool_call"}


class ScriptedChatModel(BaseChatModel):
    """Gives prepared replies, one a call, or what a function makes of the messages.

    Args:
        script: Replies in order (a string is plain text, an exception is raised), or a
            function of the messages so far.

    Attributes:
        requests: The messages of every call so far.
    """

    _script: Script = PrivateAttr()
    _requests: list[list[BaseMessage]] = PrivateAttr(default_factory=list)

    def __init__(self, script: Script) -> None:
        super().__init__()
        self._script = script

    @property
    def requests(self) -> list[list[BaseMessage]]:
        """The messages of every call so far."""
        return self._requests

    @property
    def _llm_type(self) -> str:
        return "reelgraph-scripted"

    def bind_tools(
        self,
        tools: Sequence[Any],  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Return the model itself: its calls are scripted."""
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> ChatResult:
        reply = self._reply(list(messages))
        if isinstance(reply, Exception):
            raise reply
        message = AIMessage(reply) if isinstance(reply, str) else reply
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _reply(self, messages: list[BaseMessage]) -> Reply:
        self._requests.append(messages)
        if callable(self._script):
            return self._script(messages)
        number = len(self._requests)
        if number > len(self._script):
            raise IndexError(f"the script has {len(self._script)} replies, call {number} has none")
        return self._script[number - 1]
