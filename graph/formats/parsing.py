"""Parsing: a file of another tool becomes a model, or an error with file, place and fix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from reelgraph.errors import GraphFormatError

__all__ = ["Form", "SourceFile"]

T = TypeVar("T")


class Form(BaseModel):
    """Base of what a file of another tool must hold; keys that nobody reads are passed over."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class SourceFile:
    """A file to read, and the words for what may be wrong with it.

    Attributes:
        path: The file.
        form: What it should be, as a noun phrase: ``"VidVRD annotations"``.
        fix: What the reader of an error message can do.
    """

    path: Path
    form: str
    fix: str

    def error(self, place: str, problem: str) -> GraphFormatError:
        """Return the error that names the file, the place in it, the problem and the fix."""
        return GraphFormatError(
            f"{str(self.path)!r} is no {self.form}: {place}: {problem}. {self.fix}"
        )

    def read(self) -> bytes:
        """Return the bytes of the file.

        Raises:
            GraphFormatError: If it cannot be read.
        """
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise GraphFormatError(
                f"{str(self.path)!r} cannot be read ({error.strerror}); check the path"
            ) from error

    def parse(self, shape: type[T]) -> T:
        """Return the file's JSON as ``shape``.

        Raises:
            GraphFormatError: If it cannot be read, is no JSON or has another shape.
        """
        data = self.read()
        with self.checking():
            found: T = _adapter(cast("Any", shape)).validate_json(data)
        return found

    def shaped(self, value: Any, shape: type[T], place: str) -> T:
        """Return a part of the file as ``shape``.

        Raises:
            GraphFormatError: If it has another shape.
        """
        with self.checking(place):
            found: T = _adapter(cast("Any", shape)).validate_python(value)
        return found

    @contextmanager
    def checking(self, place: str = "") -> Iterator[None]:
        """Turn what goes wrong with values of the file into an error about the file.

        Raises:
            GraphFormatError: If the body rejects a value.
        """
        try:
            yield
        except ValidationError as error:
            keys, problem = _told(error)
            where = ".".join(part for part in (place, *keys) if part) or "the whole"
            raise self.error(where, problem) from error
        except (ValueError, ArithmeticError) as error:
            raise self.error(place or "the whole", str(error)) from error


@lru_cache(maxsize=64)
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def _told(error: ValidationError) -> tuple[list[str], str]:
    """Return where and what the first fault is, in words about the file."""
    faults = error.errors(include_url=False)
    # Of what a value may be, an object in memory is never what a file can hold.
    first = next((fault for fault in faults if fault["type"] != "is_instance_of"), faults[0])
    keys = [str(key) for key in first["loc"] if not str(key).startswith(_BRANCHES)]
    return keys, f"{first['msg']}, got {first['input']!r:.60}"


_BRANCHES = ("function-after[", "is-instance[")
"""How pydantic calls the ways to read one value; no part of the place in a file."""
