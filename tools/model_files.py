"""Weights of a model as a person asks about them: are they here, how large, which licence."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from pydantic import BaseModel

__all__ = ["HasModels", "ModelFiles"]


class ModelFiles(BaseModel):
    """The weights that a tool uses or could use.

    Attributes:
        model: Id of the model, e.g. ``"facebook/sam2.1-hiera-tiny"``.
        here: Whether they are on this machine.
        bytes: Their size, on this machine or as published.
        licence: Their licence.
        fix: How to get them; empty if they are here.
    """

    model: str
    here: bool
    bytes: int
    licence: str
    fix: str = ""


@runtime_checkable
class HasModels(Protocol):
    """A tool that runs a model with published weights."""

    def models(self) -> tuple[ModelFiles, ...]:
        """Return the models it can run, its default first; never uses the network."""
