"""Keeps a provider's key out of every text that leaves the agent."""

from __future__ import annotations

import os
import re

from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

__all__ = ["KEY_VARIABLES", "holds_secret", "redacted"]

KEY_VARIABLES = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "google_genai": "GOOGLE_API_KEY",
    "mistralai": "MISTRAL_API_KEY",
    "groq": "GROQ_API_KEY",
    "xai": "XAI_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
}
"""Environment variable that holds the key, by LangChain's name of the provider."""

HIDDEN = "[key]"
"""Stands where a key was."""

_SHORTEST = 6
_LOOKS_LIKE_KEY = re.compile(
    r"\b(?:sk|pk|gsk|xai|AIza|key)[-_][\w*.-]{6,}|\bAIza[\w-]{10,}|(?<=Bearer )[^\s'\",]+",
    re.IGNORECASE,
)


def redacted(text: str, model: BaseChatModel | None = None) -> str:
    """Return text without keys: those the model holds, and what looks like one.

    Args:
        text: Anything that a provider or its client says.
        model: The chat model, whose keys are known.
    """
    for secret in _secrets(model):
        text = text.replace(secret, HIDDEN)
    return _LOOKS_LIKE_KEY.sub(HIDDEN, text)


def holds_secret(error: BaseException | None, model: BaseChatModel | None = None) -> bool:
    """Return whether an error, or what it came from, tells a key when it is shown."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if redacted(str(error), model) != str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _secrets(model: BaseChatModel | None) -> list[str]:
    """Return the keys that a model holds and those in the environment, longest first."""
    fields = vars(model).values() if model is not None else ()
    held = [value.get_secret_value() for value in fields if isinstance(value, SecretStr)]
    held += [os.environ[name] for name in KEY_VARIABLES.values() if name in os.environ]
    return sorted({key for key in held if len(key) >= _SHORTEST}, key=len, reverse=True)
