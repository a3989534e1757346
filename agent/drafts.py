"""Reading a draft from what a model writes: whole, as JSON in text, or while it comes in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.utils.json import parse_partial_json
from pydantic import ValidationError

from reelgraph.agent.answer import AnswerDraft
from reelgraph.agent.arguments import complaint

__all__ = ["DraftText", "UnreadableDraftError", "read_draft", "refusal"]

_MOST_STARTS = 50
"""At most so many opening braces of a reply are tried."""


class UnreadableDraftError(ValueError):
    """A reply holds no draft; the message tells the model why."""


def read_draft(text: str) -> AnswerDraft:
    """Return the draft in a reply that is JSON, or has one JSON object in it.

    Args:
        text: The reply; words, code fences or thoughts around the object are skipped.

    Raises:
        UnreadableDraftError: If there is none.
    """
    problem = "there is no JSON object in it"
    for found in _objects(text):
        try:
            return AnswerDraft.model_validate(found)
        except ValidationError as error:
            problem = complaint(error, AnswerDraft)
    raise UnreadableDraftError(problem if text.strip() else "it is empty")


def _objects(text: str) -> list[object]:
    """Return the JSON objects of a text, the last first: a model thinks before it answers."""
    found: list[object] = []
    decoder, at = json.JSONDecoder(strict=False), text.find("{")
    for _ in range(_MOST_STARTS):
        if at < 0:
            break
        try:
            value, end = decoder.raw_decode(text, at)
            found.append(value)
        except (json.JSONDecodeError, RecursionError):
            end = at + 1
        at = text.find("{", end)
    return found[::-1]


def refusal(message: BaseMessage) -> str | None:
    """Return the words in which a provider's model refused to answer, or None."""
    if not isinstance(message, AIMessage) or message.tool_calls:
        return None
    if said := message.additional_kwargs.get("refusal"):
        return str(said)
    for block in message.content if isinstance(message.content, list) else ():
        if isinstance(block, dict) and block.get("type") == "refusal":
            return str(block.get("refusal", ""))
    if message.response_metadata.get("finish_reason") == "content_filter":
        return message.text or "the provider's filter stopped the answer"
    return None


@dataclass
class DraftText:
    """Follows what a model writes for the reader while it comes in.

    Of a call of the answer tool that is the value of ``text``; of anything else that the
    model writes, the words.
    """

    _arguments: dict[int | str | None, str] = field(default_factory=dict)
    _names: dict[int | str | None, str] = field(default_factory=dict)
    _told: dict[int | str | None, int] = field(default_factory=dict)

    def feed(self, chunk: AIMessageChunk) -> str:
        """Return the words that a chunk adds, may be none."""
        return chunk.text + "".join(map(self._of_call, chunk.tool_call_chunks))

    def _of_call(self, part: object) -> str:
        piece = part if isinstance(part, dict) else {}
        key = piece.get("index")
        self._names[key] = piece.get("name") or self._names.get(key, "")
        self._arguments[key] = self._arguments.get(key, "") + (piece.get("args") or "")
        if self._names[key] != AnswerDraft.__name__:
            return ""
        text = _text_so_far(self._arguments[key])
        new = text[self._told.get(key, 0) :]
        self._told[key] = len(text)
        return new


def _text_so_far(arguments: str) -> str:
    try:
        found = parse_partial_json(arguments)
    except (json.JSONDecodeError, ValueError):
        return ""
    text = found.get("text") if isinstance(found, dict) else None
    return text if isinstance(text, str) else ""
