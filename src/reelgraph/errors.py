"""Every error reelgraph raises on purpose.

    ReelgraphError                 base of all of them
    ├── VideoError                 the file cannot be read as a video
    ├── GraphFormatError           a graph, track or mask document is malformed
    ├── QueryError                 a question to the graph names what it does not have
    ├── StoreError                 the cache folder cannot be read or written
    ├── SettingsError              a setting has a value that cannot be used
    ├── MissingDependencyError     a feature needs a package that is not installed
    ├── ModelOutputError           a model wrote something that cannot be used
    ├── EvalError                  an evaluation cannot be run as asked
    └── AgentError                 a question cannot be answered as asked
        ├── BudgetExceeded         a limit on calls, tokens or seconds was reached
        └── ProviderError          the model provider failed or refused

Who acts on an error decides its type: the *user* fixes a `VideoError`,
`StoreError`, `SettingsError` or `MissingDependencyError` (the CLI shows them as
one line, without a traceback); the *model* can act on a `QueryError` (the agent
hands its message back as a tool result); anything else is a bug and keeps its
traceback.
"""

from __future__ import annotations

__all__ = [
    "AgentError",
    "BudgetExceeded",
    "EvalError",
    "GraphFormatError",
    "MissingDependencyError",
    "ModelOutputError",
    "ProviderError",
    "QueryError",
    "ReelgraphError",
    "SettingsError",
    "StoreError",
    "VideoError",
    "VideoWarning",
]


class ReelgraphError(Exception):
    """Base class of every error that reelgraph raises on purpose."""


class VideoError(ReelgraphError):
    """A file is missing, is not a video, or holds no frame that decodes.

    Attributes:
        path: The file as the caller named it.
    """

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class GraphFormatError(ReelgraphError):
    """A scene graph, track or mask document does not follow its format."""


class QueryError(ReelgraphError):
    """A query names an object, predicate or time that the graph does not have.

    Attributes:
        choices: Valid values, nearest first, for the caller to pick from.
    """

    def __init__(self, message: str, *, choices: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.choices = choices


class StoreError(ReelgraphError):
    """The cache folder cannot be created, read, written or locked."""


class SettingsError(ReelgraphError):
    """A setting (environment, file or argument) has a value that cannot be used."""


class MissingDependencyError(ReelgraphError):
    """A feature needs a package that is not installed.

    Attributes:
        feature: What the user asked for.
        package: The distribution that is missing.
        extra: The reelgraph extra that brings it.
    """

    def __init__(self, *, feature: str, package: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs the package {package!r}, which is not installed. "
            f"Install it with: pip install 'reelgraph[{extra}]'"
        )
        self.feature = feature
        self.package = package
        self.extra = extra


class ModelOutputError(ReelgraphError):
    """A model wrote something that cannot be parsed or used.

    Attributes:
        text: What the model wrote, cut to a readable length.
    """

    def __init__(self, message: str, *, text: str = "") -> None:
        super().__init__(message)
        self.text = text[:2000]


class EvalError(ReelgraphError):
    """An evaluation cannot be run as asked (data missing, arms unknown, logs differ)."""


class AgentError(ReelgraphError):
    """A question cannot be answered as asked."""


class BudgetExceeded(AgentError):  # noqa: N818 - reads as what happened
    """A limit on model calls, tokens or seconds was reached.

    Attributes:
        limit: Name of the limit, e.g. ``"max_model_calls"``.
        value: The limit's value.
    """

    def __init__(self, message: str, *, limit: str, value: float) -> None:
        super().__init__(message)
        self.limit = limit
        self.value = value


class ProviderError(AgentError):
    """The model provider failed, refused, or cannot be reached.

    Attributes:
        retryable: Whether the same call may succeed later.
    """

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class VideoWarning(UserWarning):
    """A video was used although something about it is wrong (cut short, say)."""
