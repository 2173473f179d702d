"""The random side of torch.cuda: seeds and states of the GPUs' default generators. Without a GPU, seeding is noted for later or ignored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import backend, generator
from .backend import cuda_count, cuda_problem
from .generator import Generator
from .tensor import Tensor


def _of(where: Any) -> Generator:
    """The default generator of a GPU.

    Raises RuntimeError when there is none.
    """
    return generator.default_of(backend.resolve(backend.device("cuda" if where is None else where)))


def manual_seed(seed: int) -> None:
    """Start the random numbers of the current GPU anew; without a GPU nothing happens.

    See: cuda.manual_seed_all, manual_seed

    >>> cuda.manual_seed(0)
    """
    if cuda_problem() is None:
        _of(None).manual_seed(int(seed))


def manual_seed_all(seed: int) -> None:
    """Start the random numbers of all GPUs anew.

    See: cuda.manual_seed, manual_seed

    >>> cuda.manual_seed_all(0)
    """
    generator.seed_gpus(int(seed))


def seed() -> None:
    """Start the random numbers of the current GPU from a seed of chance; without a GPU nothing happens.

    See: cuda.manual_seed, cuda.seed_all

    >>> cuda.seed()
    """
    if cuda_problem() is None:
        _of(None).seed()


def seed_all() -> None:
    """Start the random numbers of all GPUs from one seed of chance; without a GPU nothing happens.

    See: cuda.manual_seed_all, cuda.seed

    >>> cuda.seed_all()
    """
    if cuda_problem() is None:
        generator.seed_gpus(_of(None).seed())


def initial_seed() -> int:
    """The seed that the current GPU's random numbers started from.

    Raises RuntimeError when there is none.

    See: cuda.manual_seed

    >>> cuda.initial_seed() >= 0 if cuda.is_available() else True
    True
    """
    return _of(None).initial_seed()


def get_rng_state(device: Any = "cuda") -> Tensor:
    """Seed and offset of a GPU's random numbers, as 16 bytes.

    Raises RuntimeError when there is none.

    See: cuda.set_rng_state, get_rng_state

    >>> cuda.get_rng_state().shape if cuda.is_available() else torch.Size([16])
    torch.Size([16])
    """
    return _of(device).get_state()


def get_rng_state_all() -> list[Tensor]:
    """The states of all GPUs' random numbers.

    See: cuda.set_rng_state_all

    >>> len(cuda.get_rng_state_all()) == cuda.device_count()
    True
    """
    return [get_rng_state(i) for i in range(cuda_count())]


def set_rng_state(new_state: Tensor, device: Any = "cuda") -> None:
    """Put a GPU's random numbers where get_rng_state found them.

    Raises RuntimeError when there is no GPU, or for bytes that are no state.

    See: cuda.get_rng_state

    >>> if cuda.is_available(): cuda.set_rng_state(cuda.get_rng_state())
    """
    _of(device).set_state(new_state)


def set_rng_state_all(new_states: Iterable[Tensor]) -> None:
    """Put all GPUs' random numbers where get_rng_state_all found them.

    Raises as `set_rng_state`.

    See: cuda.get_rng_state_all

    >>> cuda.set_rng_state_all(cuda.get_rng_state_all())
    """
    for i, state in enumerate(new_states):
        set_rng_state(state, i)


def names() -> dict[str, Any]:
    """What torch.cuda has of it."""
    found = (manual_seed, manual_seed_all, seed, seed_all, initial_seed, get_rng_state, get_rng_state_all, set_rng_state, set_rng_state_all)
    return {f.__name__: f for f in found} | {"default_generators": tuple(_of(i) for i in range(cuda_count()))}
