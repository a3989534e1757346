"""The evaluation: what graphs bring, measured."""
