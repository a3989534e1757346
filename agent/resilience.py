"""What keeps a loop with a provider going: tries after failures, answers to broken calls."""

from __future__ import annotations

import json
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from langchain.agents.middleware import (
    AgentMiddleware,
    ModelRequest,
    ModelResponse,
    ModelRetryMiddleware,
    hook_config,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, ToolMessage
from pydantic import ValidationError

from reelgraph.agent.models import is_retryable
from reelgraph.agent.redaction import redacted
from reelgraph.errors import ModelOutputError

__all__ = ["AnswerBrokenCalls", "ReadReplies", "retries"]

RETRIES = 2
"""How often a call of a client that does not try again itself is repeated."""

_CLIENTS = ("langchain_", "openai.", "anthropic.", "ollama.", "google.", "mistralai.")

FIRST_DELAY_S = 0.5
"""Wait before the first repetition; doubled for each further one, 25 % more or less."""


def retries(model: BaseChatModel) -> ModelRetryMiddleware:
    """Return what repeats failed model calls, without repeating what a client repeats.

    The clients of OpenAI, Anthropic and others try again after 429, 5xx, timeouts and
    lost connections, and wait as long as the provider asks (``Retry-After``). They
    cannot repeat an answer that broke off while it was read, or that is no answer at all.
    These are repeated here, as is everything for clients without ``max_retries`` of their
    own.

    Args:
        model: The chat model.
    """
    own = getattr(model, "max_retries", 0) != 0

    def again(error: Exception) -> bool:
        return isinstance(error, ModelOutputError) or is_retryable(error, broken_off_only=own)

    return ModelRetryMiddleware(
        max_retries=RETRIES,
        retry_on=again,
        on_failure="error",
        initial_delay=FIRST_DELAY_S,
        jitter=True,
    )


class ReadReplies(AgentMiddleware[Any, Any]):
    """Names the failure of a client to read what a server sent: a page of HTML, say."""

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Call the model.

        Raises:
            ModelOutputError: If the reply is no completion.
        """
        with _reading():
            return handler(request)

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Call the model; see `wrap_model_call`."""
        with _reading():
            return await handler(request)


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except (ValidationError, json.JSONDecodeError) as error:
        raise _unreadable(error) from None
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        if not _is_clients(error):
            raise
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> ModelOutputError:
    text = redacted(" ".join(str(error).split()))[:200]
    return ModelOutputError(
        f"the model's server sent something that is no chat completion ({text}); "
        "check the model's name and base_url"
    )


def _is_clients(error: Exception) -> bool:
    """Return whether an error was raised in a client's code, not in a model's own."""
    last = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        last = frame.f_globals.get("__name__", "")
    return bool(last) and str(last).startswith(_CLIENTS)


class AnswerBrokenCalls(AgentMiddleware[Any, Any]):
    """Tells a model that the arguments of its tool call are not JSON.

    A provider refuses a conversation with a call that has no result, so that a call that
    cannot be read needs an answer as much as any other.
    """

    @hook_config(can_jump_to=["model"])
    def after_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:  # noqa: ARG002
        """Answer the calls of the last message that could not be read."""
        last = next((m for m in reversed(state["messages"]) if isinstance(m, AIMessage)), None)
        if last is None or not last.invalid_tool_calls:
            return None
        told = {m.tool_call_id for m in state["messages"] if isinstance(m, ToolMessage)}
        answers = [
            _complaint(call) for call in last.invalid_tool_calls if call.get("id") not in told
        ]
        if not answers:
            return None
        return {"messages": answers, **({} if last.tool_calls else {"jump_to": "model"})}


def _complaint(call: Any) -> ToolMessage:
    try:
        json.loads(call.get("args") or "")
        reason = "they are no JSON object"
    except json.JSONDecodeError as error:
        reason = str(error)
    return ToolMessage(
        f"The arguments of this call could not be read ({reason}). Call the tool again with "
        "one valid JSON object.",
        tool_call_id=call.get("id") or "",
        name=call.get("name") or "unknown",
        status="error",
    )
