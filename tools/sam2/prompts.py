"""What a user points out in a video: points, a box or a mask of one object at a time."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from reelgraph.errors import QueryError
from reelgraph.graph.schema import VideoInfo
from reelgraph.tools.sam2.engine import BoxPrompt, PointPrompt, Prompt

__all__ = [
    "BoxPrompt",
    "ObjectPrompt",
    "PointPrompt",
    "check_prompts",
    "parse_box",
    "parse_mask",
    "parse_point",
]

POINT_FORM: Final = "SECONDS:X,Y"
BOX_FORM: Final = "SECONDS:LEFT,TOP,RIGHT,BOTTOM"
MASK_FORM: Final = "SECONDS:FILE"
_NUMBER: Final = r"\d+(?:\.\d+)?"
_POINT: Final = re.compile(rf"([+-]?)({_NUMBER}),({_NUMBER})")
_BOX: Final = re.compile(rf"({_NUMBER}),({_NUMBER}),({_NUMBER}),({_NUMBER})")


@dataclass(frozen=True, eq=False)
class ObjectPrompt:
    """One object, pointed out at one time.

    Attributes:
        time_s: Seconds from the first frame; the frame shown then is meant.
        shape: A `PointPrompt`, a `BoxPrompt`, or a bool mask ``(h, w)``, in pixels of the
            video as it is shown.

    Example:
        >>> ball = ObjectPrompt(2.0, PointPrompt(((120, 80), (60, 40)), labels=(1, 0)))
        >>> parse_point("2.0:120,80 -60,40").shape == ball.shape
        True
    """

    time_s: float
    shape: Prompt

    def fingerprint(self) -> str:
        """Return text that is the same for the same prompt only."""
        if isinstance(self.shape, np.ndarray):
            pixels = hashlib.sha256(np.packbits(self.shape).tobytes()).hexdigest()
            return f"{self.time_s!r}: mask {self.shape.shape} {pixels}"
        return f"{self.time_s!r}: {self.shape!r}"


def parse_point(text: str) -> ObjectPrompt:
    """Read ``2.0:120,80``, or with further points ``2.0:120,80 +130,95 -60,40``.

    A point after ``-`` is not on the object; one after ``+`` or nothing is.

    Raises:
        QueryError: If the text is not of this form, or no point is on the object.
    """
    time_s, rest = _split(text, POINT_FORM, "2.0:120,80")
    found = [_POINT.fullmatch(word) for word in rest.split()]
    if not found or None in found:
        raise _malformed(text, POINT_FORM, "2.0:120,80 -60,40")
    points = [match for match in found if match is not None]
    labels = tuple(int(match[1] != "-") for match in points)
    if not any(labels):
        raise QueryError(f"{text!r} says only where the object is not; add a point on it")
    places = tuple((float(match[2]), float(match[3])) for match in points)
    return ObjectPrompt(time_s, PointPrompt(places, labels))


def parse_box(text: str) -> ObjectPrompt:
    """Read ``0:10,20,110,140``: seconds, then left, top, right, bottom in pixels.

    Raises:
        QueryError: If the text is not of this form.
    """
    time_s, rest = _split(text, BOX_FORM, "0:10,20,110,140")
    found = _BOX.fullmatch(rest.strip())
    if found is None:
        raise _malformed(text, BOX_FORM, "0:10,20,110,140")
    left, top, right, bottom = map(float, found.groups())
    return ObjectPrompt(time_s, BoxPrompt((left, top, right, bottom)))


def parse_mask(text: str) -> ObjectPrompt:
    """Read ``1.5:mask.png``: seconds, then a picture that is not black on the object.

    Raises:
        QueryError: If the text is not of this form, or the picture cannot be read.
    """
    time_s, rest = _split(text, MASK_FORM, "1.5:mask.png")
    path = Path(rest.strip())
    data = path.read_bytes() if path.is_file() else b""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    if picture is None:
        raise QueryError(f"{str(path)!r} is no picture that can be read; name a PNG file")
    return ObjectPrompt(time_s, np.asarray(picture > 0, np.bool_))


def check_prompts(prompts: Sequence[ObjectPrompt], video: VideoInfo) -> None:
    """Make sure that every prompt lies in the video.

    Raises:
        QueryError: If there is none, a time is outside the video, or a place outside the
            frame; the message names the value and what would do.
    """
    if not prompts:
        raise QueryError("there are no prompts; give one, or None to find objects")
    width, height = video.resolution_wh
    for prompt in prompts:
        if not 0 <= prompt.time_s < video.duration_s:
            raise QueryError(
                f"the prompt at {prompt.time_s!r} s is outside the video, which ends at "
                f"{video.duration_s:.3f} s"
            )
        if isinstance(prompt.shape, np.ndarray):
            _check_mask(prompt.shape, width, height)
        elif isinstance(prompt.shape, BoxPrompt):
            _check_box(prompt.shape, width, height)
        else:
            _check_points(prompt.shape, width, height)


def _check_points(shape: PointPrompt, width: int, height: int) -> None:
    if not shape.points_xy:
        raise QueryError("a point prompt has no points; give one on the object")
    if shape.labels and len(shape.labels) != len(shape.points_xy):
        raise QueryError(f"{len(shape.points_xy)} points have {len(shape.labels)} labels")
    if shape.labels and 1 not in shape.labels:
        raise QueryError("no point is on the object; give one with label 1")
    for x, y in shape.points_xy:
        if not (0 <= x < width and 0 <= y < height):
            raise QueryError(f"the point {(x, y)!r} is outside the frame of {width}x{height}")


def _check_box(shape: BoxPrompt, width: int, height: int) -> None:
    left, top, right, bottom = shape.xyxy
    if not all(map(math.isfinite, shape.xyxy)) or not (left < right and top < bottom):
        raise QueryError(
            f"the box {shape.xyxy!r} is empty; give left, top, right, bottom with left < right "
            "and top < bottom"
        )
    if left < 0 or top < 0 or right > width or bottom > height:
        raise QueryError(f"the box {shape.xyxy!r} is outside the frame of {width}x{height}")


def _check_mask(mask: object, width: int, height: int) -> None:
    array = np.asarray(mask)
    if array.dtype != np.bool_ or array.shape != (height, width):
        raise QueryError(
            f"a mask must be bool ({height}, {width}) like the frame, "
            f"got {array.dtype} {array.shape}"
        )
    if not array.any():
        raise QueryError("the mask has no pixel on the object")


def _split(text: str, form: str, example: str) -> tuple[float, str]:
    seconds, colon, rest = text.partition(":")
    try:
        time_s = float(seconds)
    except ValueError:
        time_s = math.nan
    if not (colon and math.isfinite(time_s)):
        raise _malformed(text, form, example)
    return time_s, rest


def _malformed(text: str, form: str, example: str) -> QueryError:
    return QueryError(f"{text!r} is not {form}; write e.g. {example!r}")
