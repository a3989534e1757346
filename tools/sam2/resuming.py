"""Where a run keeps what it has done, so that a killed run of a long video can go on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from filelock import FileLock
from filelock import Timeout as LockTaken

from reelgraph._atomic import replacing
from reelgraph.graph.store import default_cache_root

__all__ = ["WorkFolder", "default_work_root", "open_work", "work_key"]

ABANDONED_AFTER_S: Final = 14 * 24 * 3600.0
_STATE: Final = "state.json"
_LOCK: Final = "lock"


def default_work_root() -> Path:
    """Return the folder of unfinished runs, inside the platform's cache folder."""
    return default_cache_root() / "unfinished"


def work_key(parts: Mapping[str, Any]) -> str:
    """Return the name of a run: the same for the same video, tool, options and prompts."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def open_work(root: Path, key: str) -> Iterator[WorkFolder]:
    """Give the folder of a run; it is removed when the body ends well and kept when not.

    Where another process is at the same run, or the place cannot be written to, the run
    works in a temporary folder and cannot be resumed. Folders of runs that nobody took
    up again for two weeks are removed.
    """
    with contextlib.ExitStack() as stack:
        folder = _locked(root / key, stack)
        if folder is None:
            temporary = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            yield WorkFolder(temporary)
            return
        _remove_abandoned(root, keep=folder)
        try:
            yield WorkFolder(folder)
        except BaseException:
            if not (folder / _STATE).exists():  # nothing to go on with
                shutil.rmtree(folder, ignore_errors=True)
            raise
    shutil.rmtree(folder, ignore_errors=True)


def _locked(folder: Path, stack: contextlib.ExitStack) -> Path | None:
    """Return a folder that is ours for now; None if it is taken or cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stack.enter_context(FileLock(folder / _LOCK, timeout=0))
    except (OSError, LockTaken):
        return None
    return folder


class WorkFolder:
    """Checked files of one run, each written whole or not at all, and the run's state.

    The state is written last and names no file that is not there: whatever is killed, the
    folder holds the last state that was saved. A damaged file counts as absent.

    Args:
        path: The folder, which must exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, data: bytes) -> None:
        """Write a file.

        Raises:
            OSError: If it cannot be written.
        """
        # Not forced to the disk: what a power cut takes is noticed by its checksum.
        with replacing(self.path / name) as partial, partial.open("wb") as file:
            file.write(hashlib.sha256(data).digest())
            file.write(data)

    def read(self, name: str) -> bytes | None:
        """Return what was written under a name; None if it is absent or damaged."""
        try:
            stored = (self.path / name).read_bytes()
        except OSError:
            return None
        data = stored[32:]
        return data if hashlib.sha256(data).digest() == stored[:32] else None

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        (self.path / name).unlink(missing_ok=True)

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Replace the state, a JSON object."""
        self.write(_STATE, json.dumps(state).encode())

    def state(self) -> dict[str, Any] | None:
        """Return the state saved last; None if there is none."""
        data = self.read(_STATE)
        state: dict[str, Any] | None = None if data is None else json.loads(data)
        return state


def _remove_abandoned(root: Path, *, keep: Path) -> None:
    """Remove the folders of runs that were not touched for long and that nobody is at."""
    oldest = time.time() - ABANDONED_AFTER_S
    for folder in root.iterdir():
        with contextlib.suppress(OSError, LockTaken):
            if folder == keep or not folder.is_dir() or folder.stat().st_mtime > oldest:
                continue
            with FileLock(folder / _LOCK, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
