"""Self-contained HTML pages: style, script and data in one file, without any network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

__all__ = ["fill_page", "script_json", "script_safe"]

_BLANK = re.compile(r"\{\{(\w+)\}\}")
_UNSAFE = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
"""Characters that could end a script element, and how JSON writes them without."""


def fill_page(package: str, scripts: Sequence[str], blanks: Mapping[str, str]) -> str:
    """Return ``page.html`` of a package with ``page.css`` and its scripts in it.

    Its Content-Security-Policy lets no other style or script run. The same blanks give
    the same page, byte for byte.

    Args:
        package: Import name of the package that holds the files.
        scripts: Files that are joined into one script, in this order.
        blanks: HTML for each ``{{name}}``; ``policy``, ``style`` and ``script`` are set here.
    """
    style = _asset(package, "page.css")
    script = "\n".join(_asset(package, name) for name in scripts)
    filled = {**blanks, "policy": _policy(style, script), "style": style, "script": script}
    return _BLANK.sub(lambda blank: filled[blank[1]], _asset(package, "page.html"))


def script_json(data: object) -> str:
    """Return JSON that nothing in it can break out of a script element.

    Raises:
        ValueError: If a number is not finite.
    """
    return script_safe(json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False))


def script_safe(text: str) -> str:
    """Return JSON text, written so that it cannot end the script element it is in."""
    return text.translate(_UNSAFE)


@cache
def _asset(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Return the policy that allows this style and this script, and nothing else."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
