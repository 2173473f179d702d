"""NumPy's files, .npy and .npz, read with every claim of theirs checked before memory is taken for it."""

from __future__ import annotations

import errno
import os
import re
import warnings
import zipfile
import zlib
from math import prod
from tokenize import TokenError
from typing import TYPE_CHECKING, Any, BinaryIO

from ..budget import fits, memory_limit
from .escape import safe_line
from .trouble import FileTrouble

if TYPE_CHECKING:
    from ..engine.tensor import Tensor

MAPPED = 1 << 26  # bytes from which on a .npy file is mapped into memory, not read
HEADER = 10_000  # bytes that the header of an array may have, as in NumPy
CHUNK = 1 << 20  # bytes that are read at a time
_ADDRESS = re.compile(r" object at 0x[0-9a-f]+")
# what NumPy's reader of headers raises for bytes that are none
_DAMAGED_HEADER = (ValueError, TypeError, SyntaxError, TokenError, KeyError, OverflowError, RecursionError, MemoryError)


def afford(count: int) -> None:
    """Raise FileTrouble for more bytes than a program may have."""
    if not fits(count):
        raise FileTrouble(f"{count} bytes are more than the {memory_limit()} that a program may take (--max-memory)")


def whole(stream: BinaryIO) -> bytes:
    """All bytes of a stream that does not say how many they are. Raises FileTrouble when they do not fit."""
    pieces: list[bytes] = []
    count = 0
    while piece := stream.read(CHUNK):
        pieces.append(piece)
        count += len(piece)
        afford(count)
    return b"".join(pieces)


def read_npy(stream: BinaryIO, path: str | None) -> dict[str, Tensor]:
    """The tensor of a .npy file, under the empty name; a large file with a path is mapped.

    Raises FileTrouble, and ValueError for what is no such file.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    header = _Header(stream)
    count = header.within(size - stream.tell())
    if path is not None and size >= MAPPED and header.dtype.isnative:
        return {"": as_tensor(_mapped(header, stream))}
    afford(count)
    return {"": as_tensor(header.filled(stream))}


def read_npz(stream: BinaryIO, path: str | None) -> dict[str, Tensor]:
    """The tensors of a .npz file by their names. No member gives more bytes than its own header and the archive say, and together
    they fit.

    Raises FileTrouble, and what zipfile raises for what is no such file.
    """
    found: dict[str, Tensor] = {}
    taken = 0
    try:
        with zipfile.ZipFile(stream) as archive:
            for entry in archive.infolist():
                name = entry.filename.removesuffix(".npy")
                if name == entry.filename:
                    raise FileTrouble(f"{safe_line(name)} in it is no .npy file")
                if name in found:
                    raise FileTrouble(f"{safe_line(name)} is in it twice")
                if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise FileTrouble(f"{safe_line(name)} is compressed in a way that NumPy does not use")
                with archive.open(entry) as file:
                    header = _Header(file)
                    taken += header.within(entry.file_size - file.tell())
                    afford(taken)
                    found[name] = as_tensor(header.filled(file))
    except zlib.error as error:
        raise FileTrouble(safe_line(str(error))) from None
    if not found:
        raise FileTrouble("it holds no arrays")
    return found


class _Header:
    """What an array in NumPy's format says of itself; the stream stands behind it then."""

    def __init__(self, stream: Any) -> None:
        """Raises FileTrouble for what is no header, and for elements that are no numbers."""
        from ..engine.backend import NUMPY, np
        from ..engine.dtypes import bfloat16

        form = np.lib.format
        bounded = _Bounded(stream, HEADER)
        try:
            version = form.read_magic(bounded)
            if version not in ((1, 0), (2, 0)):  # (3, 0) is for names of fields, which tensors do not have
                raise FileTrouble(f"version {version[0]}.{version[1]} of NumPy's format, which is not for numbers")
            read = form.read_array_header_1_0 if version == (1, 0) else form.read_array_header_2_0
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that the file comes from an old Python
                self.shape, self.by_columns, self.dtype = read(bounded, HEADER)
        except _DAMAGED_HEADER as error:
            said = (str(error) or type(error).__name__).split("\n", 1)[0]
            raise FileTrouble(safe_line(_ADDRESS.sub("", said))) from None
        if self.dtype == np.dtype("V2"):  # NumPy has no name for bfloat16; ml_dtypes, and JAX with it, write it so
            self.dtype = NUMPY[bfloat16]
        if self.dtype.hasobject:
            raise FileTrouble("it holds Python objects, which are not read")
        checked(self.dtype)
        if any(size < 0 for size in self.shape):
            raise FileTrouble(f"the shape {self.shape} has a negative size")

    def within(self, left: int) -> int:
        """The bytes of the elements. Raises FileTrouble when fewer are left in the file."""
        count: int = prod(self.shape) * self.dtype.itemsize
        if count > left:
            raise FileTrouble(f"expected {count} bytes got {max(left, 0)}")
        return count

    def filled(self, stream: Any) -> Any:
        """The array, read from the stream. Raises FileTrouble when that ends too soon."""
        from ..engine.backend import np

        array = np.empty(prod(self.shape), self.dtype)
        data: Any = array.view(np.uint8)
        at = 0
        while at < data.size:
            read = stream.readinto(memoryview(data[at : at + CHUNK]))
            if not read:
                raise FileTrouble(f"expected {data.size} bytes got {at}")
            at += read
        return self.shaped(array)

    def shaped(self, array: Any) -> Any:
        """The elements in the array's shape."""
        return array.reshape(self.shape[::-1]).T if self.by_columns else array.reshape(self.shape)


class _Bounded:
    """A stream that refuses to give more than `left` bytes."""

    def __init__(self, stream: Any, left: int) -> None:
        self._stream, self._left = stream, left

    def read(self, count: int = HEADER + 1, /) -> bytes:
        """The next bytes. Raises FileTrouble for more than are allowed."""
        self._left -= count
        if self._left < 0:
            raise FileTrouble("its header is too long")
        found: bytes = self._stream.read(count)
        return found


def _mapped(header: _Header, file: BinaryIO) -> Any:
    """The elements of a file where they are: read when they are used, and copied where a program writes them.

    What could not be copied as a whole cannot be written at all.
    """
    from ..engine.backend import np

    count, offset = prod(header.shape), file.tell()
    if not count:
        return np.empty(header.shape, header.dtype)
    if fits(count * header.dtype.itemsize):
        try:
            return header.shaped(np.asarray(np.memmap(file, header.dtype, "c", offset, count)))
        except OSError as error:  # other files have used up what may be copied
            if error.errno != errno.ENOMEM:
                raise
    return header.shaped(np.asarray(np.memmap(file, header.dtype, "r", offset, count)))


def checked(array_dtype: Any) -> Any:
    """The element type in this machine's byte order. Raises FileTrouble for one that tcalc does not have."""
    from ..engine.backend import dtype_of

    native = array_dtype.newbyteorder("=")
    try:
        dtype_of(native)
    except TypeError:
        raise FileTrouble(f"elements of type {safe_line(str(array_dtype))}, which tcalc does not have") from None
    return native


def as_tensor(array: Any) -> Tensor:
    """A tensor on an array, or on a copy of it in C order and this machine's byte order.

    Raises FileTrouble for element types that tcalc does not have, for bools that are none, and for a copy that does not fit.
    """
    from ..engine.backend import np
    from ..engine.data import from_numpy

    native = checked(array.dtype)
    if native.kind == "b" and array.size and array.view(np.uint8).max() > 1:
        raise FileTrouble("true and false are 1 and 0, and there is another number in it")
    if not (array.flags.c_contiguous and array.dtype.isnative):
        afford(array.nbytes)
    return from_numpy(np.ascontiguousarray(array, native).reshape(array.shape))
