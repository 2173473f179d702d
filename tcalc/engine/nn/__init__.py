"""Modules, their parameters and initial values: composites over ops."""

from .init import kaiming_uniform_, normal_, ones_, uniform_, xavier_normal_, xavier_uniform_, zeros_
from .modules import CrossEntropyLoss, Flatten, Identity, Linear, Module, MSELoss, ReLU, Sequential, Sigmoid, Tanh

__all__ = [
    "CrossEntropyLoss", "Flatten", "Identity", "Linear", "MSELoss", "Module", "ReLU", "Sequential", "Sigmoid", "Tanh", "kaiming_uniform_", "normal_", "ones_",
    "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_",
]  # fmt: skip
