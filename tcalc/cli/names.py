"""Words that options take as values."""

FORMATS = ("auto", "panel", "repr", "list", "shape", "none")
PANELS = ("lines", "card", "min")
COLOUR_WHEN = ("auto", "always", "never")
DTYPES = ("float16", "bfloat16", "float32", "float64")
