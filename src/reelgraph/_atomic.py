"""Output files appear complete or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["check_writable", "replacing"]


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a new file beside ``path`` to write to, and put it in place at the end.

    If the body fails, ``path`` stays as it was and nothing is left behind.

    Raises:
        OSError: If the folder is missing or cannot be written to.
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.stem[:40]}-", suffix=path.suffix
    )
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.chmod(_mode_of(path))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def check_writable(path: str | Path, *, read: Iterable[str | Path] = ()) -> None:
    """Make sure that ``path`` can be written, before long work is done for it.

    Args:
        path: The file to be written.
        read: Files that the work reads; none of them may be overwritten.

    Raises:
        OSError: If it is one of ``read`` or a folder, or its folder is missing or cannot be
            written to.
    """
    path = Path(path)
    for source in map(Path, read):
        if path.exists() and source.exists() and path.samefile(source):
            raise FileExistsError(f"{str(path)!r} is what is read; choose another output file")
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r}; create it first")
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(f"{str(path)!r} cannot be written to; choose another file")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise type(error)(
            f"cannot write to the folder {str(path.parent)!r} ({error.strerror}); choose another"
        ) from error


def _mode_of(path: Path) -> int:
    """Return the permissions of the file that is there, or those of a new file."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
