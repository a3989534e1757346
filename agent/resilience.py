"""What keeps a loop with a provider going: tries after failures, answers to broken calls."""

from __future__ import annotations

import json
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRetryMiddleware, hook_config
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, ToolMessage

from reelgraph.agent.models import is_retryable

__all__ = ["AnswerBrokenCalls", "retries"]

RETRIES = 2
"""How often a call of a client that does not try again itself is repeated."""

FIRST_DELAY_S = 0.5
"""Wait before the first repetition; doubled for each further one, 25 % more or less."""


def retries(model: BaseChatModel) -> ModelRetryMiddleware:
    """Return what repeats failed model calls, without repeating what a client repeats.

    The clients of OpenAI, Anthropic and others try again after 429, 5xx, timeouts and
    lost connections, and wait as long as the provider asks (``Retry-After``). They
    cannot repeat an answer that broke off while it was read. That is repeated here, as is
    everything for clients without a ``max_retries`` of their own.

    Args:
        model: The chat model.
    """
    own = getattr(model, "max_retries", 0) != 0

    def again(error: Exception) -> bool:
        return is_retryable(error, broken_off_only=own)

    return ModelRetryMiddleware(
        max_retries=RETRIES,
        retry_on=again,
        on_failure="error",
        initial_delay=FIRST_DELAY_S,
        jitter=True,
    )


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
