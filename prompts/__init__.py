"""Prompts as data: one file each, rendered strictly, identified by a hash."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from reelgraph.errors import ReelgraphError

__all__ = ["Prompt", "PromptError", "load_prompt", "prompt_names", "prompts_hash"]

_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_HEADER = re.compile(r"<!-- version (\d+) -->\n")


class PromptError(ReelgraphError):
    """A prompt does not exist, or was rendered with the wrong variables: a bug."""


@dataclass(frozen=True)
class Prompt:
    """A template with ``{{ variables }}``.

    Attributes:
        name: File name without its ending.
        template: The text of the file below its first line.
        version: The number in the first line, ``<!-- version 2 -->``, 1 without such a line;
            a changed text has a higher one.
    """

    name: str
    template: str
    version: int = 1

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
    text = source.read_text(encoding="utf-8")
    header = _HEADER.match(text)
    return Prompt(name, text[header.end() :], int(header[1])) if header else Prompt(name, text)


def prompts_hash(names: Iterable[str], extra: str = "") -> str:
    """Return one hash of several prompts, for records of what a model was told.

    Args:
        names: The prompts that it could get.
        extra: What else it was told that is not in the files, such as tool schemas.
    """
    parts = [f"{name} {load_prompt(name).sha256}" for name in sorted(names)]
    return hashlib.sha256("\n".join([*parts, extra]).encode()).hexdigest()[:16]
