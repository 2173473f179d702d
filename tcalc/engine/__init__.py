"""The tensor library: arrays, ops and autograd; knows nothing of text, sessions or terminals."""

from time import perf_counter

began = perf_counter()  # when loading began; `namespace.ready` says when it ended
