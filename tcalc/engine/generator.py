"""torch's CPU random generator: a Mersenne Twister, its seeding, its 5056 state bytes and the fractions drawn from it."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .backend import Array, np
from .backend import device as backend_device
from .dtypes import uint8
from .errors import TensorError, TensorTypeError, TensorValueError

if TYPE_CHECKING:
    from .tensor import Tensor

STARTING_SEED = 67280421310721
CHUNK = 16384  # words per step of a long fill: the temporaries of one step stay in the cache
_STATE = struct.Struct("<QiiQ624Q3di4xf?3x")
_KEY_LENGTH = 624


class Generator:
    """A stream of 32-bit words, equal to `torch.Generator`'s on the CPU.

    `words(n)` draws n words as uint64. `cached` is the second standard normal of the last pair drawn one by one, or
    None; it is shared by all dtypes and part of the state, as in torch.

    See: manual_seed, rand, default_generator

    >>> g = Generator()
    >>> g.manual_seed(0).initial_seed()
    0
    >>> rand(2, generator=g)
    tensor([0.4963, 0.7682])
    """

    def __init__(self, device: str = "cpu") -> None:
        self.device = backend_device(device)
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
        if "_twister" in self.__dict__:
            self._twister[1].seed(self._seed & 0xFFFFFFFF)
        self.cached = None
        return self

    def initial_seed(self) -> int:
        """The seed the stream was last started from."""
        return self._seed

    def seed(self) -> int:
        """Restart from a seed of the operating system's randomness and return it."""
        self.manual_seed(int.from_bytes(os.urandom(8), "little"))
        return self._seed

    def get_state(self) -> Tensor:
        """The state as a uint8 tensor of 5056 bytes, those of torch at the same point of the stream."""
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
        return Generator().restore(self.state())

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


default_generator = Generator()
default_generator.seed()  # torch, too, starts every process somewhere else
