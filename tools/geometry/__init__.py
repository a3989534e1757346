"""Deterministic relations from tracks alone: positions, contact, motion, holding, events."""

from reelgraph.tools.geometry.generator import GeometryConfig, GeometryGenerator

__all__ = ["GeometryConfig", "GeometryGenerator"]
