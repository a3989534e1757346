"""What each graph tool may be called with: schemas that are also the tools' documentation."""

from __future__ import annotations

import difflib
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

__all__ = [
    "CompareTimes",
    "Count",
    "DescribeVideo",
    "FindRelations",
    "ListObjects",
    "Look",
    "MatchSequence",
    "Neighbors",
    "Snapshot",
    "Timeline",
    "complaint",
]

_WHO = "an object id (3) or a label ('person', 'red cup'); omit for any"
_REFERENCE = "a relation id ('r12'), one of its intervals ('r12.2') or an object id ('o3')"


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Windowed(_Arguments):
    start_s: float | None = Field(default=None, ge=0, description="Only from this second on.")
    end_s: float | None = Field(default=None, ge=0, description="Only until this second.")


class DescribeVideo(_Arguments):
    """No arguments."""


class ListObjects(_Windowed):
    """Which objects to list."""

    label: str | None = Field(default=None, description="Only this kind, e.g. 'person'.")
    attribute: str | None = Field(default=None, description="Only with this attribute.")


class FindRelations(_Windowed):
    """Which relations to find."""

    subject: int | str | None = Field(default=None, description=f"Who acts: {_WHO}.")
    predicate: str | None = Field(
        default=None, description="What is said, e.g. 'holds', 'left of'; omit for any."
    )
    object: int | str | None = Field(default=None, description=f"What is acted on: {_WHO}.")


class Neighbors(_Windowed):
    """Whose neighbours."""

    object_id: int = Field(description="Object id.")
    predicate: str | None = Field(default=None, description="Only by this predicate.")


class Timeline(_Arguments):
    """Whose history."""

    object_id: int = Field(description="Object id.")


class Snapshot(_Arguments):
    """Which moment."""

    time_s: float = Field(ge=0, description="Second of the video.")


class CompareTimes(_Arguments):
    """Which two times to compare."""

    first: str = Field(description=f"Reference: {_REFERENCE}.")
    second: str = Field(description=f"Reference: {_REFERENCE}.")


class Count(FindRelations):
    """What to count."""

    what: Literal["objects", "relations"] = Field(
        description="'objects' of a kind in view (give it as subject), or 'relations' that happen."
    )
    over: Literal["all", "max", "min"] = Field(
        default="all", description="All, or the most or fewest at any one moment."
    )


class MatchSequence(FindRelations):
    """Which occurrence in the order of time."""

    which: Literal["first", "last", "next after", "last before"] = Field(
        description="Which of the matching occurrences."
    )
    anchor: str | None = Field(
        default=None, description=f"For 'next after' and 'last before': {_REFERENCE}."
    )


class Look(_Arguments):
    """Which frames to see."""

    times_s: list[float] = Field(
        min_length=1, max_length=4, description="Seconds of the frames, at most four."
    )
    object_id: int | None = Field(default=None, description="Crop to this object; omit for all.")


def complaint(error: ValidationError | Any, schema: type[BaseModel]) -> str:
    """Return what is wrong with a call's arguments, in words that a model can act on."""
    if not isinstance(error, ValidationError):
        return str(error)
    wrong = "; ".join(_wrong(each, schema) for each in error.errors(include_url=False))
    known = ", ".join(schema.model_fields) or "none"
    return f"Wrong arguments: {wrong}. This tool takes: {known}."


def _wrong(found: Any, schema: type[BaseModel]) -> str:
    name = ".".join(map(str, found["loc"][:1])) or "arguments"
    if found["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, list(schema.model_fields), n=1)
        return f"there is no {name!r}" + (f", did you mean {near[0]!r}?" if near else "")
    given = repr(found["input"])[:60]
    return f"{name}: {found['msg'][0].lower()}{found['msg'][1:]}, got {given}"
