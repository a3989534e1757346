"""The folder that holds a benchmark: its files are found, read, checked and hashed here."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reelgraph.errors import EvalError

__all__ = ["Row", "Source"]


class Source:
    """A benchmark's files as its owner publishes them.

    Args:
        path: The folder, or the one file with the questions.
        benchmark: Name of the benchmark, for messages.
        where: Where to get the data, for messages.

    Attributes:
        files: SHA-256 of each file that was read, by name.

    Raises:
        EvalError: If there is nothing at ``path``.
    """

    def __init__(self, path: Path, benchmark: str, where: str) -> None:
        self.path = path
        self.benchmark = benchmark
        self._where = where
        self.files: dict[str, str] = {}
        if not path.exists():
            raise EvalError(f"there is nothing at {str(path)!r}. {self.advice}")

    @property
    def folder(self) -> Path:
        """The folder that the data is in."""
        return self.path if self.path.is_dir() else self.path.parent

    @property
    def advice(self) -> str:
        """One sentence on where to get the data."""
        return f"The data of {self.benchmark}: {self._where}"

    def find(self, *names: str) -> Path | None:
        """Return the first of some files that is in the folder."""
        paths = (self.folder / name for name in names)
        return next((path for path in paths if path.is_file()), None)

    def questions(self, *names: str) -> Path:
        """Return the file of the questions: the one that was named, or the first found.

        Raises:
            EvalError: If none of them is there.
        """
        if self.path.is_file():
            return self.path
        return self.need(*names)

    def need(self, *names: str) -> Path:
        """Return the first of some files that is there.

        Raises:
            EvalError: If none of them is.
        """
        path = self.find(*names)
        if path is None:
            wanted = " or ".join(map(repr, names))
            raise EvalError(f"{str(self.folder)!r} holds no {wanted}. {self.advice}")
        return path

    def read(self, path: Path) -> bytes:
        """Return a file's bytes, and remember its hash."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise EvalError(f"{str(path)!r} cannot be read ({error.strerror})") from error
        self.files[path.name] = hashlib.sha256(data).hexdigest()
        return data

    def rows(self, path: Path) -> Iterator[Row]:
        """Yield the lines of a CSV file with a header.

        Raises:
            EvalError: If it is no UTF-8 text.
        """
        text = self._text(path)
        for number, values in enumerate(csv.DictReader(io.StringIO(text)), start=2):
            yield Row(values, f"line {number} of {str(path)!r}", self.advice)

    def json(self, path: Path) -> Any:
        """Return the content of a JSON file.

        Raises:
            EvalError: If it is none.
        """
        return self._parsed(self._text(path), repr(str(path)))

    def object(self, path: Path) -> Row:
        """Return the object in a JSON file.

        Raises:
            EvalError: If it is none.
        """
        return self.row(self.json(path), repr(str(path)))

    def json_lines(self, path: Path) -> Iterator[Row]:
        """Yield the objects of a file with one a line; empty lines are passed over.

        Raises:
            EvalError: If a line is no JSON object.
        """
        for number, line in enumerate(self._text(path).splitlines(), start=1):
            if line.strip():
                place = f"line {number} of {str(path)!r}"
                yield self.row(self._parsed(line, place), place)

    def entries(self, path: Path) -> Iterator[Row]:
        """Yield the objects of a JSON array, or the values of a JSON object.

        Raises:
            EvalError: If it holds something else.
        """
        content = self.json(path)
        items = content.values() if isinstance(content, dict) else content
        if not isinstance(content, dict | list):
            raise EvalError(f"{str(path)!r} must hold a list or an object. {self.advice}")
        for number, item in enumerate(items, start=1):
            yield self.row(item, f"entry {number} of {str(path)!r}")

    def row(self, value: Any, place: str) -> Row:
        """Return an object of a file as a row.

        Raises:
            EvalError: If it is no JSON object.
        """
        if not isinstance(value, dict):
            raise EvalError(f"{place} is no JSON object but {value!r:.80}. {self.advice}")
        return Row(value, place, self.advice)

    def _parsed(self, text: str, place: str) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise EvalError(f"{place} is no JSON: {error}. {self.advice}") from error

    def _text(self, path: Path) -> str:
        try:
            return self.read(path).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise EvalError(f"{str(path)!r} is no UTF-8 text: {error}. {self.advice}") from error


class Row:
    """One object of a benchmark's file, whose values are checked as they are read.

    Attributes:
        values: The values by name.
        place: Where it is, for messages.
    """

    def __init__(self, values: Mapping[str, Any], place: str, advice: str) -> None:
        self.values = values
        self.place = place
        self._advice = advice

    def __contains__(self, name: object) -> bool:
        return name in self.values

    def error(self, problem: str) -> EvalError:
        """Return the error that names the place, the problem and where to get the data."""
        return EvalError(f"{self.place}: {problem}. {self._advice}")

    def text(self, *names: str) -> str:
        """Return the first value of these names as text.

        Raises:
            EvalError: If there is none, or it is empty.
        """
        for name in names:
            value = self.values.get(name)
            if isinstance(value, str | int | float) and str(value).strip():
                return str(value).strip()
        wanted = " or ".join(map(repr, names))
        raise self.error(f"{wanted} is missing; it has {', '.join(map(str, self.values))}")

    def optional(self, name: str) -> str:
        """Return a value as text, ``""`` if there is none."""
        value = self.values.get(name)
        return "" if value is None else str(value).strip()

    def number(self, name: str) -> float:
        """Return a value as a number.

        Raises:
            EvalError: If it is none.
        """
        text = self.text(name)
        try:
            return float(text)
        except ValueError:
            raise self.error(f"{name!r} must be a number, got {text!r}") from None

    def index(self, name: str, choices: Sequence[str]) -> int:
        """Return a value as the index of an option.

        Raises:
            EvalError: If it is no number, or there is no such option.
        """
        text = self.text(name)
        if not text.isdecimal() or int(text) >= len(choices):
            raise self.error(f"{name!r} must be an index below {len(choices)}, got {text!r}")
        return int(text)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts.

        Raises:
            EvalError: If it is no list of at least two texts.
        """
        value = self.values.get(name)
        if not isinstance(value, list | tuple) or len(value) < 2:
            raise self.error(f"{name!r} must be a list of at least two options, got {value!r:.80}")
        return tuple(str(item).strip() for item in value)

    def position(self, text: str, choices: Sequence[str]) -> int:
        """Return where the right answer's text is among the options.

        Raises:
            EvalError: If it is not there.
        """
        folded = [choice.strip().lower() for choice in choices]
        if text.strip().lower() not in folded:
            raise self.error(f"the answer {text!r} is none of the options {list(choices)!r}")
        return folded.index(text.strip().lower())

    def spans(self, name: str) -> tuple[tuple[float, float], ...]:
        """Return a list of ``[start, end]`` in seconds; empty if there is none.

        Raises:
            EvalError: If it is something else.
        """
        value = self.values.get(name) or []
        try:
            pairs = tuple((float(start), float(end)) for start, end in value)
        except (TypeError, ValueError):
            raise self.error(
                f"{name!r} must be a list of [start, end], got {value!r:.80}"
            ) from None
        if any(end < start for start, end in pairs):
            raise self.error(f"{name!r} has a span that ends before it starts: {value!r:.80}")
        return pairs
