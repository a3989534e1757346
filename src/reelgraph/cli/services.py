"""What the commands run on, behind one seam, so that tests can put doubles in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from reelgraph.agent import VideoAgent
    from reelgraph.graph.store import GraphStore
    from reelgraph.settings import Settings
    from reelgraph.tools.pipeline import Pipeline

__all__ = ["Services", "services_of"]


def _open_store(settings: Settings) -> GraphStore:
    from reelgraph.graph.store import GraphStore

    return GraphStore(settings.cache, settings.cache_limit)


def _open_pipeline(settings: Settings) -> Pipeline:
    from reelgraph.tools.pipeline import Pipeline

    generators = settings.generators
    return Pipeline(
        tracker=settings.tracker,
        generators="auto" if generators == ("auto",) else generators,
        options=settings.tools,
        store=_open_store(settings),
    )


def _open_agent(settings: Settings, pipeline: Pipeline) -> VideoAgent:
    from reelgraph.agent import VideoAgent

    names = {"max_model_calls", "max_tokens", "max_seconds", "max_usd", "prices", "mode"}
    limits = settings.model_dump(include=names)
    given = {name: value for name, value in limits.items() if value is not None}
    agent = VideoAgent(settings.model, pipeline=pipeline, **given)
    # A missing key or package is found here, not after the graph was built.
    _ = agent.model
    return agent


@dataclass(frozen=True)
class Services:
    """How to open what a command needs; nothing heavy is imported before that."""

    store: Callable[[Settings], GraphStore] = _open_store
    pipeline: Callable[[Settings], Pipeline] = _open_pipeline
    agent: Callable[[Settings, Pipeline], VideoAgent] = _open_agent

    def both(self, settings: Settings) -> tuple[Pipeline, VideoAgent]:
        """Open the pipeline and the agent that works on it."""
        pipeline = self.pipeline(settings)
        return pipeline, self.agent(settings, pipeline)


def services_of(context: typer.Context) -> Services:
    """Return the services that the command runs on."""
    services = context.obj
    if not isinstance(services, Services):
        raise TypeError(f"the command line runs on Services, got {services!r}")
    return services
