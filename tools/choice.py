"""Choice of tools: which tracker and generators run, with which options, and why."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from pydantic import ValidationError

from reelgraph._registry import Registry
from reelgraph.errors import QueryError, SettingsError
from reelgraph.tools.base import (
    GENERATORS,
    TRACKERS,
    Availability,
    GraphGenerator,
    ToolConfig,
    Tracker,
)

__all__ = ["ToolChoice"]

# Best first; "auto" takes the first tracker that can run here.
_TRACKERS = ("sam2", "motion")
# A later layer's label wins, so the models come last; all that can run here are used.
_GENERATORS = ("appearance", "geometry", "traser")


class _Tool(Protocol):
    @property
    def name(self) -> str: ...

    def available(self) -> Availability: ...


T = TypeVar("T", bound=_Tool)


class ToolChoice:
    """Makes tools from names and options, and remembers which ones it passed over.

    Args:
        options: Options of each tool by its name; a tool that is not used needs none.

    Raises:
        QueryError: If options are given for a tool that is not registered.
    """

    def __init__(self, options: Mapping[str, Mapping[str, object]] | None = None) -> None:
        self._options = dict(options or {})
        self._passed_over: list[str] = []
        known = sorted({*TRACKERS.names(), *GENERATORS.names()})
        for name in self._options:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise QueryError(
                    f"No tool is called {name!r}, so it takes no options.{hint} "
                    f"Known: {', '.join(known)}.",
                    choices=tuple(known),
                )

    def tracker(self, asked: str | Tracker) -> Tracker:
        """Return the tracker asked for, or the best that can run here if that is ``"auto"``.

        Raises:
            QueryError: If the name is not registered.
            SettingsError: If it cannot run here, or one of its options cannot be used.
        """
        if not isinstance(asked, str):
            return _checked(asked, "tracker")
        if asked != "auto":
            return _checked(self._made(TRACKERS, asked), "tracker")
        for tracker in self._runnable(TRACKERS, _TRACKERS):
            return tracker
        raise SettingsError(f"no tracker can run here ({'; '.join(self._passed_over)}); name one")

    def generators(self, asked: str | Sequence[str | GraphGenerator]) -> tuple[GraphGenerator, ...]:
        """Return the generators asked for; errors are those of `tracker`."""
        if asked == "auto":
            return tuple(self._runnable(GENERATORS, _GENERATORS))
        named = [asked] if isinstance(asked, str) else asked
        return tuple(
            _checked(self._made(GENERATORS, item) if isinstance(item, str) else item, "generator")
            for item in named
        )

    def sentence(self, tracker: Tracker, generators: Sequence[GraphGenerator]) -> str:
        """Say what was picked and why."""
        layers = ", ".join(repr(item.name) for item in generators) or "no generator"
        why = f" ({'; '.join(self._passed_over)})" if self._passed_over else ""
        return f"objects are tracked by {tracker.name!r} and described by {layers}{why}"

    def _runnable(self, registry: Registry[T], names: Sequence[str]) -> Iterator[T]:
        """Yield the tools of these names that should run here unasked, and note the others."""
        known = registry.names()
        for name in names:
            if name not in known:
                continue
            tool = self._made(registry, name)
            state = tool.available()
            if state.ok and not state.slow:
                yield tool
            elif state.ok:
                self._passed_over.append(f"{name!r} is not used unasked: {state.slow}")
            else:
                self._passed_over.append(f"{name!r} cannot run: {state.reason}")

    def _made(self, registry: Registry[T], name: str) -> T:
        factory: Callable[..., T] = registry.get(name)
        given = self._options.get(name)
        return factory() if not given else factory(_config(name, factory, given))


def _config(name: str, factory: object, given: Mapping[str, object]) -> ToolConfig:
    """Return the options of a tool, checked."""
    kind = getattr(factory, "config_type", None)
    if not (isinstance(kind, type) and issubclass(kind, ToolConfig)):
        raise SettingsError(f"the tool {name!r} takes no options, got {dict(given)!r}")
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        raise SettingsError(_explain(name, kind, error)) from error


def _explain(name: str, kind: type[ToolConfig], error: ValidationError) -> str:
    """Return one sentence on the first option that cannot be used."""
    problem = error.errors()[0]
    place = ".".join(map(str, problem["loc"]))
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(place, kind.model_fields, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        known = ", ".join(kind.model_fields)
        return f"the tool {name!r} has no option {place!r}. {hint}Known: {known}."
    reason = problem["msg"].removeprefix("Value error, ")
    return f"the option {name}.{place} is {problem['input']!r}, which cannot be used: {reason}."


def _checked(tool: T, kind: str) -> T:
    state = tool.available()
    if not state.ok:
        raise SettingsError(
            f"the {kind} {tool.name!r} cannot run here: {state.reason}; {state.fix}"
        )
    return tool
