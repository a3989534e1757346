"""Named implementations: ours by decorator, third-party ones by entry point."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from reelgraph.errors import QueryError

__all__ = ["Registry"]

T = TypeVar("T")


class Registry(Generic[T]):
    """Implementations of one Protocol by name.

    Built-in classes and entry points are loaded only when a name is asked for, so a
    plain import stays light.

    Args:
        kind: What is registered, for messages, e.g. ``"tracker"``.
        group: Entry-point group that third parties publish in.
        builtin: Where our own are: name to ``"module:Class"``.
    """

    def __init__(self, kind: str, group: str, builtin: Mapping[str, str] | None = None) -> None:
        self._kind = kind
        self._group = group
        self._builtin = dict(builtin or {})
        self._factories: dict[str, Callable[..., T]] = {}

    def register(self, name: str) -> Callable[[type[T]], type[T]]:
        """Return a class decorator that registers the class under ``name``."""

        def decorate(factory: type[T]) -> type[T]:
            self._factories[name] = factory
            return factory

        return decorate

    def names(self) -> list[str]:
        """Return every known name, sorted, entry points included."""
        published = {point.name for point in entry_points(group=self._group)}
        return sorted(published | self._factories.keys() | self._builtin.keys())

    def get(self, name: str) -> Callable[..., T]:
        """Return the class or factory called ``name``.

        Raises:
            QueryError: If no such name is registered; the message names the nearest.
        """
        if name not in self._factories and name in self._builtin:
            module, _, attribute = self._builtin[name].partition(":")
            self._factories[name] = getattr(importlib.import_module(module), attribute)
        if name not in self._factories:
            for point in entry_points(group=self._group, name=name):
                self._factories[name] = point.load()
        try:
            return self._factories[name]
        except KeyError:
            raise QueryError(self._unknown(name), choices=tuple(self.names())) from None

    def _unknown(self, name: str) -> str:
        known = self.names()
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return f"No {self._kind} is called {name!r}.{hint} Known: {', '.join(known) or 'none'}."
