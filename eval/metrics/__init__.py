"""Metrics: what the official evaluators compute, one protocol a module."""
