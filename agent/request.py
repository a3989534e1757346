"""The message that puts a question to a chat model, and how the embedded model reads it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import BaseMessage

from reelgraph.prompts import load_prompt

__all__ = ["Request", "read_request", "write_request"]

_CHOICE = re.compile(r"^(\d+)\) (.*)$", re.MULTILINE)
_QUESTION = "Question: "
_CHOICES = "Options (answer with the index of one):"
_GUESS = "If the graph does not show it, answer as well as you can."


@dataclass(frozen=True)
class Request:
    """What a caller asks.

    Attributes:
        question: One question in English.
        choices: Options of a multiple-choice question.
        allow_unsupported: Whether an answer that the graph does not show is wanted.
    """

    question: str
    choices: tuple[str, ...] = ()
    allow_unsupported: bool = False


def write_request(request: Request) -> str:
    """Return the text of the message that puts a question."""
    options = "\n".join(f"{i}) {_line(text)}" for i, text in enumerate(request.choices))
    return load_prompt("question").render(
        question=_line(request.question),
        options=f"\n{_CHOICES}\n{options}" if options else "",
        guess=f"\n{_GUESS}" if request.allow_unsupported else "",
    )


def read_request(messages: Sequence[BaseMessage]) -> Request:
    """Read the question from the first message; any plain message is a question."""
    text = messages[0].text if messages else ""
    head, _, rest = text.partition(f"\n{_CHOICES}\n")
    question = head.strip().removeprefix(_QUESTION)
    question = question.removesuffix(_GUESS).strip()
    choices = tuple(found[2] for found in _CHOICE.finditer(rest))
    return Request(question, choices, text.rstrip().endswith(_GUESS))


def _line(text: str) -> str:
    """Return text on one line, so that no question can pass for the frame around it."""
    return " ".join(text.split())
