"""Rewording: ways to ask the same thing are brought into the few forms that the grammar reads."""

from __future__ import annotations

import re

__all__ = ["reworded"]

_CLAUSE_FOLLOWS = r"(?= (?:the|a|an|someone|somebody|he|she|it|they|person|no|[a-z]+ \d|#))"
_NAMED = r"\b((?:the|a|an) \w+|\w+ #?\d+|he|she|it|they|who|somebody|someone)"
_LEAVING = r"\s*(?:$|[?.,]|the\b|before|after|while|when|first|last)"
_FORMS: tuple[tuple[str, str], ...] = (
    # how one asks
    (r"^(?:please,? |so |and |now |well,? |then |(?:can|could) you (?:please )?)+", ""),
    (r"^(?:tell me|say|do you know|i (?:want|would like) to know|show me),? (?:please,? )?", ""),
    (r"^(is|are|was|were|does|do|did|has|have)n't\b", r"\1"),
    (r"n't\b|\bcannot\b", " not"),
    (r"\b(?:is|was) it (?:true|the case|correct|so|right) that\b", "does"),
    (r"^which (?:one of the people|of the people|of them)\b", "who"),
    (r"^which of the (?!most|fewest)", "which "),
    # when
    (r"\bas soon as\b|\bever since\b|\bfollowing\b|\bsubsequent to\b", "after"),
    (r"\bprior to\b|\bin advance of\b", "before"),
    (r"\bbetween the (?:time|moment)(?: when| that)? (.+?) and the (?:time|moment)\b"
     r"(?: when| that)?", r"between \1 and"),
    (r"\b(?:at|by|in|during) the (?:time|moment|instant|point)(?: when| that| at which)?\b"
     + _CLAUSE_FOLLOWS, "when"),
    (r"\bat the same time (?:as|that)\b|\bmeanwhile\b", "while"),
    (r"\b(?:right |just )?after having\b", "after"),
    (rf"{_NAMED} left(?={_LEAVING})", r"\1 leaves"),
    # no, none, all
    (r"\b(?:nobody|no one|no person|not anyone|not anybody)\b", "somebody never"),
    (r"\b(do|does|did) not (?:any|some)(?:body|one)\b", r"\1 somebody never"),
    (r"\bnothing\b", "something never"),
    (r"\bno longer\b", "not"),
    # what one does
    (r"\bwhat (?:has|have|had) (.+?) (?:done|been doing)\b", r"what does \1 do"),
    (r"^what (?:is|was|are|were) (.+?) up to\b", r"what is \1 doing"),
    (r"^what (?:is|was) the (first|last) (?:thing|event|action)(?: that)?"
     r" (?:happens|to happen|occurs)\b", r"what happens \1"),
    (r"^what (?:is|was) the (\w+) (?:thing|action)(?: that)? (.+?) (?:does|did|do)\b",
     r"what does \2 do \1"),
    (r"^what (?:is|was) the (?:thing|action) (.+?) (?:does|did|do) (first|last)\b",
     r"what does \1 do \2"),
    (r"\b(?:has|have|had) (?:already |ever )?been (?=\w+ing\b)", "is "),
    (r"^what (?:is|was) the colou?r of\b", "what color is"),
    (r"\bhow many (?:different|distinct|various)\b", "how many"),
    # how long, how often, in what order
    (r"\bhow many (?:seconds|minutes)\b|^for how much time\b", "how long"),
    (r"^how long (does|did|is|was|were) (.+?) (?:last|take|go on|lasting)\b", r"how long \1 \2"),
    (r"^in (?:what|which) order (?=do|does|did|is|are|was|were)", "when "),
    (r"\bhow (?:often|many times) (?:does|do|did) the (\w+) change hands\b",
     r"how many times is the \1 handed over"),
    (r"\bthe (\w+) changes? hands\b", r"the \1 is handed over"),
    (r"\b(?:in|to) total\b|\baltogether\b|\bin all\b", ""),
    (r"\bduring the (?:whole |entire )?(?:video|clip)\b", ""),
    (r"\bin this (?:video|clip)\b", "in the video"),
    # hands
    (r"\b(hold|holds|holding|held) ((?:the |a )?[\w#]+)'s hands?\b", r"\1 hand of \2"),
    (r"\b(hold|holds|holding|held) (?:the )?hands? (?:of|with)\b", r"\1 hand of"),
    (r"\b(?:shake|shakes|shaking|shook) hands with\b", "shake hand with"),
)  # fmt: skip
"""Patterns and what stands for them, applied in this order to lower-case text."""


def reworded(text: str) -> str:
    """Return a question in lower case, in the forms that the grammar reads.

    Example:
        >>> reworded("What has the dog done as soon as the boy threw the ball?")
        'what does the dog do after the boy threw the ball?'
        >>> reworded("Does nobody hold it?")
        'does somebody never hold it?'
    """
    text = re.sub(r":(?!\d)", ",", " ".join(text.lower().split()))
    for pattern, plain in _FORMS:
        text = re.sub(pattern, plain, text)
    return " ".join(text.split())
