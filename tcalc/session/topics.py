"""Words and notes that `?` explains: a text and an example for each."""

from __future__ import annotations

from typing import NamedTuple


class Topic(NamedTuple):
    """A word or, with `note`, the id of a note. `example` is a session: `>>>` before what is typed, then what it prints.

    `also` are other words for the same.
    """

    name: str
    text: str
    example: str
    see: tuple[str, ...]
    also: tuple[str, ...] = ()
    note: bool = False


_ALL = (
    Topic(
        "autograd",
        "Every operation on a tensor that requires grad leaves a node that knows how to pass a gradient back. backward() walks "
        "these nodes from the result to the leaves, newest first, and adds what arrives at each leaf to its .grad.",
        """>>> w = tensor([1., 2.], requires_grad=True)
>>> loss = (w * w).sum()
>>> loss.backward()
>>> w.grad
tensor([2., 4.])""",
        ("leaf", "grad_fn", "backward", "no_grad", ":graph", ":trace"),
        also=("autodiff", "backprop"),
    ),
    Topic(
        "leaf",
        "A tensor that was not computed from tensors that require grad: one you made, or one with requires_grad False. "
        "backward() fills .grad of leaves that require grad and of no other tensor; retain_grad() asks for more. Parameters are "
        "leaves, results are not.",
        """>>> w = ones(2, requires_grad=True)
>>> h = w * 2
>>> w.is_leaf, h.is_leaf
(True, False)""",
        ("grad_fn", "requires_grad", "retain_grad", "detach", "non-leaf-grad"),
        also=("leaves", "is_leaf"),
    ),
    Topic(
        "grad_fn",
        "The node of the graph that made a tensor, named after its operation: MulBackward0 made a product. None for a leaf. Its "
        "next_functions are the nodes it hands gradients on to.",
        """>>> w = ones(2, requires_grad=True)
>>> (w * 2).grad_fn.name()
'MulBackward0'
>>> (w * 2).grad_fn.next_functions[0][0].name()
'torch::autograd::AccumulateGrad'""",
        ("leaf", "autograd", "saved", ":graph"),
        also=("node", "graph"),
    ),
    Topic(
        "saved",
        "What an operation keeps for its backward: exp keeps its result, mul both factors, add nothing. Kept values must not be "
        "overwritten in place before backward; after backward they are freed, which is why a second one needs "
        "retain_graph=True.",
        """>>> w = ones(2, requires_grad=True)
>>> y = w.exp()
>>> y.sum().backward(retain_graph=True)
>>> y.sum().backward()
>>> w.grad
tensor([5.4366, 5.4366])""",
        ("version", "in-place", "grad_fn", ":graph"),
        also=("retain_graph",),
    ),
    Topic(
        "requires_grad",
        "Whether operations on a tensor are recorded. You set it on leaves of a floating-point dtype; a result has it when any "
        "of its inputs has it and grad mode is on.",
        """>>> w = ones(2, requires_grad=True)
>>> x = ones(2)
>>> (w + x).requires_grad, (x + x).requires_grad
(True, False)""",
        ("leaf", "no_grad", "requires_grad_", "detach"),
    ),
    Topic(
        "retain_grad",
        "backward() passes through results without keeping what it finds there, to save memory. retain_grad(), called before "
        "backward(), keeps the gradient of one result in its .grad.",
        """>>> w = ones(2, requires_grad=True)
>>> h = w * 2
>>> h.retain_grad()
>>> (h * h).sum().backward()
>>> h.grad
tensor([4., 4.])""",
        ("leaf", "grad", "non-leaf-grad", "register_hook"),
    ),
    Topic(
        "grad",
        "The gradient that backward() has added up at a leaf, of the leaf's own shape and dtype. It is None before the first "
        "backward and is never emptied for you: set it to None or call zero_() before the next step.",
        """>>> w = ones(2, requires_grad=True)
>>> w.grad
>>> (w * 3).sum().backward()
>>> (w * 3).sum().backward()
>>> w.grad
tensor([6., 6.])""",
        ("backward", "leaf", "grad-accumulated", "optim.SGD"),
        also=("gradient",),
    ),
    Topic(
        "no_grad",
        "Inside `with no_grad():` nothing is recorded: results do not require grad and leaves may be written in place. That is "
        "how a training step updates its parameters.",
        """>>> w = ones(2, requires_grad=True)
>>> with no_grad(): w -= 0.1
>>> w
tensor([0.9000, 0.9000], requires_grad=True)""",
        ("inference_mode", "detach", "requires_grad", "in-place"),
    ),
    Topic(
        "detach",
        "x.detach() is a tensor on the same memory that autograd knows nothing of: no gradient flows back through it, yet "
        "writing it writes x.",
        """>>> w = ones(2, requires_grad=True)
>>> d = w.detach()
>>> d[0] = 5
>>> w, d.requires_grad
(tensor([5., 1.], requires_grad=True), False)""",
        ("no_grad", "clone", "storage", "data"),
    ),
    Topic(
        "hook",
        "A function that autograd calls on its way: register_hook on a tensor sees its gradient and may replace it; on a node "
        "it sees what goes in and comes out.",
        """>>> w = ones(2, requires_grad=True)
>>> handle = w.register_hook(lambda grad: grad * 10)
>>> w.sum().backward()
>>> w.grad
tensor([10., 10.])
>>> handle.remove()""",
        ("register_hook", "register_post_accumulate_grad_hook", "grad"),
        also=("hooks",),
    ),
    Topic(
        "storage",
        "The memory behind a tensor: one row of slots. A tensor is a way to look at it: offset, shape and stride say which slot "
        "belongs to which index. Several tensors can look at one storage, and a write through one is seen by all.",
        """>>> x = arange(6).view(2, 3)
>>> y = x.T
>>> y[0, 1] = 9
>>> x
tensor([[0, 1, 2],
        [9, 4, 5]])""",
        ("view", "stride", "contiguous", "clone", ":storage"),
        also=("memory",),
    ),
    Topic(
        "stride",
        "How many slots of the storage lie between neighbours along each dim. Row-major (2, 3) has stride (3, 1). A transpose "
        "swaps strides, a slice with a step multiplies one, expand sets one to 0; none of them copies anything.",
        """>>> x = arange(6).view(2, 3)
>>> x.stride(), x.T.stride(), x[:, ::2].stride()
((3, 1), (1, 3), (3, 2))
>>> x[:1].expand(4, 3).stride()
(0, 1)""",
        ("storage", "contiguous", "view", "as_strided", ":storage"),
        also=("strides",),
    ),
    Topic(
        "view",
        "A tensor that shows another's storage: no copy, and a write through either changes both. view, transposes, slices, "
        "expand, select and split give views; indexing with tensors or masks, arithmetic and cat give new memory. x.view(...) "
        "needs strides that allow it.",
        """>>> x = arange(4)
>>> y = x[1:3]
>>> y[0] = 9
>>> x
tensor([0, 9, 2, 3])""",
        ("storage", "contiguous", "reshape", "clone"),
        also=("views", "alias"),
    ),
    Topic(
        "contiguous",
        "Row-major without gaps: the last dim has stride 1 and each other dim the size of all behind it. A transpose is not "
        "contiguous; view() may refuse it, reshape() and contiguous() then copy.",
        """>>> x = ones(2, 3)
>>> x.is_contiguous(), x.T.is_contiguous()
(True, False)
>>> x.T.contiguous().stride()
(2, 1)""",
        ("stride", "view", "reshape", "is_contiguous"),
    ),
    Topic(
        "in-place",
        "An operation that writes into its tensor instead of making a new one: add_, +=, x[0] = 1. Its name ends in an "
        "underscore. All views change with it. A leaf that requires grad may be written only under no_grad, and a value that "
        "backward still needs not at all.",
        """>>> x = ones(3)
>>> y = x[:2]
>>> y.add_(1)
tensor([2., 2.])
>>> x
tensor([2., 2., 1.])""",
        ("version", "view", "no_grad", "saved", "expanded-write"),
        also=("inplace",),
    ),
    Topic(
        "version",
        "A counter of in-place writes that all tensors on one storage share. What backward needs is saved with its version; if "
        "that has changed by then, backward refuses rather than use wrong values. :info shows it.",
        """>>> x = ones(3)
>>> y = x.view(3).mul_(2)
>>> x
tensor([2., 2., 2.])""",
        ("in-place", "saved", "storage"),
    ),
    Topic(
        "broadcast",
        "How shapes of unequal size meet element by element: aligned from the right, sizes must be equal, or one of them 1 or "
        "missing; that one is repeated with stride 0, without a copy. backward sums the gradient over what was repeated.",
        """>>> a = ones(2, 1)
>>> b = arange(3)
>>> (a + b).shape
torch.Size([2, 3])
>>> broadcast_shapes((2, 1), (3,))
torch.Size([2, 3])""",
        ("expand", "stride", "broadcast-grow", ":explain"),
        also=("broadcasting",),
    ),
    Topic(
        "dtype-promotion",
        "The dtype of a result: the highest category among bool, int, float, complex wins. Tensors with dims outvote 0-dim tensors, "
        "which outvote Python numbers, unless the latter's category is higher; then the default dtype (float32) stands for a "
        "float.",
        """>>> (tensor([1]) + 1.5).dtype
torch.float32
>>> (tensor([1.], dtype=float64) + tensor(1., dtype=float32)).dtype
torch.float64
>>> (ones(2, dtype=float16) + 1.5).dtype
torch.float16""",
        ("result_type", "promote_types", "can_cast", "to", "narrowing"),
        also=("promotion", "type-promotion"),
    ),
    Topic(
        "complex-numbers",
        "Numbers with an imaginary part, written 1+2j, in complex64 and complex128. They have no order, so that comparisons other than "
        "== and the extremes refuse them. real, imag and conj() are views: nothing is copied, and a write shows in all of them. For a loss "
        "L of z = a + bi the gradient is dL/da + i dL/db, the direction in which L rises fastest; for a holomorphic f that is grad times "
        "the conjugate of f'(z).",
        """>>> z = tensor([3+4j], requires_grad=True)
>>> z.abs()
tensor([5.], grad_fn=<AbsBackward0>)
>>> z.abs().sum().backward()
>>> z.grad
tensor([0.6000+0.8000j])
>>> z.detach().conj().is_conj()
True""",
        ("complex", "polar", "view_as_real", "conj", "angle", "dtype-promotion", "fft.fft", "linalg.eig"),
        also=("complex-autograd", "wirtinger"),
    ),
    Topic(
        "dim",
        "One axis of a tensor, counted from 0, or from the end with negative numbers: dim -1 is the last. A reduction over a "
        "dim removes it; keepdim=True leaves it with size 1.",
        """>>> x = ones(2, 3)
>>> x.sum(dim=0).shape, x.sum(dim=-1, keepdim=True).shape
(torch.Size([3]), torch.Size([2, 1]))""",
        ("shape", "sum", "unsqueeze", "squeeze"),
        also=("axis", "keepdim", "dims"),
    ),
    Topic(
        "shape",
        "The sizes of all dims. () is a scalar: a tensor with one element and no dims.",
        """>>> ones(2, 3).shape
torch.Size([2, 3])
>>> tensor(1.).shape
torch.Size([])""",
        ("dim", "reshape", "view", "numel"),
        also=("scalar", "0-dim"),
    ),
    Topic(
        "meta",
        "The device of tensors without memory: shape, dtype and strides are worked out, values are not. It answers what shape a "
        "computation would have.",
        """>>> x = ones(1000, 1000, device='meta')
>>> (x @ x).shape
torch.Size([1000, 1000])""",
        ("device", "shape", ":explain"),
    ),
    Topic(
        "device",
        "Where a tensor's memory is: cpu, cuda:0, meta. Operands must share one; .to(device) copies between them.",
        """>>> ones(2).device
device(type='cpu')
>>> ones(2).to('meta').device
device(type='meta')""",
        ("to", "set_default_device", "meta", "device-copy"),
        also=("cpu", "cuda", "gpu"),
    ),
    Topic(
        "seed",
        "Random numbers follow from the seed alone, bit for bit as PyTorch draws them on the CPU: manual_seed(0) starts the stream anew.",
        """>>> g = manual_seed(0)
>>> rand(2)
tensor([0.4963, 0.7682])
>>> g = manual_seed(0)
>>> rand(2)
tensor([0.4963, 0.7682])""",
        ("manual_seed", "rand", "randn", "Generator"),
        also=("random-numbers",),
    ),
    Topic(
        "broadcast-grow",
        "An operation on two tensors of different rank made a result larger than both, as when (n, 1) meets (n,): every element "
        "was combined with every other. Where element by element was meant, give both the same shape.",
        """>>> pred = ones(3, 1)
>>> target = ones(3)
>>> (pred - target).shape
torch.Size([3, 3])
>>> (pred - target[:, None]).shape
torch.Size([3, 1])
>>> (pred.squeeze(1) - target).shape
torch.Size([3])""",
        ("broadcast", "unsqueeze", "squeeze", ":explain"),
        note=True,
    ),
    Topic(
        "reshape-copied",
        "reshape() could not show the same memory in the new shape, because the strides do not allow it, and copied. Writing "
        "the result does not write the original.",
        """>>> x = arange(6).view(2, 3)
>>> y = x.T.reshape(6)
>>> y[0] = 9
>>> x
tensor([[0, 1, 2],
        [3, 4, 5]])""",
        ("reshape", "view", "contiguous", "stride"),
        note=True,
    ),
    Topic(
        "non-leaf-grad",
        ".grad was read of a tensor that is not a leaf. backward() keeps gradients of leaves only, so it is None. Call "
        "retain_grad() on the tensor before backward().",
        """>>> w = ones(2, requires_grad=True)
>>> h = w * 2
>>> h.retain_grad()
>>> h.sum().backward()
>>> h.grad
tensor([1., 1.])""",
        ("leaf", "retain_grad", "grad"),
        note=True,
    ),
    Topic(
        "grad-accumulated",
        "backward() added to a gradient that was still there from an earlier one. That is how torch sums over batches; for a "
        "new step set .grad to None, call zero_(), or the optimizer's zero_grad().",
        """>>> w = ones(2, requires_grad=True)
>>> w.sum().backward()
>>> w.sum().backward()
>>> w.grad
tensor([2., 2.])
>>> w.grad = None
>>> w.sum().backward()
>>> w.grad
tensor([1., 1.])""",
        ("grad", "backward", "optim.SGD", "autograd"),
        note=True,
    ),
    Topic(
        "int-tensor",
        "A tensor of whole numbers stands where floating-point numbers were probably meant: integers have no mean, no softmax "
        "and no gradient. Write 1. for 1, or convert with .float().",
        """>>> arange(3).dtype
torch.int64
>>> arange(3.).mean()
tensor(1.)
>>> arange(3).float().mean()
tensor(1.)""",
        ("dtype-promotion", "to", "float32", "arange"),
        note=True,
    ),
    Topic(
        "expanded-write",
        "A tensor whose stride is 0 shows one slot at several indices, so writing one element writes them all, and an in-place "
        "operation on the whole is refused. clone() gives each element a slot of its own.",
        """>>> x = zeros(3).expand(2, 3)
>>> x.stride()
(0, 1)
>>> y = x.clone()
>>> y[0, 0] = 1
>>> y
tensor([[1., 0., 0.],
        [0., 0., 0.]])""",
        ("expand", "stride", "in-place", "clone"),
        note=True,
    ),
    Topic(
        "narrowing",
        "Values went into a dtype that holds fewer digits: float64 into float32 keeps 7 of 16 digits. NumPy and Python numbers "
        "are float64, torch's default is float32.",
        """>>> x = tensor(0.1, dtype=float64)
>>> x.item()
0.1
>>> x.float().item()
0.10000000149011612""",
        ("dtype-promotion", "float32", "set_default_dtype", "to"),
        note=True,
    ),
    Topic(
        "unused-graph",
        "A graph for backward was recorded and dropped without a backward. Where no gradient is wanted, no_grad() saves the "
        "memory and the time.",
        """>>> w = ones(2, requires_grad=True)
>>> with no_grad(): y = w * 2
>>> y.requires_grad
False""",
        ("no_grad", "detach", "requires_grad", "autograd"),
        note=True,
    ),
    Topic(
        "device-copy",
        "Values were copied between the host and a GPU. One copy is cheap, one in every step of a loop is not: make tensors "
        "where they are used.",
        """>>> x = ones(2, device='cpu')
>>> x.to('cpu') is x
True""",
        ("device", "to", "cuda", "numpy"),
        note=True,
    ),
)

TOPICS = {name: topic for topic in _ALL for name in (topic.name, *topic.also)}
