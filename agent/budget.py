"""Limits on one question, and what it cost."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult

from reelgraph.errors import BudgetExceeded

__all__ = ["Meter"]


class Meter(BaseCallbackHandler):
    """Counts model calls, tokens and seconds, and stops a question at its limits.

    Args:
        max_model_calls: Most calls of the chat model.
        max_tokens: Most tokens, input and output together; None for no limit.
        max_seconds: Seconds after which no further call is made; None for no limit.
    """

    raise_error = True
    run_inline = True

    def __init__(
        self, *, max_model_calls: int, max_tokens: int | None, max_seconds: float | None
    ) -> None:
        self._limits = (max_model_calls, max_tokens, max_seconds)
        self._begun = time.perf_counter()
        self.model_calls = 0
        self.input_tokens = 0
        self.output_tokens = 0

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002
        messages: list[list[BaseMessage]],  # noqa: ARG002
        *,
        run_id: UUID,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """Count a call, or refuse it.

        Raises:
            BudgetExceeded: If a limit is reached.
        """
        calls, tokens, seconds = self._limits
        if self.model_calls >= calls:
            raise _exceeded("max_model_calls", calls, "model calls")
        if tokens is not None and self.input_tokens + self.output_tokens >= tokens:
            raise _exceeded("max_tokens", tokens, "tokens")
        if seconds is not None and time.perf_counter() - self._begun >= seconds:
            raise _exceeded("max_seconds", seconds, "seconds")
        self.model_calls += 1

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:  # noqa: ARG002
        """Add the tokens of a call, where the provider reports them."""
        for generation in (g for batch in response.generations for g in batch):
            message = generation.message if isinstance(generation, ChatGeneration) else None
            if isinstance(message, AIMessage) and message.usage_metadata:
                self.input_tokens += message.usage_metadata["input_tokens"]
                self.output_tokens += message.usage_metadata["output_tokens"]


def _exceeded(name: str, value: float, what: str) -> BudgetExceeded:
    return BudgetExceeded(
        f"the question needs more than {value:g} {what}; raise {name} or ask something simpler",
        limit=name,
        value=value,
    )
