"""The expression language: a safe subset of Python whose text is parsed, checked, rewritten to gates and run."""
