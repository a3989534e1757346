"""What a caller may ask: checks with messages that say what to do instead."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from reelgraph.agent.request import Request
from reelgraph.errors import AgentError

__all__ = ["MAX_QUESTION_CHARACTERS", "checked_request", "checked_window"]

MAX_QUESTION_CHARACTERS = 4000
"""A longer question is refused: it holds more than one question, or something else."""


def checked_request(
    question: str, choices: Sequence[str] | None, *, allow_unsupported: bool
) -> Request:
    """Return what the caller asks, checked.

    Raises:
        AgentError: If the question is empty or too long, or options are missing.
    """
    text = question.strip() if isinstance(question, str) else ""
    if not text:
        raise AgentError(f"the question is empty: {question!r}; ask something about the video")
    if len(text) > MAX_QUESTION_CHARACTERS:
        raise AgentError(
            f"the question has {len(text)} characters, more than {MAX_QUESTION_CHARACTERS}; "
            "shorten it to one question"
        )
    request = Request(text, allow_unsupported=allow_unsupported)
    return request if choices is None else replace(request, choices=_checked_choices(choices))


def _checked_choices(choices: Sequence[str]) -> tuple[str, ...]:
    if isinstance(choices, str):
        raise AgentError(f"choices must be a list of options, got the text {choices!r}")
    options = tuple(str(choice).strip() for choice in choices)
    if len(options) < 2:
        raise AgentError(
            f"choices needs at least two options, got {list(choices)!r}; give more, or leave "
            "choices out for an open question"
        )
    if not all(options):
        raise AgentError(f"choices has an empty option: {list(choices)!r}")
    return options


def checked_window(during: tuple[float, float], duration_s: float) -> tuple[float, float]:
    """Return ``during`` as numbers inside the video.

    Raises:
        AgentError: If it is reversed, not two numbers, or outside the video.
    """
    rule = f"give (start, end) in seconds with 0 <= start < end <= {duration_s:.2f}"
    try:
        start, end = (bound + 0.0 for bound in during)
    except (TypeError, ValueError):
        raise AgentError(f"during={during!r} is not a pair of seconds; {rule}") from None
    if not (math.isfinite(start) and math.isfinite(end)) or start >= end:
        raise AgentError(f"during={during!r} is empty or reversed; {rule}")
    if start < 0 or start >= duration_s or end > duration_s + 0.5:
        raise AgentError(f"during={during!r} is outside the video; {rule}")
    return start, min(end, duration_s)
