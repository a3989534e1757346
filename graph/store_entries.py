"""What the cache holds: keys, entries, and which entries will not be used again."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field, ValidationError

from reelgraph.graph.schema import SCHEMA_VERSION, Document
from reelgraph.graph.store_disk import ByteStore, DamagedEntryError, unwrap
from reelgraph.graph.track_formats import TRACKS_FORMAT_VERSION

__all__ = [
    "ENTRY",
    "PATH",
    "STAGE_VERSIONS",
    "StageKey",
    "StoreEntry",
    "describe_entries",
    "file_stamp",
    "stale_files",
    "superseded",
]

ENTRY, PATH = "entry/", "path/"
"""What names of values and of file records begin with."""

STAGE_VERSIONS: Mapping[str, int] = {
    "tracks": TRACKS_FORMAT_VERSION,
    "layer": SCHEMA_VERSION,
    "graph": SCHEMA_VERSION,
}
"""Version of what each stage stores; an entry of another version is never read."""


class StageKey(Document):
    """What a stored value depends on: the video's bytes and everything that shaped it.

    Attributes:
        media_sha256: Hash of the video file's bytes.
        stage: ``"tracks"``, ``"layer"`` or ``"graph"``.
        tool: Name of the tool.
        version: The tool's version.
        config: The tool's options, as JSON values.
        model_id: Model and revision, where there is one.
        inputs: Digests of the stages whose output this one reads.
        schema_version: Version of what is stored, see `STAGE_VERSIONS`.
    """

    media_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    stage: str
    tool: str
    version: str
    config: dict[str, Any] = Field(default_factory=dict)
    model_id: str | None = None
    inputs: tuple[str, ...] = ()
    schema_version: int = SCHEMA_VERSION

    @property
    def digest(self) -> str:
        """Name of the entry: equal keys, and only they, have equal digests."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class StoreEntry:
    """One stored value, described.

    Attributes:
        id: Digest of the key; any unique beginning of it names the entry.
        key: What the value depends on; None if the entry is damaged.
        size_bytes: Size of the value.
        created_s: When it was stored, in seconds since 1970; 0 if unknown.
        videos: Where files with these bytes were last seen.
        damage: What is wrong with it, or None.
    """

    id: str
    key: StageKey | None
    size_bytes: int
    created_s: float
    videos: tuple[str, ...] = ()
    damage: str | None = None


def file_stamp(path: str) -> list[int] | None:
    """Return what changes when a file's bytes do: size, times, inode; None if it is gone."""
    try:
        state = os.stat(path)  # noqa: PTH116  (paths in the index are text)
    except OSError:
        return None
    # The change time catches what keeps the modification time, such as `cp -p`.
    return [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino, state.st_dev]


def describe_entries(disk: ByteStore) -> list[StoreEntry]:
    """Return every entry, oldest first, checked."""
    videos: dict[str, list[str]] = {}
    for record in _records(disk).values():
        # As text that every terminal and encoding can show.
        shown = os.fsencode(str(record.get("path"))).decode("utf-8", "backslashreplace")
        videos.setdefault(str(record.get("sha256")), []).append(shown)
    entries = [_describe(disk, name, videos) for name in disk.names() if name.startswith(ENTRY)]
    return sorted(entries, key=lambda entry: (entry.created_s, entry.id))


def _describe(disk: ByteStore, name: str, videos: Mapping[str, Sequence[str]]) -> StoreEntry:
    entry_id = name.removeprefix(ENTRY)
    try:
        value = disk.get(name)
        header, payload = unwrap(name, value)
        key = StageKey.model_validate(header["key"])
    except (DamagedEntryError, ValidationError, KeyError, OSError) as error:
        reason = (
            "its key cannot be read" if isinstance(error, ValidationError | KeyError) else error
        )
        return StoreEntry(entry_id, None, 0, 0.0, damage=str(reason))
    seen = tuple(sorted(videos.get(key.media_sha256, ())))
    return StoreEntry(entry_id, key, len(payload), float(header["created_s"]), seen)


def _records(disk: ByteStore) -> dict[str, dict[str, Any]]:
    """Return the index of files by name of the record, damaged ones left out."""
    records = {}
    for name in disk.names():
        if name.startswith(PATH):
            try:
                records[name] = unwrap(name, disk.get(name))[0]
            except (DamagedEntryError, OSError):
                continue
    return records


def stale_files(disk: ByteStore) -> tuple[list[str], set[str]]:
    """Return the records of files that are gone or changed, and the hashes lost with them."""
    stale: list[str] = []
    lost: set[str] = set()
    found: set[str] = set()
    for name, record in _records(disk).items():
        before, now = record["stamp"], file_stamp(str(record["path"]))
        if now != before:
            stale.append(name)
        # A file that was only renamed or given new rights keeps size and time.
        same = now is not None and now[:2] == before[:2]
        (found if same else lost).add(str(record["sha256"]))
    return stale, lost - found


def superseded(
    entries: Sequence[StoreEntry],
    versions: Mapping[str, str],
    max_age_s: float | None,
    gone: Collection[str],
) -> dict[str, str]:
    """Return why entries will not be used again, by id.

    Args:
        entries: All entries.
        versions: Current version of each tool.
        max_age_s: Age in seconds above which an entry goes, or None.
        gone: Hashes of videos that were seen, and are no longer where they were.
    """
    now = time.time()
    reasons: dict[str, str] = {}
    for entry in entries:
        reason = _reason_to_go(entry, versions, gone)
        if reason is None and max_age_s is not None and now - entry.created_s > max_age_s:
            reason = "older than asked for"
        if reason is not None:
            reasons[entry.id] = reason
    return reasons | _orphans(entries, reasons)


def _reason_to_go(
    entry: StoreEntry, versions: Mapping[str, str], gone: Collection[str]
) -> str | None:
    key = entry.key
    if key is None:
        return f"damaged: {entry.damage}"
    if key.schema_version != STAGE_VERSIONS.get(key.stage):
        return "written in the format of another release"
    if versions.get(key.tool, key.version) != key.version:
        return f"{key.tool} is now at version {versions[key.tool]}"
    if key.media_sha256 in gone:
        return "its video is gone or has changed"
    return None


def _orphans(entries: Sequence[StoreEntry], reasons: Mapping[str, str]) -> dict[str, str]:
    """Return the entries built on entries that go, however indirectly."""
    lost = set(reasons)
    orphans: dict[str, str] = {}
    grown = True
    while grown:
        grown = False
        for entry in entries:
            if entry.id not in lost and entry.key and lost.intersection(entry.key.inputs):
                lost.add(entry.id)
                orphans[entry.id] = "built on an entry that goes"
                grown = True
    return orphans
