"""From what a user writes to a chat model, and from provider errors to ours.

Nothing here sends anything anywhere: a model is only made, and only the one that the
user chose.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from langchain_core.language_models import BaseChatModel

from reelgraph.agent.embedded import EmbeddedChatModel
from reelgraph.errors import AgentError, MissingDependencyError, ProviderError, ReelgraphError

__all__ = ["EMBEDDED", "model_name", "provider_errors", "resolve_model"]

EMBEDDED = "embedded"
"""Name of the chat model that needs no key and no weights."""

_KEYS = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "google_genai": "GOOGLE_API_KEY",
    "mistralai": "MISTRAL_API_KEY",
    "groq": "GROQ_API_KEY",
    "xai": "XAI_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
}
_RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


def resolve_model(model: str | BaseChatModel) -> BaseChatModel:
    """Return the chat model that ``model`` names.

    Args:
        model: ``"embedded"``, any string that LangChain's `init_chat_model` takes
            (``"openai:gpt-5"``, ``"ollama:qwen3"``), or a chat model.

    Raises:
        AgentError: If it is neither a name nor a chat model, or the name is unknown.
        ProviderError: If the provider's key is missing.
        MissingDependencyError: If the provider's package is not installed.
    """
    if isinstance(model, BaseChatModel):
        return model
    if not isinstance(model, str) or not model.strip():
        raise AgentError(
            f"model must be 'embedded', a name such as 'openai:gpt-5' or a LangChain chat model, "
            f"got {model!r}"
        )
    return EmbeddedChatModel() if model == EMBEDDED else _provided(model)


def _provided(name: str) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    try:
        made: BaseChatModel = init_chat_model(name)
    except ImportError as error:
        package = (
            getattr(error.__cause__, "name", None) or f"langchain_{name.split(':', maxsplit=1)[0]}"
        )
        raise _missing(name, package) from error
    except ReelgraphError:
        raise
    except Exception as error:
        raise _setup_error(name, error) from error
    return made


class _MissingProviderError(MissingDependencyError):
    """A provider's package is missing; it is none of our extras."""

    def __init__(self, feature: str, package: str) -> None:
        super().__init__(feature=feature, package=package, extra="")
        self.args = (
            f"{feature} needs the package {package!r}, which is not installed. "
            f"Install it with: pip install {package}",
        )


def _missing(name: str, module: str) -> MissingDependencyError:
    package = module.split(".", maxsplit=1)[0].replace("_", "-")
    return _MissingProviderError(f"The model {name!r}", package)


def _setup_error(name: str, error: Exception) -> AgentError:
    """Return what a failure to make a model means to the user."""
    text = _one_line(error)
    provider = name.split(":", maxsplit=1)[0]
    if "api_key" in text.lower() or "credential" in text.lower():
        key = _KEYS.get(provider, "the provider's API key")
        return ProviderError(
            f"The model {name!r} needs a key: set the environment variable {key}, "
            "or use model='embedded', which needs none."
        )
    if isinstance(error, ValueError):
        return AgentError(
            f"No chat model is called {name!r}. Write provider:model, e.g. 'openai:gpt-5' or "
            f"'ollama:qwen3', or 'embedded'. ({text})"
        )
    return ProviderError(f"The model {name!r} could not be set up: {text}")


def model_name(model: BaseChatModel) -> str:
    """Return a model's name for records."""
    if isinstance(model, EmbeddedChatModel):
        return EMBEDDED
    for attribute in ("model_name", "model", "model_id"):
        if isinstance(name := getattr(model, attribute, None), str) and name:
            return name
    return str(model._llm_type)


@contextmanager
def provider_errors(model: BaseChatModel) -> Iterator[None]:
    """Turn what a provider's client raises into `ProviderError`; bugs keep their traceback.

    Raises:
        ProviderError: If the provider refused, failed or cannot be reached.
    """
    try:
        yield
    except ReelgraphError:
        raise
    except Exception as error:
        if not _is_providers(error):
            raise
        raise _call_error(model_name(model), error) from error


def _is_providers(error: Exception) -> bool:
    """Return whether an error comes from a provider's client or from the network."""
    return _status(error) is not None or isinstance(error, ConnectionError | TimeoutError) or (
        any(base.__name__ in {"APIError", "APIConnectionError", "HTTPError", "TransportError"}
            for base in type(error).__mro__)
    )  # fmt: skip


def _status(error: Exception) -> int | None:
    for source in (error, getattr(error, "response", None)):
        status = getattr(source, "status_code", None)
        if isinstance(status, int):
            return status
    return None


def _call_error(name: str, error: Exception) -> ProviderError:
    status = _status(error)
    text = _one_line(error)
    if status in {401, 403}:
        return ProviderError(
            f"The provider of {name!r} refused the key ({status}): check it. {text}"
        )
    if status == 404:
        return ProviderError(f"The provider does not know the model {name!r} (404): {text}")
    if status == 429:
        return ProviderError(
            f"The provider of {name!r} limits the rate or the quota is used up (429): wait and "
            f"try again, or check the plan. {text}",
            retryable=True,
        )
    if status is None:
        return ProviderError(f"The provider of {name!r} cannot be reached: {text}", retryable=True)
    return ProviderError(
        f"The provider of {name!r} failed ({status}): {text}", retryable=status in _RETRYABLE
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
