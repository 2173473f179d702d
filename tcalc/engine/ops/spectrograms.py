"""Short-time Fourier transforms: stft and istft, made of torch.fft's transforms on overlapping frames."""

from __future__ import annotations

from ..dtypes import FLOAT
from ..errors import TensorError
from ..families.structural import composite
from ..notices import notice
from .fourier import BY_COUNT, BY_ROOT, UNSCALED


def _flag(value):
    return "None" if value is None else str(int(value))


def _window_text(window):
    return "None" if window is None else f"{window.spec.type_name}{{{list(window.shape)}}}"


def _refuse_unless(good, call, text):
    if not good:
        raise TensorError(call + text)


def _to_frames(F, window, short, n_fft, like):
    """The window in the middle of a frame, zeros around it; ones where none is given. None where it changes nothing."""
    if window is None and short == n_fft:
        return None
    given = F.ones((short,), dtype=like.dtype.to_real(), device=like.device) if window is None else window
    left = (n_fft - short) // 2
    return given if short == n_fft else F.constant_pad_nd(given, (left, n_fft - short - left), 0)


@composite()
def stft(
    F, self, n_fft: Int, hop_length: Int | None = None, win_length: Int | None = None, window: Tensor | None = None, center: Bool = True, pad_mode: Str = "reflect",
    normalized: Bool = False, onesided: Bool | None = None, return_complex: Bool | None = None, align_to_window: Bool | None = None,
):  # fmt: skip
    """The Fourier transform of overlapping frames of a signal: `n_fft` samples each, `hop_length` (n_fft // 4) apart, weighed by `window`.

    With `center` the signal is padded so that frame t lies around sample t * hop_length. Raises RuntimeError for sizes that do not fit,
    and unless `return_complex` is given for a real signal; False gives pairs of real and imaginary parts.

    Shapes: (n) or (b, n)  ->  (n_fft // 2 + 1, frames) or (b, n_fft // 2 + 1, frames); onesided=False: n_fft frequencies
    Grad: through the ops it is made of
    See: istft, fft.rfft, hann_window

    >>> stft(ones(8), 4, window=ones(4), return_complex=True).shape
    torch.Size([3, 9])
    """
    if center:
        if align_to_window is not None:
            raise TensorError("stft align_to_window should only be set when center = false")
        lead = (1,) * (3 - len(self.shape))
        around = n_fft // 2
        padded = F.pad(F.view(self, (*lead, *self.shape)), (around, around), pad_mode)
        self = F.view(padded, tuple(padded.shape[len(lead) :]))
    hop = n_fft // 4 if hop_length is None else hop_length
    short = n_fft if win_length is None else win_length
    whole = self.dtype.is_complex or (window is not None and window.dtype.is_complex)
    if return_complex is None and not whole:
        raise TensorError(
            "stft requires the return_complex parameter be given for real inputs, and will further require that return_complex=True in a future"
            " PyTorch release."
        )
    call = (
        f"stft({self.spec.type_name}{list(self.shape)}, n_fft={n_fft}, hop_length={hop}, win_length={short}, window={_window_text(window)},"
        f" normalized={_flag(normalized)}, onesided={_flag(onesided)}, return_complex={_flag(return_complex)}, align_to_window={_flag(align_to_window)}) : expected "
    )
    _refuse_unless(self.dtype.category >= FLOAT, call, "a tensor of floating point or complex values")
    _refuse_unless(len(self.shape) in (1, 2), call, "a 1D or 2D tensor")
    lone = len(self.shape) == 1
    signals = F.unsqueeze(self, 0) if lone else self
    length = signals.shape[1]
    _refuse_unless(0 < n_fft <= length, call, f"0 < n_fft < {length}, but got n_fft={n_fft}")
    _refuse_unless(hop > 0, call, f"hop_length > 0, but got hop_length={hop}")
    _refuse_unless(0 < short <= n_fft, call, f"0 < win_length <= n_fft, but got win_length={short}")
    if window is not None:
        fits = tuple(window.shape) == (short,)
        _refuse_unless(fits, call, f"a 1D window tensor of size equal to win_length={short}, but got window with size {list(window.shape)}")
    if align_to_window:
        left = (n_fft - short) // 2
        signals = F.constant_pad_nd(signals, (left, n_fft - short - left), 0)
        length = signals.shape[1]
    steps = signals.stride()
    frames = F.as_strided(signals, (signals.shape[0], 1 + (length - n_fft) // hop, n_fft), (steps[0], hop * steps[1], steps[1]))
    weights = _to_frames(F, window, short, n_fft, signals)
    frames = frames if weights is None else F.mul(frames, weights)
    if onesided and frames.dtype.is_complex:
        raise TensorError("Cannot have onesided output if window or input is complex")
    scale = BY_ROOT if normalized else UNSCALED
    if frames.dtype.is_complex:
        found = F.fft_c2c(frames, (2,), scale, True)
    else:
        found = F.fft_r2c(frames, (2,), scale, onesided is None or onesided)
    found.transpose_(1, 2)
    if lone:
        found.squeeze_(0)
    return found if return_complex or return_complex is None else F.view_as_real(found)


@composite()
def istft(
    F, self, n_fft: Int, hop_length: Int | None = None, win_length: Int | None = None, window: Tensor | None = None, center: Bool = True,
    normalized: Bool = False, onesided: Bool | None = None, length: Int | None = None, return_complex: Bool = False,
):  # fmt: skip
    """The signal with the least squares of stft(signal) - input: the frames transformed back, weighed, added where they overlap, and divided
    by the sum of the squared windows there.

    Raises RuntimeError for sizes that do not fit, and where the windows leave a sample out.

    Shapes: (f, frames) or (b, f, frames)  ->  (n) or (b, n)
    Grad: through the ops it is made of
    See: stft, fft.irfft

    >>> x = arange(8.)
    >>> w = ones(4)
    >>> allclose(istft(stft(x, 4, window=w, return_complex=True), 4, window=w), x)
    True
    """
    if not self.dtype.is_complex:
        raise TensorError("istft requires a complex-valued input tensor matching the output from stft with return_complex=True.")
    hop = n_fft // 4 if hop_length is None else hop_length
    short = n_fft if win_length is None else win_length
    call = (
        f"istft({self.spec.device.type.upper()}{self.dtype.kernel_name}Type{list(self.shape)}, n_fft={n_fft}, hop_length={hop}, win_length={short}, window={_window_text(window)},"
        f" center={_flag(center)}, normalized={_flag(normalized)}, onesided={_flag(onesided)}, length={length}, return_complex={_flag(return_complex)})"
    )
    _refuse_unless(self.numel() > 0, call, " : input tensor cannot be empty.")
    _refuse_unless(len(self.shape) in (2, 3), call, f" : expected a tensor with 2 or 3 dimensions, but got {len(self.shape)}")
    count, frames = self.shape[-2:]
    half = count != n_fft if onesided is None else onesided
    wanted, rule = (n_fft // 2 + 1, "n_fft / 2 + 1 when onesided=True") if half else (n_fft, "n_fft when onesided=False")
    _refuse_unless(count == wanted, call, f" : expected the frequency dimension (3rd to the last) of the input tensor to match {rule}, but got {count}")
    _refuse_unless(0 < hop <= short, call, " : expected 0 < hop_length <= win_length")
    _refuse_unless(0 < short <= n_fft, call, " : expected 0 < win_length <= n_fft")
    fits = window is None or tuple(window.shape) == (short,)
    _refuse_unless(fits, call, " : Invalid window shape. window has to be 1D and length of `win_length`")
    if return_complex:
        if half:
            raise TensorError("Cannot have onesided output if window or input is complex")
    elif window is not None and window.dtype.is_complex:
        raise TensorError("Complex windows are incompatible with return_complex=False")
    lone = len(self.shape) == 2
    pairs = F.view_as_real(F.resolve_conj(self))
    spectra = F.view_as_complex(F.transpose(F.unsqueeze(pairs, 0) if lone else pairs, 1, 2))
    scale = BY_ROOT if normalized else BY_COUNT
    if return_complex:
        pieces = F.fft_c2c(spectra, (2,), scale, False)
    else:
        pieces = F.fft_c2r(spectra if half else F.slice(spectra, -1, 0, n_fft // 2 + 1, 1), (2,), scale, n_fft)
    weights = _to_frames(F, window, short, n_fft, self)
    if weights is None:
        weights = F.ones((n_fft,), dtype=self.dtype.to_real(), device=self.device)
    total = n_fft + hop * (frames - 1)
    added = F.unfold_backward(F.mul(pieces, F.view(weights, (1, 1, n_fft))), (spectra.shape[0], total), 1, n_fft, hop)
    squares = F.expand(F.unsqueeze(F.square(weights), 0), (1, frames, n_fft))
    envelope = F.unfold_backward(squares, (1, total), 1, n_fft, hop)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else total - start
    added, envelope = F.slice(added, 1, start, min(end, total), 1), F.slice(envelope, 1, start, min(end, total), 1)
    if envelope.a is not None:
        gap = F.min(F.abs(envelope)).item() < 1e-11
        _refuse_unless(not gap, call, f" window overlap add min: 1\n[ {self.spec.device.type.upper()}BoolType{{}} ]")
    found = F.div(added, envelope)
    found = F.squeeze_dim(found, 0) if lone else found
    if end <= total:
        return found
    notice(
        "istft-length",
        "The length of signal is shorter than the length parameter. Result is being padded with zeros in the tail. Please check your center and"
        " hop_length settings.",
    )
    return F.constant_pad_nd(found, (0, end - total), 0)
