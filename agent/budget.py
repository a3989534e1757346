"""Limits on one question, and what it cost."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult

from reelgraph.agent.answer import Usage
from reelgraph.errors import AgentError, BudgetExceeded
from reelgraph.graph.serialize import estimate_tokens

__all__ = ["KeepLimits", "Limits", "Meter", "Stopped"]

_PER_PRICE = 1_000_000


class Stopped(Exception):  # noqa: N818 - reads as what happened
    """The caller left before the answer; the work on it ends where it is."""


@dataclass(frozen=True)
class Limits:
    """What one question may cost.

    Attributes:
        max_model_calls: Most calls of the chat model, tries after a failure included.
        max_tokens: Most tokens, input and output together; None for no limit.
        max_seconds: Most seconds from the first model call to the answer; None for no
            limit.
        max_usd: Most US dollars by ``prices``; None for no limit.
        prices: US dollars for a million ``"input"`` and ``"output"`` tokens.

    Raises:
        AgentError: If a limit is not positive, or money is limited without prices.
    """

    max_model_calls: int = 12
    max_tokens: int | None = None
    max_seconds: float | None = 300.0
    max_usd: float | None = None
    prices: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        for name in ("max_model_calls", "max_tokens", "max_seconds", "max_usd"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise AgentError(f"{name} must be more than 0, got {value!r}")
        prices = self.prices
        if prices is not None and (
            set(prices) != {"input", "output"} or not all(p >= 0 for p in prices.values())
        ):
            raise AgentError(
                f"prices must be {{'input': ..., 'output': ...}} in US dollars for a million "
                f"tokens, got {dict(prices)!r}"
            )
        if self.max_usd is not None and prices is None:
            raise AgentError(
                f"max_usd={self.max_usd!r} needs prices={{'input': ..., 'output': ...}}"
            )


@dataclass(frozen=True)
class _Sent:
    """What a call sent, for an estimate of its tokens."""

    messages: Sequence[BaseMessage] = ()
    tools: object = None

    def size(self) -> int:
        tools = estimate_tokens(json.dumps(self.tools, default=str)) if self.tools else 0
        return tools + sum(map(_size, self.messages))


class Meter(BaseCallbackHandler):
    """Counts calls, tokens, seconds and money, and stops a question at its limits.

    It is also how a question is stopped from outside: after `stop` no further model or
    tool call begins.

    Args:
        limits: What the question may cost.
        estimate: Whether to estimate the tokens that a provider does not report; False
            for a model that costs nothing.
    """

    raise_error = True
    run_inline = True

    def __init__(self, limits: Limits, *, estimate: bool = True) -> None:
        self._limits = limits
        self._estimate = estimate
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._deadline: float | None = None
        self._running: dict[UUID, tuple[str, float, _Sent]] = {}
        self.model_calls = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self.estimated = False
        self.seconds = {"graph": 0.0, "model": 0.0, "tools": 0.0}

    # -- from outside ------------------------------------------------------------------

    def begin(self) -> None:
        """Start the clock of ``max_seconds``."""
        if self._limits.max_seconds is not None:
            self._deadline = time.perf_counter() + self._limits.max_seconds

    def stop(self) -> None:
        """Let no further call begin."""
        self._stopped.set()

    def check(self) -> None:
        """Go on only while somebody waits for the answer.

        Raises:
            Stopped: After `stop`.
        """
        if self._stopped.is_set():
            raise Stopped

    def admit(self) -> None:
        """Count a call of the model that is about to begin, or refuse it.

        Raises:
            BudgetExceeded: If a limit is reached.
            Stopped: After `stop`.
        """
        self.check()
        with self._lock:
            self._check_limits()
            self.model_calls += 1

    def remaining_s(self) -> float | None:
        """Return the seconds left, or None without a limit or before `begin`."""
        return None if self._deadline is None else max(0.0, self._deadline - time.perf_counter())

    @contextmanager
    def pausing(self) -> Iterator[None]:
        """Stop the clock of ``max_seconds`` while a graph is built, and count the seconds."""
        begun, left = time.perf_counter(), self.remaining_s()
        self._deadline = None
        try:
            yield
        finally:
            took = time.perf_counter() - begun
            with self._lock:
                self.seconds["graph"] += took
                self.seconds["tools"] -= took
            if left is not None:
                self._deadline = time.perf_counter() + left

    def out_of_time(self) -> BudgetExceeded:
        """Return the error that says that the time is used up."""
        return _exceeded("max_seconds", self._limits.max_seconds or 0.0, "seconds")

    def usage(self, seconds: Mapping[str, float]) -> Usage:
        """Return what was used so far.

        Args:
            seconds: Seconds of the stages that are measured elsewhere.
        """
        return Usage(
            model_calls=self.model_calls,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            estimated=self.estimated,
            usd=self._usd(),
            seconds={name: max(0.0, s) for name, s in (self.seconds | dict(seconds)).items()},
        )

    # -- what LangChain reports --------------------------------------------------------

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        **kwargs: Any,
    ) -> None:
        """Start a call's clock."""
        tools = (kwargs.get("invocation_params") or {}).get("tools")
        sent = _Sent([message for batch in messages for message in batch], tools)
        with self._lock:
            self._running[run_id] = ("model", time.perf_counter(), sent)

    def on_tool_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002
        input_str: str,  # noqa: ARG002
        *,
        run_id: UUID,
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """Start a tool's clock."""
        with self._lock:
            self._running[run_id] = ("tools", time.perf_counter(), _Sent())

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:  # noqa: ARG002
        """Add the tokens of a call, estimated where the provider does not report them."""
        sent = self._end(run_id)
        for generation in (g for batch in response.generations for g in batch):
            message = generation.message if isinstance(generation, ChatGeneration) else None
            if isinstance(message, AIMessage):
                self._add(message, sent)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:  # noqa: ARG002
        """Stop the clock of a call that failed."""
        self._end(run_id)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:  # noqa: ARG002
        """Stop a tool's clock."""
        self._end(run_id)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:  # noqa: ARG002
        """Stop the clock of a tool that failed."""
        self._end(run_id)

    # -- inside ------------------------------------------------------------------------

    def _end(self, run_id: UUID) -> _Sent:
        with self._lock:
            stage, begun, sent = self._running.pop(run_id, ("model", time.perf_counter(), _Sent()))
            self.seconds[stage] += time.perf_counter() - begun
        return sent

    def _add(self, message: AIMessage, sent: _Sent) -> None:
        used = message.usage_metadata
        with self._lock:
            if used and used["input_tokens"] + used["output_tokens"]:
                self.input_tokens += used["input_tokens"]
                self.output_tokens += used["output_tokens"]
            elif self._estimate:
                self.input_tokens += sent.size()
                self.output_tokens += _size(message)
                self.estimated = True

    def _usd(self) -> float | None:
        prices = self._limits.prices
        if prices is None:
            return None
        paid = self.input_tokens * prices["input"] + self.output_tokens * prices["output"]
        return paid / _PER_PRICE

    def _check_limits(self) -> None:
        limits, usd = self._limits, self._usd()
        if self.model_calls >= limits.max_model_calls:
            raise _exceeded("max_model_calls", limits.max_model_calls, "model calls")
        if limits.max_tokens is not None and (
            self.input_tokens + self.output_tokens >= limits.max_tokens
        ):
            raise _exceeded("max_tokens", limits.max_tokens, "tokens")
        if limits.max_usd is not None and usd is not None and usd >= limits.max_usd:
            raise _exceeded("max_usd", limits.max_usd, "US dollars")
        if self.remaining_s() == 0.0:
            raise self.out_of_time()


def _size(message: BaseMessage) -> int:
    """Return an estimate of the tokens of a message; pictures are not counted."""
    calls: Sequence[Any] = getattr(message, "tool_calls", None) or ()
    return estimate_tokens(message.text) + sum(estimate_tokens(str(c["args"])) for c in calls)


def _exceeded(name: str, value: float, what: str) -> BudgetExceeded:
    return BudgetExceeded(
        f"the question needs more than {value:g} {what}; raise {name} or ask something simpler",
        limit=name,
        value=value,
    )


class KeepLimits(AgentMiddleware[Any, Any]):
    """Asks the meter, which is the loop's context, before each model call."""

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Call the model if the limits allow it.

        Raises:
            BudgetExceeded: If a limit is reached.
            Stopped: If nobody waits for the answer any more.
        """
        _meter(request).admit()
        return handler(request)

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Call the model if the limits allow it; see `wrap_model_call`."""
        _meter(request).admit()
        return await handler(request)


def _meter(request: ModelRequest[Any]) -> Meter:
    meter = request.runtime.context
    if not isinstance(meter, Meter):
        raise TypeError(f"the loop's context is its meter, got {meter!r}")
    return meter
