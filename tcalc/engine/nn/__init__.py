"""Modules, their parameters and initial values: composites over ops."""
