"""Names of chat models, and what provider errors become."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from made_graphs import hand_over

from reelgraph.agent.embedded import EmbeddedChatModel
from reelgraph.agent.models import model_name, provider_errors, resolve_model
from reelgraph.agent.testing import ScriptedChatModel
from reelgraph.errors import AgentError, MissingDependencyError, ProviderError, QueryError


def test_embedded_needs_nothing() -> None:
    model = resolve_model("embedded")
    assert isinstance(model, EmbeddedChatModel)
    assert model_name(model) == "embedded"


def test_a_chat_model_is_taken_as_it_is() -> None:
    model = ScriptedChatModel([])
    assert resolve_model(model) is model


def test_a_provider_model_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")
    assert model_name(resolve_model("openai:gpt-5")) == "gpt-5"


def test_a_missing_key_names_its_variable() -> None:
    with pytest.raises(ProviderError, match="OPENAI_API_KEY") as caught:
        resolve_model("openai:gpt-5")
    assert "embedded" in str(caught.value)


def test_a_missing_package_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from langchain.chat_models import base

    base._get_chat_model_creator.cache_clear()
    monkeypatch.setitem(sys.modules, "langchain_anthropic", None)
    with pytest.raises(MissingDependencyError, match="pip install langchain-anthropic"):
        resolve_model("anthropic:claude-sonnet-4-5")


@pytest.mark.parametrize("name", ["nonsense", "nowhere:model", "", "  ", None, 7])
def test_unknown_names_say_what_is_known(name: Any) -> None:
    with pytest.raises(AgentError, match="embedded"):
        resolve_model(name)


class StatusError(Exception):
    """What provider clients raise: an error with a status."""

    def __init__(self, status_code: int) -> None:
        super().__init__("the provider's\nown words")
        self.status_code = status_code


class APIConnectionError(Exception):
    """Named as in the clients of OpenAI and Anthropic."""


@pytest.mark.parametrize(
    ("error", "word", "retryable"),
    [
        (StatusError(401), "key", False),
        (StatusError(403), "key", False),
        (StatusError(404), "does not know the model", False),
        (StatusError(429), "rate", True),
        (StatusError(500), "failed", True),
        (StatusError(400), "failed", False),
        (ConnectionError("no route"), "reached", True),
        (APIConnectionError("no route"), "reached", True),
    ],
)
def test_provider_errors(error: Exception, word: str, retryable: bool) -> None:
    with (
        pytest.raises(ProviderError, match=word) as caught,
        provider_errors(ScriptedChatModel([])),
    ):
        raise error
    assert caught.value.retryable is retryable
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [KeyError("bug"), QueryError("ours")])
def test_other_errors_pass(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, provider_errors(ScriptedChatModel([])):
        raise error
    assert caught.value is error


def test_the_agent_reports_a_provider_error(agent_for: Callable[..., Any]) -> None:
    agent = agent_for(hand_over(), ScriptedChatModel([StatusError(429)] * 3))
    with pytest.raises(ProviderError, match="429"):
        agent.ask("Who hands the ball?", "made.mp4")


def test_the_embedded_model_takes_a_plain_message() -> None:
    reply = EmbeddedChatModel().invoke([HumanMessage("Who hands the ball?")])
    assert [c["name"] for c in reply.tool_calls] == ["describe_video"]
