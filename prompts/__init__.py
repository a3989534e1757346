"""Prompts as data: one file each, rendered strictly, identified by a hash."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from reelgraph.errors import ReelgraphError

__all__ = ["Prompt", "PromptError", "load_prompt", "prompt_names"]

_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class PromptError(ReelgraphError):
    """A prompt does not exist, or was rendered with the wrong variables: a bug."""


@dataclass(frozen=True)
class Prompt:
    """A template with ``{{ variables }}``.

    Attributes:
        name: File name without its ending.
        template: The text of the file.
    """

    name: str
    template: str

    @property
    def variables(self) -> frozenset[str]:
        """Names that `render` must be given."""
        return frozenset(_VARIABLE.findall(self.template))

    @property
    def sha256(self) -> str:
        """Hash of the template, for logs."""
        return hashlib.sha256(self.template.encode()).hexdigest()

    def render(self, **values: str) -> str:
        """Return the text with every variable replaced, once: values are not templates.

        Raises:
            PromptError: If a variable is missing, or one is given that is not used.
        """
        if missing := sorted(self.variables - values.keys()):
            raise PromptError(f"prompt {self.name!r} needs values for {', '.join(missing)}")
        if unused := sorted(values.keys() - self.variables):
            raise PromptError(f"prompt {self.name!r} has no variable {', '.join(unused)}")
        return _VARIABLE.sub(lambda found: values[found[1]], self.template).strip()


def prompt_names() -> list[str]:
    """Return the name of every prompt, sorted."""
    folder = files("reelgraph.prompts")
    return sorted(f.name.removesuffix(".md") for f in folder.iterdir() if f.name.endswith(".md"))


@lru_cache(maxsize=64)
def load_prompt(name: str) -> Prompt:
    """Return a prompt by name.

    Raises:
        PromptError: If there is none of that name; the message lists those there are.
    """
    source = files("reelgraph.prompts").joinpath(f"{name}.md")
    if not source.is_file():
        raise PromptError(f"no prompt is called {name!r}; there are: {', '.join(prompt_names())}")
    return Prompt(name, source.read_text(encoding="utf-8"))
