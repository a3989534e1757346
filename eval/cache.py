"""The request cache: what was asked before, with just the same words, is not asked again."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import ValidationError

from reelgraph.errors import StoreError
from reelgraph.eval.reply import Reply
from reelgraph.graph.store import default_cache_root

__all__ = ["RequestCache"]


class RequestCache:
    """Replies by the hash of everything that was sent; kept until they are deleted.

    Several processes may use one folder. Values are JSON, never pickles.

    Args:
        folder: Where it is kept; the user's cache folder if not given.

    Raises:
        StoreError: If the folder cannot be written to.
    """

    def __init__(self, folder: Path | None = None) -> None:
        import diskcache

        self.folder = (folder or default_cache_root() / "eval").expanduser()
        try:
            self._cache = diskcache.Cache(str(self.folder), eviction_policy="none")
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{str(self.folder)!r} cannot hold a cache: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._cache.close()

    def __contains__(self, key: object) -> bool:
        return key in self._cache

    def get(self, key: str) -> Reply | None:
        """Return the reply to a request, or None if it was not asked or cannot be read."""
        value = self._cache.get(key)
        if not isinstance(value, bytes):
            return None
        try:
            return Reply.model_validate_json(value)
        except ValidationError:
            return None

    def put(self, key: str, reply: Reply) -> None:
        """Keep a reply."""
        self._cache.set(key, reply.model_dump_json().encode())
