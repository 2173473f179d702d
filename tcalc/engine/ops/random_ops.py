"""Random tensors from torch's own streams: creation ops, *_like forms, in-place fills and sampling from given odds."""

from __future__ import annotations

from .. import dtypes, random
from ..backend import CPU, device, dtype_of, np
from ..errors import TensorError, TensorNotImplemented, TensorValueError
from ..families.common import no_kernel, not_implemented, refuses
from ..families.creation import creation, filled
from ..families.mutation import mutation
from ..families.structural import structural
from ..layout import broadcast_shapes
from ..registry import never
from ..spec import Spec, spec_of
from .linalg import check_expandable

_BOUNDS = "check_random_bounds handles only integral, floating-point and boolean types"


def _pour(spec, generator, sample):
    """An array laid out as `spec`, `sample(samplers, source)` poured in the order torch fills it."""
    samplers, source = random.drawing(generator, spec.device)
    return filled(spec, lambda a: random.put(sample(samplers, source), a))


def _drawing(xp, generator, array):
    """`random.drawing` for the device of a raw array."""
    return random.drawing(generator, CPU if xp is np else device("cuda", array.device.id))


def _normal_kernel(spec):
    return "normal_kernel_cuda" if spec.device.type == "cuda" else "normal_kernel_cpu"


def _floats(name, d):
    if d.category < dtypes.FLOAT:
        raise not_implemented(name, d)


@creation(plan=lambda size, generator: (size, None), out=True)
def rand(xp, spec, size: Size, *, generator: Generator | None = None):
    """Uniform numbers in [0, 1).

    See: randn, randint, rand_like, manual_seed

    >>> g = manual_seed(0); rand(3)
    tensor([0.4963, 0.7682, 0.0885])
    """
    _floats("check_uniform_bounds", spec.dtype)
    return _pour(spec, generator, lambda samplers, source: samplers.uniform(source, spec.numel, spec.dtype))


@creation(plan=lambda size, generator: (size, None), out=True)
def randn(xp, spec, size: Size, *, generator: Generator | None = None):
    """Normal numbers, mean 0, standard deviation 1.

    See: rand, normal, randn_like, manual_seed

    >>> g = manual_seed(0); randn(3)
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    _floats(_normal_kernel(spec), spec.dtype)
    return _pour(spec, generator, lambda samplers, source: samplers.normal(source, spec.numel, spec.dtype, contiguous=spec.contiguous))


def _plan_randint(low, high, size):
    if low >= high:
        raise TensorError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    return size, dtypes.int64


@creation(plan=lambda high, size, generator: _plan_randint(0, high, size), out=True)
def randint(xp, spec, high: Int, size: Size, *, generator: Generator | None = None):
    """Whole numbers, each of 0 ... high - 1 as likely.

    See: rand, randperm, manual_seed

    >>> g = manual_seed(0); randint(10, (3,))
    tensor([4, 9, 3])
    """
    return _pour(spec, generator, lambda samplers, source: samplers.randint(source, spec.numel, 0, high, spec.dtype))


@creation(public="randint", plan=lambda low, high, size, generator: _plan_randint(low, high, size), out=True)
def randint_from(xp, spec, low: Int, high: Int, size: Size, *, generator: Generator | None = None):
    """Whole numbers, each of low ... high - 1 as likely.

    >>> g = manual_seed(0); randint(5, 10, (3,))
    tensor([9, 9, 8])
    """
    return _pour(spec, generator, lambda samplers, source: samplers.randint(source, spec.numel, low, high, spec.dtype))


@creation(plan=lambda n, generator: ((n,), dtypes.int64), out=True)
def randperm(xp, spec, n: Int, *, generator: Generator | None = None):
    """0 ... n - 1 in random order.

    Shapes: (n)

    See: randint, multinomial, manual_seed

    >>> g = manual_seed(0); randperm(4)
    tensor([0, 1, 3, 2])
    """
    samplers, source = random.drawing(generator, spec.device)
    return samplers.randperm(source, n, spec.dtype)


@creation(plan=lambda source: (source.shape, source.dtype), like="like")
def rand_like(xp, spec, self):
    """Uniform numbers in [0, 1), with the shape, dtype, device and strides of `self`.

    >>> g = manual_seed(0); rand_like(ones(3))
    tensor([0.4963, 0.7682, 0.0885])
    """
    _floats("check_uniform_bounds", spec.dtype)
    return _pour(spec, None, lambda samplers, source: samplers.uniform(source, spec.numel, spec.dtype))


@creation(plan=lambda source: (source.shape, source.dtype), like="like")
def randn_like(xp, spec, self):
    """Normal numbers, with the shape, dtype, device and strides of `self`.

    >>> g = manual_seed(0); randn_like(ones(3))
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    _floats(_normal_kernel(spec), spec.dtype)
    return _pour(spec, None, lambda samplers, source: samplers.normal(source, spec.numel, spec.dtype, contiguous=spec.contiguous))


@creation(plan=lambda source, high: (source.shape, source.dtype), like="like")
def randint_like(xp, spec, self, high: Int):
    """Whole numbers below `high`, with the shape, dtype, device and strides of `self`.

    >>> g = manual_seed(0); randint_like(ones(3), 10)
    tensor([4., 9., 3.])
    """
    _plan_randint(0, high, ())
    return _pour(spec, None, lambda samplers, source: samplers.randint(source, spec.numel, 0, high, spec.dtype))


@creation(public="randint_like", plan=lambda source, low, high: (source.shape, source.dtype), like="like")
def randint_like_from(xp, spec, self, low: Int, high: Int):
    """Whole numbers from `low` and below `high`, with the shape, dtype, device and strides of `self`.

    >>> g = manual_seed(0); randint_like(ones(3), 5, 10)
    tensor([9., 9., 8.])
    """
    _plan_randint(low, high, ())
    return _pour(spec, None, lambda samplers, source: samplers.randint(source, spec.numel, low, high, spec.dtype))


# --- normal with its parameters given ---------------------------------------------------------------------------------


def _std_ok(std):
    if std < 0:
        raise TensorError(f"normal expects std >= 0.0, but found std {std:g}")


@creation(plan=lambda mean, std, size, generator: (size, None), out=True)
def normal(xp, spec, mean: Float, std: Float, size: Size, *, generator: Generator | None = None):
    """Normal numbers of a mean and a standard deviation.

    Shapes: size, or those of mean and std

    >>> g = manual_seed(0); normal(0., 1., (3,))
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    _std_ok(std)
    return _pour(spec, generator, lambda samplers, source: samplers.normal(source, spec.numel, spec.dtype, mean, std, spec.contiguous))


def _plan_normal(mean, std, generator):
    """Row-major, in the dtype of the first tensor among the two."""
    shaped = [given for given in (mean, std) if isinstance(given, Spec)]
    if isinstance(std, Spec) and std.dtype.is_complex:
        raise TensorError("normal expects standard deviation to be non-complex")
    _floats(_normal_kernel(shaped[0]), shaped[0].dtype)
    return spec_of(shaped[0].dtype, shaped[0].device, broadcast_shapes(*[tuple(spec.shape) for spec in shaped]))


def _normals(xp, like, shape, std, generator):
    """An array of normal numbers around 0, of the dtype and device of another."""
    spec = spec_of(_dtype_of(like), CPU if xp is np else device("cuda", like.device.id), shape)
    return _pour(spec, generator, lambda samplers, source: samplers.normal(source, spec.numel, spec.dtype, 0.0, std, True))


def _spread(xp, like, shape, std, generator):
    """The same with a standard deviation for each."""
    if (std < 0).any():
        raise TensorError("normal expects all elements of std >= 0.0")
    found = _normals(xp, like, shape, 1.0, generator)
    found *= std
    return found


@structural(public="normal", overload=3, plan=_plan_normal, mean=lambda mean_spec, F: F.zeros_of(mean_spec), std=lambda std_spec, F: F.zeros_of(std_spec), method=False)
def normal_tensors(xp, mean, std, *, generator: Generator | None = None):
    """Normal numbers, each of its own mean and standard deviation.

    >>> g = manual_seed(0); normal(zeros(3), ones(3))
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    found = _spread(xp, mean, xp.broadcast_shapes(mean.shape, std.shape), std, generator)
    found += mean
    return found


@structural(public="normal", overload=1, plan=_plan_normal, mean=lambda mean_spec, F: F.zeros_of(mean_spec), method=False)
def normal_mean(xp, mean, std: Float = 1.0, *, generator: Generator | None = None):
    """Normal numbers, each of its own mean.

    >>> g = manual_seed(0); normal(zeros(3))
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    _std_ok(std)
    found = _normals(xp, mean, mean.shape, std, generator)
    found += mean
    return found


@structural(public="normal", overload=2, plan=_plan_normal, std=lambda std_spec, F: F.zeros_of(std_spec), method=False)
def normal_std(xp, mean: Float, std, *, generator: Generator | None = None):
    """Normal numbers, each of its own standard deviation.

    >>> g = manual_seed(0); normal(0., ones(3))
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    found = _spread(xp, std, std.shape, std, generator)
    found += mean
    return found


# --- from given odds --------------------------------------------------------------------------------------------------


@structural(
    plan=lambda self, generator: spec_of(self.dtype, self.device, self.shape), self=lambda grad: grad * 0, real_only=no_kernel("bernoulli_tensor_cpu_self_")
)
def bernoulli(xp, self, *, generator: Generator | None = None):
    """1 with the probability each element gives, else 0.

    Shapes: any; kept

    See: rand, nn.functional.dropout, multinomial

    >>> g = manual_seed(0); bernoulli(tensor([0.9, 0.1]))
    tensor([1., 0.])
    """
    d = _dtype_of(self)
    if d.category < dtypes.FLOAT:
        raise TensorNotImplemented(f"\"bernoulli_tensor_cpu_p_\" not implemented for '{d.kernel_name}'")
    samplers, source = _drawing(xp, generator, self)
    return samplers.bernoulli_tensor(source, self.reshape(-1), d).reshape(self.shape)


def _dtype_of(array):
    return dtype_of(array.dtype)


def _plan_multinomial(self, num_samples, replacement, generator):
    if self.ndim not in (1, 2):
        raise TensorError("prob_dist must be 1 or 2 dim")
    return spec_of(dtypes.int64, self.device, (*self.shape[:-1], num_samples))


@structural(plan=_plan_multinomial)
def multinomial(xp, self, num_samples: Int, replacement: Bool = False, *, generator: Generator | None = None):
    """Places drawn by the weights of each row, with or without putting back.

    Shapes: (n), k  ->  (k); (m, n), k  ->  (m, k)
    Grad: none: the result is int64

    See: randint, bernoulli, softmax

    >>> g = manual_seed(0); multinomial(tensor([0., 1., 1.]), 2)
    tensor([2, 1])
    """
    samplers, source = _drawing(xp, generator, self)
    return samplers.multinomial(source, self, num_samples, replacement)


_BY_TRIAL = "its numbers are drawn one by one, by trial and rejection"


@structural(
    plan=lambda self, generator: spec_of(self.dtype, self.device, self.shape), method=False, self=lambda grad: grad * 0, host=_BY_TRIAL, host_when=never
)
def poisson(xp, self, generator: Generator | None = None):
    """Counts of events that happen at the rate each element gives.

    Shapes: any; kept

    >>> g = manual_seed(0); poisson(tensor([4., 4.])).shape
    torch.Size([2])
    """
    samplers, source = _drawing(xp, generator, self)
    return samplers.poisson(source, self).reshape(self.shape)


def _plan_binomial(self, prob, generator):
    if self.dtype.category != dtypes.FLOAT:
        raise TensorValueError(f"binomial only supports floating-point dtypes for count, got: {self.dtype.kernel_name}")
    if prob.dtype is not self.dtype:
        raise TensorError(f"Found dtype {prob.dtype.kernel_name} but expected {self.dtype.kernel_name}")
    return spec_of(self.dtype, self.device, broadcast_shapes(tuple(self.shape), tuple(prob.shape)))


@structural(plan=_plan_binomial, method=False, out=False, host=_BY_TRIAL, host_when=never)
def binomial(xp, self, prob, generator: Generator | None = None):
    """How many of so many tries succeed, each with the probability `prob`.

    Shapes: (a, 1), (b)  ->  (a, b)
    Grad: none
    See: bernoulli, poisson

    >>> g = manual_seed(0); binomial(tensor([10., 10.]), tensor([0., 1.]))
    tensor([ 0., 10.])
    """
    count, odds = xp.broadcast_arrays(self, prob)
    samplers, source = _drawing(xp, generator, count)
    return samplers.binomial(source, count, odds).reshape(count.shape)


# --- filling ----------------------------------------------------------------------------------------------------------


def _pour_into(xp, array, generator, sample):
    samplers, source = _drawing(xp, generator, array)
    random.put(sample(samplers, source), array)


@mutation(public="uniform_", self=lambda grad: grad * 0)
def uniform_(xp, self, low: Float = 0.0, high: Float = 1.0, *, generator: Generator | None = None):
    """Filled with uniform numbers in [low, high).

    >>> g = manual_seed(0); zeros(3).uniform_()
    tensor([0.4963, 0.7682, 0.0885])
    """
    _pour_into(xp, self, generator, lambda samplers, source: samplers.uniform(source, self.size, _dtype_of(self), low, high))


@mutation(public="normal_", self=lambda grad: grad * 0)
def fill_normal(xp, self, mean: Float = 0.0, std: Float = 1.0, *, generator: Generator | None = None):
    """Filled with normal numbers.

    >>> g = manual_seed(0); zeros(3).normal_()
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    _std_ok(std)
    _pour_into(xp, self, generator, lambda samplers, source: samplers.normal(source, self.size, _dtype_of(self), mean, std, bool(self.flags.c_contiguous)))


@mutation(public="random_", overload=2, self=lambda grad: grad * 0, real_only=no_kernel("random_kernel_cpu"))
def random_(xp, self, *, generator: Generator | None = None):
    """Filled with whole numbers, any that the dtype counts to exactly.

    >>> g = manual_seed(0); zeros(2, dtype=uint8).random_()
    tensor([172,  47], dtype=torch.uint8)
    """
    _pour_into(xp, self, generator, lambda samplers, source: samplers.random_(source, self.size, _dtype_of(self)))


@mutation(public="random_", overload=0, self=lambda grad: grad * 0, real_only=refuses(_BOUNDS))
def random_from(xp, self, low: Int, to: Int | None, *, generator: Generator | None = None):
    """Filled with whole numbers from `low` and below `to`; with None up to the largest that the dtype counts to.

    >>> g = manual_seed(0); zeros(3).random_(5, 10)
    tensor([9., 9., 8.])
    """
    _pour_into(xp, self, generator, lambda samplers, source: samplers.random_(source, self.size, _dtype_of(self), low, to))


@mutation(public="random_", overload=1, self=lambda grad: grad * 0, real_only=refuses(_BOUNDS))
def random_to(xp, self, to: Int, *, generator: Generator | None = None):
    """Filled with whole numbers below `to`.

    >>> g = manual_seed(0); zeros(3).random_(10)
    tensor([4., 9., 3.])
    """
    _pour_into(xp, self, generator, lambda samplers, source: samplers.random_(source, self.size, _dtype_of(self), 0, to))


@mutation(public="bernoulli_", self=lambda grad: grad * 0, real_only=no_kernel("bernoulli_scalar_cpu_"))
def fill_bernoulli(xp, self, p: Float = 0.5, *, generator: Generator | None = None):
    """Filled with 1 with probability `p`, else 0.

    >>> g = manual_seed(0); zeros(3).bernoulli_()
    tensor([0., 0., 1.])
    """
    _pour_into(xp, self, generator, lambda samplers, source: samplers.bernoulli(source, self.size, _dtype_of(self), p))


def _check_odds_of(self, p, generator):
    if p.spec.dtype.category < dtypes.FLOAT or p.spec.dtype.is_complex:
        raise not_implemented("bernoulli_tensor_cpu_p_", p.spec.dtype)
    check_expandable(p.spec, self.spec.shape)


@mutation(
    public="bernoulli_", overload=1, check=_check_odds_of, self=lambda self_spec, F: F.zeros_of(self_spec), p=lambda p_spec, F: F.zeros_of(p_spec),
    real_only=no_kernel("bernoulli_tensor_cpu_p_"),
)
def fill_bernoulli_tensor(xp, self, p, *, generator: Generator | None = None):
    """Filled with 1 with a probability of its own each, else 0.

    >>> g = manual_seed(0); zeros(3).bernoulli_(tensor([0., 1., 1.]))
    tensor([0., 1., 1.])
    """
    odds = xp.broadcast_to(p, self.shape).reshape(-1)
    _pour_into(xp, self, generator, lambda samplers, source: samplers.bernoulli_tensor(source, odds, _dtype_of(self)))


@mutation(public="exponential_", self=lambda grad: grad * 0)
def exponential_(xp, self, lambd: Float = 1.0, *, generator: Generator | None = None):
    """Filled with waiting times of rate `lambd`.

    >>> g = manual_seed(0); zeros(2).exponential_().shape
    torch.Size([2])
    """
    _pour_into(xp, self, generator, lambda samplers, source: samplers.exponential(source, self.size, _dtype_of(self), lambd))


@mutation(public="geometric_", self=lambda grad: grad * 0, real_only=no_kernel("geometric_cpu"))
def geometric_(xp, self, p: Float, *, generator: Generator | None = None):
    """Filled with the number of tries until one of probability `p` succeeds.

    >>> g = manual_seed(0); zeros(2).geometric_(0.5).shape
    torch.Size([2])
    """
    _pour_into(xp, self, generator, lambda samplers, source: samplers.geometric(source, self.size, _dtype_of(self), p))


@mutation(public="cauchy_", self=lambda grad: grad * 0)
def cauchy_(xp, self, median: Float = 0.0, sigma: Float = 1.0, *, generator: Generator | None = None):
    """Filled with Cauchy numbers.

    >>> g = manual_seed(0); zeros(2).cauchy_().shape
    torch.Size([2])
    """
    _pour_into(xp, self, generator, lambda samplers, source: samplers.cauchy(source, self.size, _dtype_of(self), median, sigma))


@mutation(public="log_normal_", self=lambda grad: grad * 0)
def log_normal_(xp, self, mean: Float = 1.0, std: Float = 2.0, *, generator: Generator | None = None):
    """Filled with numbers whose logarithm is normal.

    >>> g = manual_seed(0); zeros(2).log_normal_().shape
    torch.Size([2])
    """
    _pour_into(xp, self, generator, lambda samplers, source: samplers.log_normal(source, self.size, _dtype_of(self), mean, std))
