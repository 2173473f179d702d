"""What torch.nn and torch.optim hold, and which attributes of modules, optimisers and schedulers a program may read."""

from __future__ import annotations

from typing import Any

from .. import optim, schedulers
from ..namespace import Sub
from ..tensor import Parameter
from . import activations, containers, init, losses, modules, normalisation, parallel, pooling, recurrent, reshaping, transformer, utils
from . import layers as kinds_of_layers


def _kinds() -> list[type[modules.Module]]:
    """Every kind of module."""
    homes = (modules, activations, kinds_of_layers, normalisation, pooling, reshaping, recurrent, transformer, losses, containers, parallel)
    kinds = [c for home in homes for c in vars(home).values() if isinstance(c, type) and issubclass(c, modules.Module) and c.__name__[0] != "_"]
    return list(dict.fromkeys(kinds))


def layers() -> dict[str, Any]:
    """torch.nn."""
    return {
        "functional": Sub("torch.nn.functional"), "init": Sub("torch.nn.init"), "utils": Sub("torch.nn.utils"), "parallel": Sub("torch.nn.parallel"),
        "Parameter": Parameter,
        **{c.__name__: c for c in _kinds() if c is not transformer.NonDynamicallyQuantizableLinear},
    }  # fmt: skip


def initial() -> dict[str, Any]:
    """torch.nn.init."""
    return {name: f for name, f in vars(init).items() if name.endswith("_") and name[0] != "_"} | {"calculate_gain": init.calculate_gain}


def helpers() -> dict[str, Any]:
    """torch.nn.utils."""
    functions = (
        utils.clip_grad_norm_, utils.clip_grad_value_, utils.clip_grads_with_norm_, utils.get_total_norm, utils.parameters_to_vector, utils.vector_to_parameters,
    )  # fmt: skip
    return {f.__name__: f for f in functions}


def parallel_names() -> dict[str, Any]:
    """torch.nn.parallel."""
    from .averaging import DistributedDataParallel  # brings torch.distributed along, which few programs need

    found = (parallel.DataParallel, DistributedDataParallel, parallel.data_parallel, parallel.replicate, parallel.scatter, parallel.parallel_apply, parallel.gather)
    return {each.__name__: each for each in found}


def optimizers() -> dict[str, Any]:
    """torch.optim."""
    return {"lr_scheduler": Sub("torch.optim.lr_scheduler"), **{cls.__name__: cls for cls in optim.OPTIMIZERS}}


def lr_schedulers() -> dict[str, Any]:
    """torch.optim.lr_scheduler."""
    return {cls.__name__: cls for cls in schedulers.SCHEDULERS}


def attributes() -> dict[type, frozenset[str]]:
    """Attributes a program may read, by the exact type of the value."""
    return {
        **dict.fromkeys(optim.OPTIMIZERS, optim.PUBLIC_NAMES),
        **dict.fromkeys(schedulers.SCHEDULERS, schedulers.PUBLIC_NAMES),
        **{cls: modules.PUBLIC_NAMES | cls.names for cls in _kinds()},
        modules.IncompatibleKeys: frozenset(modules.IncompatibleKeys._fields),
    }
