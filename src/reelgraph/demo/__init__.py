"""The demo: a rendered clip with its ground truth, and the chain run on its pixels."""
