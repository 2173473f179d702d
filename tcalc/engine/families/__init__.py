"""The call paths that a declaration is built into: elementwise, reduction, view, structural, creation, mutation, composite."""
