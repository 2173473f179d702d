"""The tensor library: arrays, ops and autograd; knows nothing of text, sessions or terminals."""
