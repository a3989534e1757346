"""Settings: from arguments, else the environment, else a file, else defaults.

Environment variables are the names below in capitals after ``REELGRAPH_``
(``REELGRAPH_MODEL=openai:gpt-5``). The file is the first ``reelgraph.toml`` found in
the current folder or one above it, else the one in the user's configuration folder
(``~/.config/reelgraph/reelgraph.toml``, or under ``XDG_CONFIG_HOME``)::

    model = "openai:gpt-5"
    cache = "~/videos/.reelgraph"
    cache_limit = "20 GB"
    generators = ["geometry"]

    [tools.motion]
    fps = 10
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import ByteSize, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from reelgraph.errors import SettingsError

__all__ = ["Settings", "find_file", "load_settings"]

FILE_NAME: Final = "reelgraph.toml"
PREFIX: Final = "REELGRAPH_"


class Settings(BaseSettings):
    """What a person can set once for every run; `load_settings` reads it.

    Attributes:
        cache: Folder that tracks and graphs are stored in; None is the platform's cache folder.
        cache_limit: Size in bytes above which the oldest entries go (``"20 GB"`` works);
            None keeps everything.
        model: Chat model that answers: ``"embedded"`` or e.g. ``"openai:gpt-5"``.
        tracker: Registered tracker, or ``"auto"``.
        generators: Registered graph generators, or ``("auto",)``.
        tools: Options of each tool by its name, in the environment as JSON.
        max_model_calls: Most model calls for one question; None is the agent's default.
        max_tokens: Most tokens for one question; None is the agent's default.
        max_seconds: Most seconds for one question; None is the agent's default.
        max_usd: Most US dollars for one question, by ``prices``; None for no limit.
        prices: US dollars for a million ``input`` and ``output`` tokens of the model.
        mode: ``"tools"``, ``"context"`` (the graph as text) or ``"auto"``.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True
    )

    cache: Path | None = None
    cache_limit: ByteSize | None = Field(default=None, gt=0)
    model: str = Field(default="embedded", min_length=1)
    tracker: str = Field(default="auto", min_length=1)
    generators: Annotated[tuple[str, ...], NoDecode] = Field(default=("auto",), min_length=1)
    tools: dict[str, dict[str, Any]] = {}
    max_model_calls: int | None = Field(default=None, gt=0)
    max_tokens: int | None = Field(default=None, gt=0)
    max_seconds: float | None = Field(default=None, gt=0)
    max_usd: float | None = Field(default=None, gt=0)
    prices: dict[Literal["input", "output"], float] | None = None
    mode: Literal["auto", "tools", "context"] = "auto"

    @field_validator("cache", mode="after")
    @classmethod
    def _expand_home(cls, value: Path | None) -> Path | None:
        return value and value.expanduser()

    @field_validator("generators", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        """Accept ``"geometry,traser"``, as environment variables are written."""
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put arguments before the environment, and the environment before the file."""
        return init_settings, env_settings, InitSettingsSource(settings_cls, _read_file())


def load_settings(**arguments: Any) -> Settings:
    """Read the settings.

    Args:
        **arguments: Settings by name that win over all else; None means not given.

    Raises:
        SettingsError: If a key is unknown or a value cannot be used; the message names
            the place, the key, the value and the fix.
    """
    given = {key: value for key, value in arguments.items() if value is not None}
    _check_environment()
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError(_explain(error, given)) from error


def find_file() -> Path | None:
    """Return the settings file that counts here, or None."""
    here = Path.cwd()
    candidates = [folder / FILE_NAME for folder in (here, *here.parents)]
    candidates.append(_user_folder() / FILE_NAME)
    return next((path for path in candidates if path.is_file()), None)


def _user_folder() -> Path:
    # The XDG specification has relative paths ignored.
    base = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".config") / "reelgraph"


def _read_file() -> dict[str, Any]:
    """Return what the settings file says; paths in it count from its folder."""
    path = find_file()
    if path is None:
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{str(path)!r} cannot be read as TOML: {error}") from error
    cache = values.get("cache")
    if isinstance(cache, str) and not cache.startswith("~"):
        values["cache"] = path.parent / cache
    return values


def _check_environment() -> None:
    """Refuse a variable that is nearly, but not quite, the name of a setting."""
    known = {PREFIX + name.upper(): name for name in Settings.model_fields}
    for name in sorted(os.environ):
        if not name.upper().startswith(PREFIX) or name.upper() in known:
            continue
        near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.85)
        if near:
            raise SettingsError(
                f"the environment sets {name!r}, which is no setting. Did you mean {near[0]!r}?"
            )


def _explain(error: ValidationError, given: Mapping[str, object]) -> str:
    """Return one sentence on the first problem."""
    problem = error.errors()[0]
    key = str(problem["loc"][0])
    place = _place(key, given)
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, Settings.model_fields, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        known = ", ".join(Settings.model_fields)
        return f"{place} sets {key!r}, which is no setting. {hint}Known: {known}."
    reason = problem["msg"].removeprefix("Value error, ")
    return f"{place} sets {key!r} to {problem['input']!r}, which cannot be used: {reason}."


def _place(key: str, given: Mapping[str, object]) -> str:
    """Return where the value of a setting came from."""
    if key in given:
        return f"the option --{key.replace('_', '-')}"
    variable = PREFIX + key.upper()
    if any(name.upper() == variable for name in os.environ):
        return f"the environment variable {variable}"
    return f"the file {str(find_file())!r}"
