"""The cache: what was computed for a video, kept until the video or a tool changes."""

from __future__ import annotations

import builtins
import contextlib
import hashlib
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock
from filelock import Timeout as LockTaken

from reelgraph._atomic import replacing
from reelgraph.errors import StoreError
from reelgraph.graph.store_disk import (
    CACHE_FAILURES,
    ByteStore,
    DamagedEntryError,
    is_cache_file,
    is_database,
    open_store,
    unwrap,
    wrap,
)
from reelgraph.graph.store_entries import (
    ENTRY,
    PATH,
    STAGE_VERSIONS,
    StageKey,
    StoreEntry,
    describe_entries,
    file_stamp,
    stale_files,
    superseded,
)

__all__ = [
    "STAGE_VERSIONS",
    "CollectedGarbage",
    "GraphStore",
    "StageKey",
    "StoreEntry",
    "default_cache_root",
]

_logger = logging.getLogger("reelgraph")

# A file written again within one tick of the file system's clock keeps its time stamp, so
# a stamp is only believed if the file had been at rest this long when it was hashed.
_REST_NS = 50_000_000


@dataclass(frozen=True)
class CollectedGarbage:
    """What `GraphStore.gc` removed.

    Attributes:
        entries: The entries that are gone.
        reasons: Why, one short phrase for each.
        freed_bytes: Size of their values.
    """

    entries: tuple[StoreEntry, ...]
    reasons: tuple[str, ...]
    freed_bytes: int


def default_cache_root() -> Path:
    """Return the platform's cache folder for reelgraph (``XDG_CACHE_HOME`` is followed)."""
    # The XDG specification: a relative path is invalid and ignored.
    named = os.environ.get("XDG_CACHE_HOME", "")
    if named and Path(named).is_absolute():
        return Path(named) / "reelgraph"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "reelgraph"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "reelgraph"
    return Path.home() / ".cache" / "reelgraph"


class GraphStore:
    """Values by `StageKey` on disk, safe between threads and processes.

    A value is published whole or not at all, checked when it is read, and built by one
    builder at a time: others wait for it, and take over if it dies. A folder that cannot
    be written to costs a warning and the time to compute again, never an answer.

    Args:
        root: Folder of the cache; the platform's cache folder if None.
        size_limit: Bytes after which the values used longest ago are dropped. None, the
            default, never drops anything.
    """

    def __init__(self, root: Path | None = None, size_limit: int | None = None) -> None:
        self.root = Path(root) if root is not None else default_cache_root()
        self._size_limit = size_limit
        self._disk: ByteStore | None = None
        self._opening = threading.Lock()
        self._warned: set[str] = set()

    # ------------------------------------------------------------------------- values

    def get_or_build(self, key: StageKey, build: Callable[[], bytes]) -> bytes:
        """Return the stored value, or build, store and return it.

        Only one thread of one process builds a key at a time. What ``build`` raises is
        raised here, and nothing is stored.
        """
        value = self.get(key)
        if value is not None:
            return value
        with self._only_builder(key):
            value = self.get(key)
            if value is None:
                value = build()
                self.put(key, value)
            return value

    def get(self, key: StageKey) -> bytes | None:
        """Return a stored value, or None. A damaged one is dropped with a warning."""
        stored = self._read(ENTRY + key.digest)
        return None if stored is None else stored[1]

    def put(self, key: StageKey, value: bytes) -> None:
        """Store a value; where that is impossible, warn."""
        header = {"key": key.model_dump(mode="json"), "created_s": time.time()}
        self._write(ENTRY + key.digest, header, value)

    # -------------------------------------------------------------------- media hashes

    def media_sha256(self, path: Path, compute: Callable[[Path], str]) -> str:
        """Return the hash of a file's bytes, from the index if the file has not changed.

        The index knows a file by path, size, times and inode.

        Args:
            path: The file.
            compute: Hashes it; called only where the index does not know.
        """
        place = os.path.abspath(path)  # noqa: PTH100  (a symlink's target is in the inode)
        name = PATH + hashlib.sha256(os.fsencode(place)).hexdigest()
        stamp = file_stamp(place)
        stored = self._read(name)
        if stored is not None and stored[0]["stamp"] == stamp:
            return str(stored[0]["sha256"])
        at_rest = stamp is not None and max(stamp[1:3]) < time.time_ns() - _REST_NS
        sha256 = compute(path)
        if at_rest and file_stamp(place) == stamp:
            self._write(name, {"stamp": stamp, "sha256": sha256, "path": place}, b"")
        return sha256

    # -------------------------------------------------------------------------- labels

    def get_labels(self, tracks: StageKey) -> dict[int, str]:
        """Return the labels that the user gave to the objects of these tracks."""
        path = self._labels_path(tracks)
        try:
            labels = json.loads(path.read_bytes())
            return {int(key): str(label) for key, label in labels.items()}
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError, AttributeError) as error:
            self._warn(f"the labels in {str(path)!r} cannot be read and are not used ({error})")
            return {}

    def set_labels(self, tracks: StageKey, labels: Mapping[int, str]) -> None:
        """Store the user's labels for the objects of these tracks, beside earlier ones.

        They are plain JSON files: a person's work, which `gc` never removes.

        Raises:
            StoreError: If they cannot be written.
        """
        path = self._labels_path(tracks)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock(f"labels-{tracks.digest}"):
                merged = {**self.get_labels(tracks), **labels}
                with replacing(path) as partial:
                    partial.write_text(json.dumps({str(k): merged[k] for k in sorted(merged)}))
        except CACHE_FAILURES as error:
            raise StoreError(
                f"labels cannot be stored in {str(path.parent)!r} ({_reason(error)}); "
                "make the folder writable or choose another cache folder"
            ) from error

    def _labels_path(self, tracks: StageKey) -> Path:
        return self.root / "labels" / f"{tracks.digest}.json"

    # ---------------------------------------------------------------------- management

    def list(self) -> builtins.list[StoreEntry]:
        """Return every entry, oldest first.

        Raises:
            StoreError: If the folder is there but cannot be read.
        """
        with self._managing() as disk:
            return [] if disk is None else describe_entries(disk)

    def show(self, entry_id: str) -> StoreEntry:
        """Return the entry whose id begins with ``entry_id``.

        Raises:
            StoreError: If there is none, or more than one.
        """
        found = [entry for entry in self.list() if entry.id.startswith(entry_id)]
        if len(found) != 1:
            problem = "no entry" if not found else f"{len(found)} entries"
            raise StoreError(
                f"{problem} of the cache {str(self.root)!r} begin with {entry_id!r}; "
                "list the cache to see the ids"
            )
        return found[0]

    def verify(self) -> builtins.list[StoreEntry]:
        """Return the entries that are damaged; they would be dropped when next asked for.

        Raises:
            StoreError: If the folder is there but cannot be read.
        """
        return [entry for entry in self.list() if entry.damage is not None]

    def gc(
        self, *, versions: Mapping[str, str] | None = None, max_age_s: float | None = None
    ) -> CollectedGarbage:
        """Remove what will not be used again; never the user's labels.

        That is: damaged entries; entries in the format of another release; those of a
        video that is at none of the places where it was seen; those of a tool in
        ``versions`` at another version; those older than ``max_age_s``; and what was built
        on an entry that goes.

        Args:
            versions: Current version of each tool by name; other tools are left alone.
            max_age_s: Age in seconds; None keeps entries of any age.

        Raises:
            StoreError: If the folder cannot be read or written.
        """
        with self._managing() as disk:
            if disk is None:
                return CollectedGarbage((), (), 0)
            entries = describe_entries(disk)
            stale, lost = stale_files(disk)
            reasons = superseded(entries, versions or {}, max_age_s, lost)
            gone = [entry for entry in entries if entry.id in reasons]
            for name in [*(ENTRY + entry.id for entry in gone), *stale]:
                disk.delete(name)
            disk.remove_orphans()
            self._remove_locks()
        freed = sum(entry.size_bytes for entry in gone)
        return CollectedGarbage(tuple(gone), tuple(reasons[e.id] for e in gone), freed)

    def clear(self) -> None:
        """Remove everything, labels included, even from a damaged cache.

        Raises:
            StoreError: If something cannot be removed.
        """
        emptied = self._empty_database()
        try:
            for path in sorted(self.root.rglob("*"), reverse=True):
                inside = path.relative_to(self.root)
                if is_cache_file(inside) and not (emptied and is_database(inside)):
                    path.unlink(missing_ok=True)
                elif path.is_dir():
                    with contextlib.suppress(OSError):  # not empty: somebody else's files
                        path.rmdir()
        except OSError as error:
            raise self._unusable(error) from error

    def _empty_database(self) -> bool:
        """Remove every value; False if the database is too damaged for that."""
        try:
            if self.root.is_dir():
                disk = self._open()
                for name in disk.names():
                    disk.delete(name)
        except CACHE_FAILURES:
            return False
        finally:
            self.close()
        return True

    def close(self) -> None:
        """Let go of the database; it is opened again when needed."""
        with self._opening:
            if self._disk is not None:
                self._disk.close()
            self._disk = None

    # ------------------------------------------------------------------------ plumbing

    def _open(self) -> ByteStore:
        """Return the database, opened for reading only where writing is impossible."""
        with self._opening:
            if self._disk is None:
                try:
                    self._disk = open_store(self.root, size_limit=self._size_limit)
                except CACHE_FAILURES as error:
                    self._warn_uncached(error)
                    self._disk = open_store(self.root, size_limit=None, writable=False)
            return self._disk

    def _read(self, name: str) -> tuple[dict[str, Any], bytes] | None:
        try:
            stored = self._open().get(name)
            return None if stored is None else unwrap(name, stored)
        except DamagedEntryError as error:
            self._warn(
                f"entry {name[:18]!r} of the cache {str(self.root)!r} is damaged ({error}): "
                "it is dropped and computed again"
            )
            with contextlib.suppress(*CACHE_FAILURES):
                self._open().delete(name)
        except CACHE_FAILURES as error:
            self._warn_uncached(error)
        return None

    def _write(self, name: str, header: dict[str, Any], value: bytes) -> None:
        try:
            self._open().set(name, wrap(name, header, value))
        except CACHE_FAILURES as error:
            self._warn_uncached(error)

    @contextlib.contextmanager
    def _only_builder(self, key: StageKey) -> Iterator[None]:
        """Hold the key's lock, which the system releases if its holder dies."""
        with contextlib.ExitStack() as stack:
            try:
                lock = self._lock(key.digest)
                try:
                    stack.enter_context(lock.acquire(timeout=0))
                except LockTaken:
                    _logger.info("waiting for another process to finish %s", key.stage)
                    stack.enter_context(lock.acquire())
            except CACHE_FAILURES as error:
                self._warn_uncached(error)
            yield

    def _lock(self, name: str) -> FileLock:
        folder = self.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f"{name}.lock")

    @contextlib.contextmanager
    def _managing(self) -> Iterator[ByteStore | None]:
        """Give the database to a command, whose failures are the user's to see."""
        try:
            yield self._open() if self.root.exists() else None
        except CACHE_FAILURES as error:
            raise self._unusable(error) from error

    def _remove_locks(self) -> None:
        """Remove the lock files that nobody holds."""
        for path in (self.root / "locks").glob("*.lock"):
            with contextlib.suppress(LockTaken), FileLock(path, timeout=0):
                path.unlink(missing_ok=True)

    def _unusable(self, error: Exception) -> StoreError:
        return StoreError(
            f"the cache {str(self.root)!r} cannot be used ({_reason(error)}); "
            "make it readable and writable, clear it, or choose another folder"
        )

    def _warn_uncached(self, error: Exception) -> None:
        self._warn(
            f"the cache {str(self.root)!r} cannot be used fully ({_reason(error)}): results "
            "may not be kept; free space, make it writable, or choose another folder",
            topic="uncached",
        )

    def _warn(self, message: str, *, topic: str = "") -> None:
        """Log a warning, once for each topic (or message)."""
        if (topic or message) not in self._warned:
            self._warned.add(topic or message)
            _logger.warning(message)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
