"""torch's random generators: on cpu a Mersenne Twister with its 5056 state bytes and the fractions drawn from it, on cuda seed and offset."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .backend import CPU, Array, np, resolve
from .backend import device as backend_device
from .dtypes import uint8
from .errors import TensorError, TensorTypeError, TensorValueError

if TYPE_CHECKING:
    from .tensor import Tensor

STARTING_SEED = 67280421310721
CHUNK = 16384  # words per step of a long fill: the temporaries of one step stay in the cache
_STATE = struct.Struct("<QiiQ624Q3di4xf?3x")
_CUDA_STATE = struct.Struct("<QQ")
_KEY_LENGTH = 624


class Generator:
    """A stream of random numbers: `Generator()` on cpu, `Generator(device="cuda")` on a GPU.

    On cpu it is equal to `torch.Generator`'s, word by word. `words(n)` draws n 32-bit words as uint64. `cached` is the second standard
    normal of the last pair drawn one by one, or None; it is shared by all dtypes and part of the state, as in torch.

    See: manual_seed, rand, default_generator

    >>> g = Generator()
    >>> g.manual_seed(0).initial_seed()
    0
    >>> rand(2, generator=g)
    tensor([0.4963, 0.7682])
    """

    def __new__(cls, device: Any = "cpu") -> Generator:
        return object.__new__(CudaGenerator if backend_device(device).type == "cuda" else cls)

    def __init__(self, device: Any = "cpu") -> None:
        self.device = resolve(device)
        if self.device.type == "meta":
            raise TensorError("META device type not an accelerator.", "Generator")
        self._seed = STARTING_SEED
        self.cached: float | None = None

    @cached_property
    def _twister(self) -> tuple[Any, Any]:
        """(bit generator, its seeder), made when first drawn from: importing numpy.random takes longer than most programs run."""
        bits = np.random.MT19937(0)
        seeder = np.random.RandomState(bits)
        seeder.seed(self._seed & 0xFFFFFFFF)
        return bits, seeder

    @cached_property
    def words(self) -> Callable[[int], Array]:
        """The function that draws n words."""
        return self._twister[0].random_raw  # type: ignore[no-any-return]  # numpy does not say

    def __repr__(self) -> str:
        return f"<torch._C.Generator object at {id(self):#x}>"

    def manual_seed(self, seed: int) -> Generator:
        """Restart the stream from `seed`, in [-2**63, 2**64); a negative one stands for seed + 2**64.

        Raises RuntimeError for anything but an int and ValueError out of range, with torch's sentences.
        """
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise TensorError(f"manual_seed expected a long, but got {type(seed).__name__}", "manual_seed")
        if not -(2**63) <= seed < 2**64:
            raise TensorValueError("Overflow when unpacking long long", "manual_seed")
        self._seed = int(seed) % 2**64
        self._restart()
        return self

    def _restart(self) -> None:
        if "_twister" in self.__dict__:
            self._twister[1].seed(self._seed & 0xFFFFFFFF)
        self.cached = None

    def initial_seed(self) -> int:
        """The seed the stream was last started from."""
        return self._seed

    def seed(self) -> int:
        """Restart from a seed of the operating system's randomness and return it."""
        self.manual_seed(int.from_bytes(os.urandom(8), "little"))
        return self._seed

    def get_state(self) -> Tensor:
        """The state as a uint8 tensor on cpu, of 5056 bytes (16 on cuda), those of torch at the same point of the stream."""
        from .data import from_numpy

        return from_numpy(np.frombuffer(self.state(), "uint8").copy())

    def set_state(self, new_state: Tensor) -> Generator:
        """Continue from a state that get_state gave, here or in torch.

        Raises TypeError for anything but a uint8 tensor and RuntimeError for bytes that are no state, with torch's sentences.
        """
        from .tensor import Tensor

        if not isinstance(new_state, Tensor):
            raise TensorTypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}", "set_state")
        if new_state.spec.dtype is not uint8 or new_state.spec.device.type != "cpu":
            raise TensorTypeError("RNG state must be a torch.ByteTensor", "set_state")
        return self.restore(new_state.a.tobytes())

    def clone_state(self) -> Generator:
        """A generator that stands at the same point of the stream."""
        return Generator(self.device).restore(self.state())

    def get_offset(self) -> int:
        """Only the generators of GPUs have one.

        Raises RuntimeError with torch's sentence.
        """
        raise TensorError("CPU Generator does not use offset", "get_offset")

    def set_offset(self, offset: int) -> None:
        """Only the generators of GPUs have one.

        Raises RuntimeError with torch's sentence.
        """
        raise TensorError("CPU Generator does not use offset", "set_offset")

    def state(self) -> bytes:
        """The 5056 bytes `torch.Generator.get_state()` holds at the same point of the stream."""
        state: Any = self._twister[0].state["state"]
        key, position = state["key"].tolist(), int(state["pos"])
        left = _KEY_LENGTH + 1 - position
        just_seeded = position == _KEY_LENGTH and key[0] == self._seed & 0xFFFFFFFF
        following = 0 if just_seeded else position
        cached = 0.0 if self.cached is None else self.cached
        return _STATE.pack(self._seed, left, 1, following, *key, 0.0, cached, 0.0, int(self.cached is not None), 0.0, False)

    def restore(self, state: bytes) -> Generator:
        """Continue from bytes of `state`, or of torch's get_state.

        Raises RuntimeError with torch's sentence for a wrong size or an impossible state; nothing is changed then.
        """
        if len(state) != _STATE.size:
            raise TensorError(
                f"Expected a CPUGeneratorImplState of size {_STATE.size} but found the input RNG state size to be {len(state)}",
                "set_state",
            )
        seed, left, seeded, following, *rest = _STATE.unpack(state)
        key, (_, cached, _, has_cached, _, _) = rest[:_KEY_LENGTH], rest[_KEY_LENGTH:]
        if seeded != 1 or not 1 <= left <= _KEY_LENGTH or following > _KEY_LENGTH:
            raise TensorError("Invalid mt19937 state", "set_state")
        position = _KEY_LENGTH if left == 1 else following
        self._twister[0].state = {
            "bit_generator": "MT19937",
            "state": {"key": np.array(key, np.uint64).astype(np.uint32), "pos": position},
        }
        self._seed = seed
        self.cached = cached if has_cached else None
        return self


class CudaGenerator(Generator):
    """The stream of one GPU: a seed, which is Philox's key, and an offset, which every draw moves on (`philox.spread`).

    No state is on the GPU, so that neither drawing nor asking for the state waits for it.
    """

    def __init__(self, device: Any = "cuda") -> None:
        super().__init__(device)
        self._offset = 0

    def _restart(self) -> None:
        self._offset = 0

    def advance(self, steps: int) -> int:
        """Move the offset on by `steps`, rounded up to a multiple of four; returns where it was."""
        before = self._offset
        self._offset = (before + -(-steps // 4) * 4) % 2**64
        return before

    def get_offset(self) -> int:
        """How far the stream is: four for every counter that a thread has used."""
        return self._offset

    def set_offset(self, offset: int) -> None:
        """Go to a place of the stream.

        Raises RuntimeError, with torch's sentences, for one that is no multiple of four or no int, ValueError past 64 bits.
        """
        if isinstance(offset, bool) or not isinstance(offset, int):
            raise TensorError(f"manual_offset expected a long, but got {type(offset).__name__}", "set_offset")
        if not -(2**63) <= offset < 2**64:
            raise TensorValueError("Overflow when unpacking long long", "set_offset")
        if offset % 4:
            raise TensorError("offset must be a multiple of 4", "set_offset")
        self._offset = offset % 2**64

    def state(self) -> bytes:
        """Seed and offset, 8 bytes each, as torch's CUDA generators give them."""
        return _CUDA_STATE.pack(self._seed, self._offset)

    def restore(self, state: bytes) -> Generator:
        """Continue from bytes of `state`; the seed alone means its start.

        Raises RuntimeError with torch's sentence for a wrong size.
        """
        if len(state) == 8:
            state += bytes(8)
        if len(state) != _CUDA_STATE.size:
            raise TensorError("RNG state is wrong size", "set_state")
        seed, offset = _CUDA_STATE.unpack(state)
        self.set_offset(offset)
        self._seed = seed
        return self


def random64(gen: Generator, n: int) -> Array:
    """n 64-bit numbers (uint64), two words each, the first word the high half."""
    words = gen.words(2 * n)
    return words[::2] << np.uint64(32) | words[1::2]


def fractions24(gen: Generator, n: int) -> Array:
    """n float32 numbers in [0, 1): the low 24 bits of one word each."""
    bits = gen.words(n).astype(np.uint32)
    bits &= np.uint32(0xFFFFFF)
    result = bits.astype(np.float32)
    result *= np.float32(2.0**-24)
    return result


def bits53(gen: Generator, n: int) -> Array:
    """n integers below 2**53 (int64), two words each."""
    words = gen.words(2 * n).view(np.int64)
    high = words[::2] & 0x1FFFFF
    high <<= 32
    high |= words[1::2]
    return high


def fractions53(gen: Generator, n: int) -> Array:
    """n float64 numbers in [0, 1): the low 53 bits of two words each."""
    result = bits53(gen, n).astype(np.float64)
    result *= 2.0**-53
    return result


def in_chunks(n: int, array_dtype: Any, draw: Callable[[int], Array]) -> Array:
    """`draw(n)` as `array_dtype`, made in steps that fit the cache; `draw` must consume the stream in order."""
    if n <= CHUNK:
        return draw(n).astype(array_dtype, copy=False)
    out = np.empty(n, array_dtype)
    for start in range(0, n, CHUNK):
        part = out[start : start + CHUNK]
        part[...] = draw(part.size)
    return out


class DefaultGenerator(Generator):
    """The stream that is drawn from when none is named. Each thread has one of its own, which starts somewhere else each time, unless it
    runs in a copy of another's context: two sessions in one process do not disturb each other.

    See: Generator, manual_seed, rand

    >>> default_generator.manual_seed(0).initial_seed()
    0
    """

    def __init__(self) -> None:
        self.device = CPU

    @property
    def own(self) -> Generator:
        """The stream of this context."""
        found = _OWN.get()
        if found is None:
            found = Generator()
            found.seed()  # torch, too, starts every process somewhere else
            _OWN.set(found)
        return found

    @property
    def words(self) -> Callable[[int], Array]:
        """The function that draws n words."""
        return self.own.words

    @property
    def cached(self) -> float | None:
        """The second number of a pair."""
        return self.own.cached

    @cached.setter
    def cached(self, value: float | None) -> None:
        self.own.cached = value

    def manual_seed(self, seed: int) -> Generator:
        """Restart this context's stream."""
        self.own.manual_seed(seed)
        return self

    def initial_seed(self) -> int:
        """The seed that stream was last started from."""
        return self.own.initial_seed()

    def seed(self) -> int:
        """Restart it somewhere else."""
        return self.own.seed()

    def state(self) -> bytes:
        """Where it stands."""
        return self.own.state()

    def restore(self, state: bytes) -> Generator:
        """Continue from there."""
        self.own.restore(state)
        return self


_OWN: ContextVar[Generator | None] = ContextVar("default_generator", default=None)
default_generator = DefaultGenerator()
_OWN.set(Generator())
default_generator.seed()
_on_cuda: dict[int, CudaGenerator] = {}  # the default generators of the GPUs, made when first asked for
_seed_of_all: list[int] = []  # what manual_seed_all was given last, for those made later


def default_of(where: Any) -> Generator:
    """The default generator of a device."""
    if where.type != "cuda":
        return default_generator
    found = _on_cuda.get(where.index)
    if found is None:
        found = CudaGenerator(where)
        if _seed_of_all:
            found.manual_seed(_seed_of_all[0])
        else:
            found.seed()
        _on_cuda[where.index] = found
    return found


def seed_gpus(seed: int) -> None:
    """Start the default generators of all GPUs from a seed, those that are made later, too."""
    _seed_of_all[:] = [seed]
    for generator in _on_cuda.values():
        generator.manual_seed(seed)


def forget_gpus() -> None:
    """Let the default generators of GPUs begin somewhere else: there are other devices now."""
    _seed_of_all.clear()
    for generator in _on_cuda.values():
        generator.seed()
    names = sys.modules.get("tcalc.engine.namespace")
    if names is not None:
        names.table.cache_clear()  # torch.cuda holds the default generators


def kept_gpus() -> tuple[dict[int, bytes], list[int]]:
    """Where the default generators of the GPUs stand, for `put_back_gpus`."""
    return {index: generator.state() for index, generator in _on_cuda.items()}, [*_seed_of_all]


def put_back_gpus(kept: tuple[dict[int, bytes], list[int]]) -> None:
    """Have the default generators of the GPUs stand where they stood; those made since are made again when they are asked for."""
    states, _seed_of_all[:] = kept
    for index in [*_on_cuda]:
        if index in states:
            _on_cuda[index].restore(states[index])
        else:
            del _on_cuda[index]


def source_for(given: Generator | None, where: Any) -> Generator:
    """The generator that draws for a tensor of a device: the one given, or the device's own.

    Raises RuntimeError with torch's sentence for one of another kind of device.
    """
    if given is None:
        return default_of(where)
    if given.device.type != where.type:
        raise TensorError(f"Expected a '{where.type}' device type for generator but found '{given.device.type}'")
    return given
