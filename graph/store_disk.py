"""How the cache keeps bytes: in diskcache, wrapped so that only what was written is read.

Every value is an envelope: a magic line, the SHA-256 of the rest, the length of a JSON
header, the header, the payload. The checksum covers the key too, so an entry that was
copied to another key does not pass. Nothing is ever unpickled: a cache folder may be
shared, and reading a pickle runs whatever it says.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import sqlite3
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import diskcache

__all__ = [
    "CACHE_FAILURES",
    "ByteStore",
    "DamagedEntryError",
    "is_cache_file",
    "open_store",
    "unwrap",
    "wrap",
]

CACHE_FAILURES = (OSError, sqlite3.Error, diskcache.Timeout, NotImplementedError)
"""What a full, read-only, missing or damaged folder raises, one way or another."""

_MAGIC = b"reelgraph-entry 1\n"
_RAW, _BINARY = 1, 2  # diskcache's modes for bytes in the database and bytes in a file
_VALUE_FILE = re.compile(r"[0-9a-f]{2}[/\\][0-9a-f]{2}[/\\][0-9a-f]{28}\.val")
_OTHER_FILE = re.compile(
    r"cache\.db(-wal|-shm|-journal)?|locks/(labels-)?[0-9a-f]{64}\.lock|labels/[0-9a-f]{64}\.json"
    r"|unfinished/[0-9a-f]{64}/[\w.-]+"
)
_UNLIMITED = 2**62
_ORPHAN_AGE_S = 3600.0


class DamagedEntryError(ValueError):
    """A stored value is not what was written under its key."""


def wrap(key: str, header: dict[str, Any], payload: bytes) -> bytes:
    """Return the envelope of ``payload`` under ``key``."""
    text = json.dumps(header, sort_keys=True).encode()
    body = struct.pack("<I", len(text)) + text + payload
    return _MAGIC + _digest(key, body) + body


def unwrap(key: str, value: object) -> tuple[dict[str, Any], bytes]:
    """Return header and payload of an envelope.

    Raises:
        DamagedEntryError: If it is not an envelope that was written under ``key``.
    """
    start = len(_MAGIC) + 32
    if not isinstance(value, bytes) or not value.startswith(_MAGIC) or len(value) < start + 4:
        raise DamagedEntryError("it is not an entry of this cache")
    body = value[start:]
    if _digest(key, body) != value[len(_MAGIC) : start]:
        raise DamagedEntryError("its checksum does not match")
    (length,) = struct.unpack_from("<I", body)
    header: dict[str, Any] = json.loads(body[4 : 4 + length])
    return header, body[4 + length :]


def _digest(key: str, body: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\0" + body).digest()


def is_database(path: Path) -> bool:
    """Return whether a path, relative to the cache folder, belongs to the database."""
    return path.as_posix().startswith(diskcache.core.DBNAME)


def is_cache_file(path: Path) -> bool:
    """Return whether a path, relative to the cache folder, is one that the cache makes."""
    name = path.as_posix()
    return bool(_VALUE_FILE.fullmatch(name) or _OTHER_FILE.fullmatch(name))


class ByteStore(Protocol):
    """Bytes by key, as the cache needs them."""

    def get(self, key: str) -> object:
        """Return what is stored, None if nothing is; DamagedEntryError if it may not be read."""

    def set(self, key: str, value: bytes) -> None:
        """Publish a value: readers see the old one, or all of the new one."""

    def delete(self, key: str) -> None:
        """Remove a value if there is one."""

    def names(self) -> Iterator[str]:
        """Yield every key, in order."""

    def remove_orphans(self) -> None:
        """Remove value files that nothing names: a writer was killed."""

    def close(self) -> None:
        """Let go of the files."""


def open_store(root: Path, *, size_limit: int | None, writable: bool = True) -> ByteStore:
    """Open the database in ``root``.

    Args:
        root: The cache folder; created if it is to be written to.
        size_limit: Bytes after which the entries used longest ago are evicted; None: never.
        writable: False opens what is there without changing anything.

    Raises:
        OSError, sqlite3.Error: If it cannot be opened that way.
    """
    return _Disk(root, size_limit) if writable else _ReadOnly(root)


class _BytesOnly(diskcache.Disk):  # type: ignore[misc]
    """diskcache's file layout for text keys and bytes values, and nothing else."""

    def put(self, key: object) -> tuple[Any, bool]:
        if not isinstance(key, str):
            raise TypeError(f"cache keys are text, got {key!r}")
        return key, True

    def get(self, key: object, raw: bool) -> Any:
        # Only text is ours; diskcache would unpickle anything that is not raw.
        return key if raw and isinstance(key, str) else None

    def store(self, value: object, read: bool, key: Any = diskcache.UNKNOWN) -> Any:
        if not isinstance(value, bytes) or read:
            raise TypeError(f"cache values are bytes, got {type(value).__name__}")
        return super().store(value, read, key=key)

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> Any:
        if mode not in (_RAW, _BINARY) or read:
            raise DamagedEntryError("it is not stored as plain bytes")
        if filename is not None:
            _check_filename(filename)
        return super().fetch(mode, filename, value, read)

    def remove(self, file_path: str) -> None:
        if _VALUE_FILE.fullmatch(file_path):
            super().remove(file_path)


def _check_filename(filename: str) -> None:
    """Refuse names that could lead out of the cache folder."""
    if not _VALUE_FILE.fullmatch(filename):
        raise DamagedEntryError(f"it names the file {filename!r}")


class _Disk:
    """The diskcache database, read and written.

    diskcache's own ``retry`` stays off: it tries again for ever on a full or read-only disk,
    and SQLite already waits a minute for a lock.
    """

    def __init__(self, root: Path, size_limit: int | None) -> None:
        self._cache = diskcache.Cache(
            str(root),
            disk=_BytesOnly,
            eviction_policy="none" if size_limit is None else "least-recently-used",
            size_limit=_UNLIMITED if size_limit is None else size_limit,
            cull_limit=0 if size_limit is None else 10,
        )

    def get(self, key: str) -> object:
        value: object = self._cache.get(key)
        return value

    def set(self, key: str, value: bytes) -> None:
        self._cache.set(key, value)

    def delete(self, key: str) -> None:
        self._cache.delete(key)

    def names(self) -> Iterator[str]:
        yield from sorted(key for key in self._cache.iterkeys() if isinstance(key, str))

    def remove_orphans(self) -> None:
        # diskcache's own check(fix=True) would remove the labels and locks as well.
        root = Path(self._cache.directory)
        with contextlib.closing(sqlite3.connect(root / diskcache.core.DBNAME)) as database:
            rows = database.execute("SELECT filename FROM Cache WHERE filename IS NOT NULL")
            named = {root / filename for (filename,) in rows}
        # A young file may be one whose writer has not named it yet.
        newest = time.time() - _ORPHAN_AGE_S
        for path in root.glob("*/*/*.val"):
            if path not in named and path.stat().st_mtime < newest:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        self._cache.close()


class _ReadOnly:
    """The same database in a folder that cannot be written to."""

    def __init__(self, root: Path) -> None:
        self._root = root
        # Several threads only read; "immutable" reads without making a lock or log file.
        address = f"{(root / diskcache.core.DBNAME).absolute().as_uri()}?mode=ro&immutable=1"
        self._database = sqlite3.connect(address, uri=True, check_same_thread=False)

    def get(self, key: str) -> object:
        query = "SELECT mode, filename, value FROM Cache WHERE key = ? AND raw = 1"
        row = self._database.execute(query, (key,)).fetchone()
        if row is None:
            return None
        mode, filename, value = row
        if mode == _BINARY:
            _check_filename(filename)
            return (self._root / filename).read_bytes()
        return value if mode == _RAW else b""

    def set(self, key: str, value: bytes) -> None:  # noqa: ARG002
        raise PermissionError("the cache folder is read-only")

    def delete(self, key: str) -> None:  # noqa: ARG002
        raise PermissionError("the cache folder is read-only")

    def names(self) -> Iterator[str]:
        query = "SELECT key FROM Cache WHERE raw = 1 ORDER BY key"
        yield from (key for (key,) in self._database.execute(query) if isinstance(key, str))

    def remove_orphans(self) -> None:
        raise PermissionError("the cache folder is read-only")

    def close(self) -> None:
        self._database.close()
