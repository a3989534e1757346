"""Benchmarks: questions, answers and graphs as their owners publish them."""
