"""From what a user writes to a chat model, and from provider errors to ours.

Nothing here sends anything anywhere: a model is only made, and only the one that the
user chose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from langchain_core.language_models import BaseChatModel

from reelgraph.agent.embedded import EmbeddedChatModel
from reelgraph.agent.redaction import KEY_VARIABLES, holds_secret, redacted
from reelgraph.errors import AgentError, MissingDependencyError, ProviderError, ReelgraphError

__all__ = [
    "EMBEDDED",
    "cannot_call_tools",
    "is_retryable",
    "model_name",
    "provider_errors",
    "resolve_model",
]

EMBEDDED = "embedded"
"""Name of the chat model that needs no key and no weights."""

_RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_UNREACHABLE = frozenset(
    {"APIConnectionError", "ConnectError", "TimeoutException", "NetworkError", "TransportError"}
)
_BROKEN_OFF = re.compile(
    r"peer closed connection|incomplete (?:chunked )?read|content-length", re.I
)
_OTHER_LOOP = re.compile(r"event loop is closed|different (?:event )?loop", re.I)
_NO_TOOLS = re.compile(r"does not support (?:tools|function)|tool[ _-]?(?:call|choice)", re.I)


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
        key = KEY_VARIABLES.get(provider, "the provider's API key")
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
        # A cause is shown with the error, in logs too: not one that tells the key.
        cause = None if holds_secret(error, model) else error
        raise _call_error(model, error) from cause


def is_retryable(error: BaseException, *, broken_off_only: bool = False) -> bool:
    """Return whether the same call may succeed later.

    Args:
        error: What the provider's client raised.
        broken_off_only: Only where the answer broke off while it was read, which the
            clients of providers do not repeat themselves.
    """
    if broken_off_only:
        return _broke_off(error)
    status = _status(error)
    if status is not None:
        return status in _RETRYABLE
    return _broke_off(error) or _is_unreachable(error)


def cannot_call_tools(error: BaseException) -> bool:
    """Return whether a server refused a request because its model has no tool calling."""
    source = error.__cause__ or error
    return _status(source) in {400, 404, 422, 501} and bool(_NO_TOOLS.search(str(source)))


def _is_providers(error: Exception) -> bool:
    """Return whether an error comes from a provider's client or from the network."""
    return _status(error) is not None or _is_unreachable(error) or _broke_off(error) or bool(
        {"APIError", "HTTPError", "ModelError"} & _ancestry(error)
    )  # fmt: skip


def _is_unreachable(error: BaseException) -> bool:
    return isinstance(error, ConnectionError | TimeoutError) or bool(
        _UNREACHABLE & _ancestry(error)
    )


def _broke_off(error: BaseException) -> bool:
    """Return whether an answer began to come in and then stopped, or ended in an error.

    A client that is used from a second event loop first tries a connection of the one
    before, which is gone.
    """
    if isinstance(error, RuntimeError) and _OTHER_LOOP.search(str(error)):
        return True
    if type(error).__name__ == "APIError" and _status(error) is None:
        return True
    return any(
        "RemoteProtocolError" in _ancestry(source) and _BROKEN_OFF.search(str(source))
        for source in _chain(error)
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came from."""
    source: BaseException | None = error
    while source is not None:
        yield source
        source = source.__cause__


def _ancestry(error: BaseException) -> set[str]:
    return {base.__name__ for base in type(error).__mro__}


def _status(error: BaseException) -> int | None:
    for source in (error, getattr(error, "response", None)):
        status = getattr(source, "status_code", None)
        if isinstance(status, int):
            return status
    return None


def _call_error(model: BaseChatModel, error: Exception) -> ProviderError:
    name, status, text = model_name(model), _status(error), _one_line(error, model)
    if status in {401, 403}:
        message = f"The provider of {name!r} refused the key ({status}): check it. {text}"
    elif status == 404:
        message = f"The provider does not know the model {name!r} (404): {text}"
    elif status == 429:
        message = (
            f"The provider of {name!r} limits the rate or the quota is used up (429): wait and "
            f"try again, or check the plan. {text}"
        )
    elif status is not None:
        message = f"The provider of {name!r} failed ({status}): {text}"
    elif _is_timeout(error):
        message = f"The provider of {name!r} took too long to answer: {text}"
    elif _broke_off(error):
        message = f"The answer of the provider of {name!r} broke off: {text}"
    else:
        message = f"The provider of {name!r} cannot be reached: {text}"
    return ProviderError(message, retryable=is_retryable(error))


def _is_timeout(error: Exception) -> bool:
    return isinstance(error, TimeoutError) or bool(
        {"APITimeoutError", "TimeoutException"} & _ancestry(error)
    )


def _one_line(error: Exception, model: BaseChatModel | None = None) -> str:
    return redacted(" ".join(str(error).split()), model)[:300] or type(error).__name__
