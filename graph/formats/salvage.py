"""Salvage: whole and damaged items read from the graph text that a model wrote.

Whole items are found by pattern, wherever they stand, so nothing before or after a damaged
place is lost with it. Only the text between them is read tolerantly, token by token. Both
passes take time in proportion to the text, and nothing is read recursively.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

__all__ = ["Loss", "Number", "RawObject", "RawRelation", "Scan", "scan"]

Number: TypeAlias = int | float | None
"""A number as the model wrote it; None stands for NaN, null, Infinity and the like."""


class RawObject(NamedTuple):
    """An object as written."""

    id: int
    label: str
    attributes: tuple[str, ...]
    repaired: bool


class RawRelation(NamedTuple):
    """A relation as written: ids and span ends are not checked."""

    subject: Number
    predicate: str
    object: Number
    spans: tuple[tuple[Number, Number], ...]
    repaired: bool


class Loss(NamedTuple):
    """An item of which nothing can be kept.

    Attributes:
        reason: ``"cut off"`` at the end of the text, else ``"unreadable"``.
    """

    reason: str


Item: TypeAlias = RawObject | RawRelation | Loss


@dataclass(frozen=True)
class Scan:
    """What a text holds.

    Attributes:
        items: Objects, relations and losses in the order of the text.
        intact: Whether there is no damage but at the end, so that all objects are listed.
        truncated: Whether the text ends before the document does.
        surrounded: Whether there is other text before or after the document.
        empty: Whether the text is a document that lists no object.
    """

    items: tuple[Item, ...]
    intact: bool
    truncated: bool
    surrounded: bool
    empty: bool


# Every quantifier is possessive: a failed match gives up at once, which keeps a search
# linear even in text made to be slow.
_STRING: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_STRINGS: Final = rf"(?:{_STRING}\s*+(?:,\s*+{_STRING}\s*+)*+)?+"
_SPAN: Final = r"\[\s*+\d{1,6}\s*+,\s*+\d{1,6}\s*+\]\s*+"
_OBJECT: Final = (
    rf'\{{\s*+"object[ _](\d{{1,6}})"\s*+:\s*+({_STRING})\s*+'
    rf'(?:,\s*+"attributes"\s*+:\s*+\[\s*+({_STRINGS})\]\s*+)?+\}}'
)
_RELATION: Final = (
    rf"\[\s*+(-?\d{{1,6}})\s*+,\s*+({_STRING})\s*+,\s*+(-?\d{{1,6}})\s*+,\s*+"
    rf"\[\s*+({_SPAN}(?:,\s*+{_SPAN})*+)\]\s*+\]"
)
_WHOLE = re.compile(f"{_OBJECT}|{_RELATION}")
_ONE_STRING = re.compile(_STRING)
_DIGITS = re.compile(r"\d+")

_LIST_KEY: Final = r"""["'“‘]?\b(?:objects|relationships?|relations)["'”’]?\s*+:"""
_SKELETON = re.compile(rf"(?:[\s,\[\]{{}}]|{_LIST_KEY})*+", re.IGNORECASE)
_CLOSED = re.compile(r"\s*+,?\s*+\]\s*+\}")
_CLOSED_AT_END = re.compile(r"\]\s*+\}[^{}\[\]\"]*+\Z")
_FENCE = re.compile(r"```\w*+")
_LIST_BEGINS = re.compile(r"""[^{}\[\]"]*+\{\s*+["']?objects["']?\s*+:\s*+\[\s*+""")
_LIST_ENDS = re.compile(r"""\s*+\]\s*+,\s*+["']?relationships?["']?\s*+:\s*+\[\s*+""")
_OPEN = re.compile(r",\s*+[\[{]\s*+\Z")
_BRACKET = re.compile(r"[\[{]")
_EMPTY = re.compile(r'\{\s*+"objects"\s*+:\s*+\[\s*+\]')


def scan(text: str) -> Scan:
    """Find the items of a TRASER document in a text that may be damaged anywhere."""
    matches = list(_WHOLE.finditer(text))
    ends = [0, *(match.end() for match in matches)]
    gaps = [text[at : match.start()] for at, match in zip(ends, matches, strict=False)]
    items: list[Item] = []
    for gap, match in zip(gaps, matches, strict=True):
        items += [*_mended(gap, preface=not items), _whole(match)]
    ending = _read_ending(text[ends[-1] :], preface=not matches)
    head = gaps[0] if gaps else text
    first = next((gap for gap, match in zip(gaps, matches, strict=True) if not match[1]), None)
    return Scan(
        items=(*items, *ending.items),
        intact=len(items) == len(matches)
        and not ending.damaged
        and _LIST_BEGINS.fullmatch(head) is not None
        and (first is None or _LIST_ENDS.fullmatch(first) is not None),
        truncated=ending.truncated,
        surrounded=ending.prose or _is_prose(head[: head.find("{") + 1].rstrip("{")),
        empty=not items and not ending.items and _EMPTY.search(text) is not None,
    )


class _Ending(NamedTuple):
    """What comes after the last whole item."""

    items: list[Item]
    truncated: bool
    damaged: bool
    prose: bool


def _read_ending(tail: str, *, preface: bool) -> _Ending:
    if closed := _CLOSED.match(tail):
        rest = tail[closed.end() :]
        damaged = _BRACKET.search(rest) is not None
        return _Ending([], truncated=False, damaged=damaged, prose=_is_prose(rest))
    truncated = _CLOSED_AT_END.search(tail) is None
    items = _mended(tail, preface=preface, last=truncated)
    # Where the text breaks off, the item that it was at is no damage to those before.
    return _Ending(items, truncated, damaged=len(items) > truncated, prose=False)


def _is_prose(text: str) -> bool:
    """Return whether there is more than white space and the marks of a code block."""
    return bool(_FENCE.sub("", text).strip())


def _whole(match: re.Match[str]) -> RawObject | RawRelation:
    k, label, attributes, subject, predicate, other, spans = match.groups()
    if k is not None:
        names = tuple(map(_unquoted, _ONE_STRING.findall(attributes or "")))
        return RawObject(int(k), _unquoted(label), names, repaired=False)
    ends = list(map(int, _DIGITS.findall(spans)))
    pairs = tuple(zip(ends[::2], ends[1::2], strict=True))
    return RawRelation(int(subject), _unquoted(predicate), int(other), pairs, repaired=False)


def _unquoted(string: str) -> str:
    if "\\" not in string:
        return string[1:-1]
    try:
        value = str(json.loads(string, strict=False))
    except ValueError:
        value = string[1:-1]
    # Half a surrogate pair cannot be written to any file.
    return value.encode("utf-8", "replace").decode("utf-8")


def _mended(gap: str, *, preface: bool, last: bool = False) -> list[Item]:
    """Read the text between two whole items; most often it only separates them.

    Args:
        gap: The text.
        preface: Whether it comes before the first whole item.
        last: Whether the document breaks off at its end.
    """
    if gap == ", " or _SKELETON.fullmatch(gap):
        return [Loss("cut off")] if last and _OPEN.search(gap) else []
    found = list(_Mender(gap, last=last).items())
    if not found and not preface and _BRACKET.search(gap):
        return [Loss("unreadable")]
    return found


_TOKEN = re.compile(
    rf"""
    (?P<list>{_LIST_KEY})
    | (?P<attributes>["'“‘]?\battributes["'”’]?\s*+(?::|(?=\[)))
    | (?P<id>["'“‘]object[ _-]?(?P<quoted>\d{{1,6}})["'”’]\s*+:?
           | ["'“‘]?\bobject[ _-]?(?P<bare>\d{{1,6}})["'”’]?\s*+:)
    | (?P<string>"(?=[^\s,:])[^"\\\[\]{{}}]*+(?:\\.[^"\\\[\]{{}}]*+)*+")
    | (?P<number>[-+]?\d++(?:\.\d++)?+(?:e[-+]?\d++)?+)
    | (?P<nothing>[-+]?(?:nan|infinity|inf)\b | (?:null|none)\b)
    | (?P<word>[^\W\d_][^"“”\[\]{{}},:\d]*+)
    | (?P<mark>[\[\]{{}}])
    | (?P<junk>[^\s,])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_QUOTES: Final = frozenset("\"'“”‘’`")
_NUMERIC = re.compile(r"[-+]?\d+(?:\.\d+)?")


class _Token(NamedTuple):
    """A piece of text.

    Attributes:
        kind: A group of the pattern above; strings and words are both ``"text"``.
        text: What was written, without quotes.
        number: The value of a number or of an object's key.
        open: Whether it may go on where the text breaks off.
    """

    kind: str
    text: str
    number: Number = None
    open: bool = False


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        kind, piece = match.lastgroup or "junk", match.group()
        if piece in _QUOTES:
            continue
        if kind == "id":
            yield _Token(kind, piece, int(match["quoted"] or match["bare"]))
        elif kind == "string" and _NUMERIC.fullmatch(piece, 1, len(piece) - 1):
            yield _Token("number", piece, _number(piece[1:-1]))
        elif kind in {"string", "word"}:
            word = _unquoted(piece) if kind == "string" else piece.strip(" \t\r\n'‘’`")
            yield _Token("text", word, open=kind == "word")
        else:
            yield _Token(kind, piece, _number(piece) if kind == "number" else None)


def _number(text: str) -> Number:
    """Return a number of a size that ids and times can have, else None."""
    value = float(text[:400])
    if len(text) > 400 or not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and "." not in text else value


class _Mender:
    """Reads a damaged stretch: commas do not count, brackets and quotes may be missing."""

    def __init__(self, text: str, *, last: bool) -> None:
        self._tokens = list(_tokens(text))
        self._last = last
        self._at = 0
        # One ahead of the tokens, so that the kind before each has the token's own place.
        self._kinds = ["", *(t.text if t.kind == "mark" else t.kind for t in self._tokens)]

    def items(self) -> Iterator[Item]:
        """Yield what can be read, and a loss for each item that cannot."""
        while self._at < len(self._tokens):
            if self._kind() == "id":
                yield self._object()
            elif self._relation_begins(self._at):
                yield self._relation()
            elif self._last and self._at == len(self._tokens) - 1:
                if self._kind() not in {"mark", "list"} or self._text() in {"[", "{"}:
                    yield Loss("cut off")
                self._at += 1
            else:
                self._at += 1

    def _kind(self) -> str:
        return self._tokens[self._at].kind if self._at < len(self._tokens) else "end"

    def _text(self) -> str:
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def _broken_off(self) -> bool:
        """Return whether the text ends here before the document does."""
        return self._last and self._kind() == "end"

    def _loss(self) -> Loss:
        """Return why the item that ends here is lost."""
        return Loss("cut off" if self._broken_off() else "unreadable")

    def _relation_begins(self, at: int) -> bool:
        """Return whether a subject and a predicate stand here, or an object too."""
        before, *kinds = self._kinds[at : at + 4]
        if kinds[:2] != ["number", "text"] or len(self._tokens[at + 1].text) < 2:
            return False
        return before == "[" or (before != "number" and kinds[2:] == ["number"])

    def _object(self) -> Item:
        """Read an object from its key to the next item."""
        k = self._tokens[self._at].number
        self._at += 1
        label, attributes, listed = "", [], False
        while not self._object_ends():
            token = self._tokens[self._at]
            self._at += 1
            if token.kind == "attributes" or token.text == "[":
                listed = True
            elif token.text == "]":
                listed = False
            elif token.kind == "text" and not (token.open and self._broken_off()):
                if listed:
                    attributes.append(token.text)
                label = label or ("" if listed else token.text)
        if not label or not isinstance(k, int):
            return self._loss()
        return RawObject(k, label, tuple(attributes), repaired=True)

    def _object_ends(self) -> bool:
        kind, text = self._kind(), self._text()
        return (
            kind in {"end", "id", "list"}
            or text in {"{", "}"}
            or (text == "[" and self._relation_begins(self._at + 1))
        )

    def _relation(self) -> Item:
        """Read a relation from its subject to the next item."""
        subject, predicate = self._tokens[self._at : self._at + 2]
        self._at += 2
        if self._kind() not in {"number", "nothing"}:
            return self._loss()
        other = self._tokens[self._at].number
        self._at += 1
        spans = tuple(self._spans())
        if not spans and self._broken_off():
            return self._loss()
        return RawRelation(subject.number, predicate.text, other, spans, repaired=True)

    def _spans(self) -> Iterator[tuple[Number, Number]]:
        """Yield pairs of numbers; those that no bracket closes may be cut and are left out."""
        group: list[Number] = []
        while not self._spans_end(group):
            token = self._tokens[self._at]
            if token.kind != "mark":
                group.append(token.number)
            else:
                if len(group) % 2 == 0:
                    yield from zip(group[::2], group[1::2], strict=True)
                group = []
            self._at += 1

    def _spans_end(self, group: list[Number]) -> bool:
        """Return whether the next item begins; text among numbers is damage to them."""
        kind = self._kind()
        if kind in {"end", "id", "list", "attributes"} or self._text() in {"{", "}"}:
            return True
        return not group and (kind == "text" or self._relation_begins(self._at))
