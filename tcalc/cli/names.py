"""Words that options take as values."""

FORMATS = ("auto", "panel", "repr", "list", "json", "csv", "tsv", "npy", "shape", "none")
FILES_ONLY = ("npz", "safetensors")  # what -o writes and -F does not
PANELS = ("lines", "card", "min")
COLOUR_WHEN = ("auto", "always", "never")
SHELLS = ("bash", "zsh", "fish")
DTYPES = ("float16", "bfloat16", "float32", "float64")
