"""What the layers above need of values: their text as the prompt shows it, and what counts as a value of the program."""

from tcalc.lang.namespaces import Namespace
from tcalc.lang.text import echo_repr, to_repr, to_str
from tcalc.lang.tokens import TypeToken, type_of

__all__ = ["Namespace", "TypeToken", "echo_repr", "to_repr", "to_str", "type_of"]
