"""Plain English on the level of words: tokens, stems, numbers, ordinals, times.

Small rules instead of a language model, so that a question can be read without
weights. Nothing here knows about graphs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from reelgraph.graph.lexicon_data import IRREGULAR_VERBS

__all__ = [
    "NUMBERS",
    "ORDINALS",
    "TimePhrase",
    "number",
    "stem",
    "take_times",
    "tokens",
    "word_set",
]

_WORD = re.compile(r"#?\d+(?:\.\d+)?|#?[a-z]+|,")
_IRREGULAR = {
    "people": "person",
    "persons": "person",
    "men": "man",
    "women": "woman",
    "children": "child",
    "kids": "child",
    "kid": "child",
    "took": "take",
    "taken": "take",
    "gave": "give",
    "given": "give",
    "held": "hold",
    "had": "have",
    "has": "have",
    "having": "have",
    "got": "get",
    "gotten": "get",
    "getting": "get",
    "went": "go",
    "goes": "go",
    "gone": "go",
    "came": "come",
    "left": "left",
    "leaves": "leave",
    "brought": "bring",
    "caught": "catch",
    "threw": "throw",
    "thrown": "throw",
    "ran": "run",
    "rode": "ride",
    "ridden": "ride",
    "bit": "bite",
    "bitten": "bite",
    "stood": "stand",
    "sat": "sit",
    "spoke": "speak",
    "spoken": "speak",
    "does": "do",
    "did": "do",
    "done": "do",
    "kept": "keep",
    "drove": "drive",
    "driven": "drive",
    "lay": "lie",
    "lies": "lie",
    "lying": "lie",
    "fell": "fall",
    "fallen": "fall",
    "knives": "knife",
    "shelves": "shelf",
    "feet": "foot",
    "colour": "color",
    "colours": "color",
    "colors": "color",
    "seen": "see",
    "saw": "see",
    "uses": "use",
    "used": "use",
    "using": "use",
}
_PAST = {form: base for form, base in IRREGULAR_VERBS.items() if form not in {"left", "found"}}
"""``left`` is also a side."""

NUMBERS = {
    "zero": 0,
    "none": 0,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "once": 1,
    "twice": 2,
}
ORDINALS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
    "twentieth": 20,
    "thirtieth": 30,
    "fortieth": 40,
    "fiftieth": 50,
    "sixtieth": 60,
    "last": -1,
    "final": -1,
}


def word_set(text: str) -> frozenset[str]:
    """Return the words of a list that is written as one text."""
    return frozenset(text.split())


def tokens(text: str) -> list[str]:
    """Return the words and numbers of ``text`` in lower case, commas kept.

    Example:
        >>> tokens("Who hands Person #1 the ball?")
        ['who', 'hands', 'person', '#1', 'the', 'ball']
    """
    plain = text.lower().replace("n't", " not").replace("'s", " ").replace("_", " ")
    return _WORD.findall(plain.replace("-", " "))


def stem(word: str) -> str:
    """Return what inflected forms of a word have in common.

    Example:
        >>> {stem(w) for w in ("take", "takes", "taking", "took", "taken")}
        {'tak'}
    """
    base = _IRREGULAR.get(word) or _PAST.get(word, word)
    for ending in ("ing", "ed"):
        if base == word and word.endswith(ending):
            base = _undouble(_cut(word, len(ending)))
    if base == word:
        base = _singular(word)
    return base[:-1] if len(base) > 3 and base.endswith("e") else base


def _cut(word: str, length: int) -> str:
    """Drop an ending where a pronounceable stem remains."""
    rest = word[:-length]
    return rest if len(rest) > 2 and re.search("[aeiouy]", rest) else word


def _undouble(word: str) -> str:
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
        return word[:-1]
    return word[:-1] + "y" if word.endswith("i") else word


def _singular(word: str) -> str:
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ses", "xes", "zes", "ches", "shes")):
        return word[:-2]
    return word[:-1]


def number(word: str) -> int | None:
    """Return the whole number a word or numeral names, or None."""
    if word in NUMBERS:
        return NUMBERS[word]
    return int(word) if word.isdigit() else None


@dataclass(frozen=True)
class TimePhrase:
    """A stretch of time named in a question, in seconds or as a part of the video.

    Attributes:
        where: ``"at"``, ``"before"``, ``"after"``, ``"between"``, ``"start"``, ``"middle"``,
            ``"end"``, ``"first"`` or ``"final"`` (so many seconds).
        start_s: The time, or where it begins.
        end_s: Where a ``"between"`` ends.
    """

    where: str
    start_s: float = 0.0
    end_s: float = 0.0


_UNIT = r"\s*(?:seconds?|secs?|s)\b"
_CLOCK = r"(\d+):(\d\d(?:\.\d+)?)"
_T = r"(\d+(?:\.\d+)?)"
_VIDEO = r"(?: of (?:the|this) (?:video|clip|film|recording))?"
_TIMES: tuple[tuple[str, str], ...] = (
    (rf"\b(?:between|from)\s+{_T}(?:{_UNIT})?\s+(?:and|to)\s+{_T}{_UNIT}", "between"),
    (rf"\b(?:in|during|within) the first\s+{_T}{_UNIT}{_VIDEO}", "first"),
    (rf"\b(?:in|during|within) the (?:last|final)\s+{_T}{_UNIT}{_VIDEO}", "final"),
    (rf"\b(before|after|at|until|since|around)\s+(?:the\s+)?(?:second|time)?\s*{_T}{_UNIT}", ""),
    (rf"\b(before|after|at|until|since|around) second {_T}\b", ""),
    (rf"\b(?:at|near|towards?|by|in|until) the (?:very )?(?:end|finish){_VIDEO}", "end"),
    (rf"\b(?:at|near|in|from) the (?:very )?(?:start|beginning){_VIDEO}", "start"),
    (r"\b(?:in|at) the middle of the (?:video|clip)", "middle"),
)


def take_times(text: str) -> tuple[str, TimePhrase | None]:
    """Split the first named time off a question.

    Returns:
        The text without the phrase, and the phrase or None.

    Example:
        >>> take_times("who holds the ball at 5 s?")
        ('who holds the ball ?', TimePhrase(where='at', start_s=5.0, end_s=0.0))
    """
    plain = _spell_out(text.lower())
    for pattern, where in _TIMES:
        if found := re.search(pattern, plain):
            rest = plain[: found.start()] + plain[found.end() :]
            return rest, _phrase(where, [g for g in found.groups() if g])
    return text, None


def _spell_out(text: str) -> str:
    """Write ``1:05`` and ``the thirtieth second`` as seconds."""
    text = re.sub(_CLOCK, lambda m: f"{int(m[1]) * 60 + float(m[2]):g} s", text)
    words = "|".join(word for word, value in ORDINALS.items() if value > 0)
    text = re.sub(rf"\b(?:the )?({words}) second\b(?! time)", lambda m: f"{ORDINALS[m[1]]} s", text)
    return re.sub(r"\b(\d+)(?:st|nd|rd|th) second\b", r"\1 s", text)


def _phrase(where: str, groups: list[str]) -> TimePhrase:
    if where in {"between", "first", "final"}:
        return TimePhrase(where, *(float(g) for g in groups))
    if where:
        return TimePhrase(where)
    word = {"until": "before", "since": "after", "around": "at"}.get(groups[0], groups[0])
    return TimePhrase(word, float(groups[1]))
