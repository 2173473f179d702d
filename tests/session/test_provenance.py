"""Errors of autograd: the commands they name, and hints that are carried out afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

import tcalc
from tcalc.cli.render_error import prompt_error
from tcalc.cli.theme import plain_text
from tcalc.engine.notices import MAX_COLLECTED
from tcalc.session.errors import Error
from tcalc.session.hints import MAX_HINTS, Hint, verified
from tcalc.session.session import Session
from tcalc.session.tensors import named_tensors, node_of, version_of
from tcalc.session.trail import REMEMBERED

LEAF = "x = tensor([1., 2.], requires_grad=True)"
# name: (commands, what the prompt says, without torch's sentence)
CASES: dict[str, tuple[list[str], str]] = {
    "overwritten": (
        [
            LEAF,
            "y = x.exp()",
            "y.add_(1)",
            "loss = y.sum()",
            "loss.backward()",
        ],
        "error: backward: y was overwritten after exp saved it\n"
        "    [2] y = x.exp()        ExpBackward0 saved y, version 0\n"
        "    [3] y.add_(1)          version 1                        <- here\n"
        "    [5] loss.backward()    needs version 0\n"
        "  hint  in [3] write y = y + 1 (a new tensor; the saved one stays)\n",
    ),
    "overwritten aug": (
        [
            LEAF,
            "y = x.exp()",
            "y += 1",
            "y.sum().backward()",
        ],
        "error: backward: y was overwritten after exp saved it\n"
        "    [2] y = x.exp()           ExpBackward0 saved y, version 0\n"
        "    [3] y += 1                version 1                        <- here\n"
        "    [4] y.sum().backward()    needs version 0\n"
        "  hint  in [3] write y = y + 1 (a new tensor; the saved one stays)\n",
    ),
    "overwritten index": (
        [
            LEAF,
            "y = x.exp()",
            "y[0] = 5",
            "y.sum().backward()",
        ],
        "error: backward: y was overwritten after exp saved it\n"
        "    [2] y = x.exp()           ExpBackward0 saved y, version 0\n"
        "    [3] y[0] = 5              version 1                        <- here\n"
        "    [4] y.sum().backward()    needs version 0\n"
        "  hint  in [3] write y = y.clone(); y[0] = 5 (a new tensor; the saved one stays)\n",
    ),
    "overwritten input": (
        [
            LEAF,
            "w = ones(2)",
            "y = x * w",
            "w.mul_(2 + 1)",
            "y.sum().backward()",
        ],
        "error: backward: w was overwritten after mul saved it\n"
        "    [3] y = x * w             MulBackward0 saved w, version 0\n"
        "    [4] w.mul_(2 + 1)         version 1                        <- here\n"
        "    [5] y.sum().backward()    needs version 0\n"
        "  hint  in [4] write w = w * (2 + 1) (a new tensor; the saved one stays)\n",
    ),
    "overwritten alias": (
        [
            LEAF,
            "y = x.exp()",
            "d = y.detach()",
            "d.zero_()",
            "y.sum().backward()",
        ],
        "error: backward: y was overwritten after exp saved it\n"
        "    [2] y = x.exp()           ExpBackward0 saved y, version 0\n"
        "    [4] d.zero_()             version 1                        <- here\n"
        "    [5] y.sum().backward()    needs version 0\n"
        "  hint  in [4] write d = zeros_like(d) (a new tensor; the saved one stays)\n",
    ),
    "overwritten func": (
        [
            "def f(v):\n    u = v.exp()\n    u.add_(1)\n    return u",
            LEAF,
            "y = f(x)",
            "y.sum().backward()",
        ],
        "error: backward: y was overwritten after exp saved it\n"
        "    [1] u = v.exp()           ExpBackward0 saved y, version 0 (called in [3])\n"
        "    [1] u.add_(1)             version 1 (called in [3])                        <- here\n"
        "    [4] y.sum().backward()    needs version 0\n"
        "  hint  in [1] write u = u + 1 (a new tensor; the saved one stays)\n",
    ),
    "overwritten loop": (
        [
            LEAF,
            "for i in range(2):\n    y = x.sigmoid()\n    y += 1\n    y.sum().backward()",
        ],
        "error: backward: y was overwritten after sigmoid saved it\n"
        "    [2] y = x.sigmoid()       SigmoidBackward0 saved y, version 0\n"
        "    [2] y += 1                version 1                            <- here\n"
        "    [2] y.sum().backward()    needs version 0\n"
        "  hint  y = y + 1   a new tensor; the saved one stays\n",
    ),
    "freed": (
        [
            LEAF,
            "y = x.exp()",
            "loss = y.sum()",
            "loss.backward()",
            "loss.backward()",
        ],
        "error: backward: the values that exp saved are freed already\n"
        "    [2] y = x.exp()        ExpBackward0 saved its values\n"
        "    [4] loss.backward()    freed them                     <- here\n"
        "    [5] loss.backward()    needs them again\n"
        "  hint  in [4] write loss.backward(retain_graph=True) (keeps them)\n",
    ),
    "freed loop": (
        [
            LEAF,
            "loss = (x * x).sum()",
            "for i in range(2):\n    loss.backward()",
        ],
        "error: backward: the values that mul saved are freed already\n"
        "    [2] loss = (x * x).sum()    MulBackward0 saved its values\n"
        "    [3] loss.backward()         freed them, then needed them again  <- here\n"
        "  hint  loss.backward(retain_graph=True)   keeps them\n",
    ),
    "freed other": (
        [
            LEAF,
            "y = x * x",
            "y.sum().backward()",
            "y.mean().backward()",
        ],
        "error: backward: the values that mul saved are freed already\n"
        "    [2] y = x * x              MulBackward0 saved its values\n"
        "    [3] y.sum().backward()     freed them                     <- here\n"
        "    [4] y.mean().backward()    needs them again\n"
        "  hint  in [3] write y.sum().backward(retain_graph=True) (keeps them)\n",
    ),
    "leaf flag": (
        [
            "x = tensor([1., 2.])",
            "y = x.exp()",
            "loss = y.sum()",
            "loss.backward()",
        ],
        "error: backward: loss does not require grad\n"
        "    [1] x = tensor([1., 2.])    x does not require grad  <- here\n"
        "    [4] loss.backward()         needs its history\n"
        "  hint  in [1] write x = tensor([1., 2.], requires_grad=True)\n",
    ),
    "no_grad": (
        [
            LEAF,
            "with no_grad():\n    y = x.exp()",
            "loss = y.sum()",
            "loss.backward()",
        ],
        "error: backward: loss does not require grad\n"
        "    [2] y = x.exp()        made under no_grad  <- here\n"
        "    [4] loss.backward()    needs its history\n"
        "  hint  in [2] write y = x.exp() (outside no_grad)\n",
    ),
    "detach": (
        [
            LEAF,
            "y = x.exp().detach()",
            "loss = y.sum()",
            "loss.backward()",
        ],
        "error: backward: loss does not require grad\n"
        "    [2] y = x.exp().detach()    detach() cut off the history  <- here\n"
        "    [4] loss.backward()         needs its history\n"
        "  hint  in [2] write y = x.exp()\n",
    ),
    "item": (
        [
            LEAF,
            "y = x.sum().item()",
            "loss = tensor(y) * 2",
            "loss.backward()",
        ],
        "error: backward: loss does not require grad\n"
        "    [2] y = x.sum().item()      item() cut off the history\n"
        "    [3] loss = tensor(y) * 2    tensor() copied the values without history\n"
        "    [4] loss.backward()         needs its history\n",
    ),
    "data": (
        [
            LEAF,
            "(x.data * 2).sum().backward()",
        ],
        "error: backward: (x.data * 2).sum() does not require grad: .data has no history\n"
        "    (x.data * 2).sum().backward()\n"
        "                       ^^^^^^^^\n"
        "  hint  (x * 2).sum().backward()\n",
    ),
    "int leaf": (
        [
            "x = tensor([1, 2])",
            "loss = (x * x).sum()",
            "loss.backward()",
        ],
        "error: backward: loss does not require grad: it is int64, and only floating\n"
        "       point and complex tensors can\n"
        "    [1] x = tensor([1, 2])    x does not require grad  <- here\n"
        "    [3] loss.backward()       needs its history\n"
        "  hint  in [1] write x = tensor([1., 2.], requires_grad=True)\n",
    ),
    "argmax": (
        [
            LEAF,
            "k = x.argmax()",
            "k.backward()",
        ],
        "error: backward: k does not require grad: it is int64, and only floating point\n"
        "       and complex tensors can\n"
        "    k.backward()\n"
        "      ^^^^^^^^\n",
    ),
    "nonscalar": (
        [
            LEAF,
            "y = x.exp()",
            "y.backward()",
        ],
        "error: backward: y is (2,), no scalar: sum it, or weigh its elements\n"
        "    y.backward()\n"
        "      ^^^^^^^^\n"
        "  hint  y.sum().backward()         the sum of all elements\n"
        "  hint  y.backward(ones_like(y))   the same gradients\n",
    ),
    "nonscalar grad": (
        [
            LEAF,
            "y = x.exp()",
            "g = autograd.grad(y, x)",
        ],
        "error: grad: y is (2,), no scalar: sum it, or weigh its elements\n"
        "    g = autograd.grad(y, x)\n"
        "                 ^^^^\n"
        "  hint  autograd.grad(y.sum(), x)                        the sum of all elements\n"
        "  hint  autograd.grad(y, x, grad_outputs=ones_like(y))   the same gradients\n",
    ),
    "int": (
        [
            "x = tensor([1, 2], requires_grad=True)",
        ],
        "error: requires_grad: int64 tensors have no gradient, only floating point ones\n"
        "       have\n"
        "    x = tensor([1, 2], requires_grad=True)\n"
        "        ^^^^^^\n"
        "  hint  tensor([1., 2.], requires_grad=True)\n"
        "  hint  tensor([1, 2], requires_grad=True, dtype=float32)\n",
    ),
    "int2": (
        [
            "x = arange(3)",
            "x.requires_grad_()",
        ],
        "error: requires_grad: int64 tensors have no gradient, only floating point ones\n"
        "       have\n"
        "    x.requires_grad_()\n"
        "      ^^^^^^^^^^^^^^\n"
        "  hint  x = x.float().requires_grad_()\n",
    ),
    "int3": (
        [
            "x = arange(3)",
            "x.requires_grad = True",
        ],
        "error: requires_grad: int64 tensors have no gradient, only floating point ones\n"
        "       have\n"
        "    x.requires_grad = True\n"
        "      ^^^^^^^^^^^^^\n"
        "  hint  x = x.float().requires_grad_()\n",
    ),
    "int4": (
        [
            "x = torch.ones(3, dtype=torch.int64, requires_grad=True)",
        ],
        "error: requires_grad: int64 tensors have no gradient, only floating point ones\n"
        "       have\n"
        "    x = torch.ones(3, dtype=torch.int64, requires_grad=True)\n"
        "              ^^^^\n"
        "  hint  torch.ones(3, dtype=torch.float32, requires_grad=True)\n",
    ),
    "leaf": (
        [
            "w = ones(2, requires_grad=True)",
            "w -= 0.1",
        ],
        "error: sub_: w is a leaf that requires grad; a recorded write would end that\n"
        "    w -= 0.1\n"
        "    ~ ^^ ~~~\n"
        "  hint  with no_grad(): w -= 0.1   not recorded\n"
        "  hint  w = w - 0.1                a new tensor, no leaf\n",
    ),
    "leaf2": (
        [
            "w = ones(2, requires_grad=True)",
            "w.sub_(0.1 * 2)",
        ],
        "error: sub_: w is a leaf that requires grad; a recorded write would end that\n"
        "    w.sub_(0.1 * 2)\n"
        "      ^^^^\n"
        "  hint  with no_grad(): w.sub_(0.1 * 2)   not recorded\n"
        "  hint  w = w - (0.1 * 2)                 a new tensor, no leaf\n",
    ),
    "leaf3": (
        [
            "w = ones(2, requires_grad=True)",
            "w[0] = 3",
        ],
        "error: write: w[0] is a view of w, a leaf that requires grad\n"
        "    w[0] = 3\n"
        "    ~^^^\n"
        "  hint  with no_grad(): w[0] = 3   not recorded\n"
        "  hint  w = w.clone(); w[0] = 3    a new tensor\n",
    ),
    "leaf view": (
        [
            "w = ones(2, 2, requires_grad=True)",
            "v = w[0]",
            "v.add_(1)",
        ],
        "error: add_: v is a view of w, a leaf that requires grad\n"
        "    v.add_(1)\n"
        "      ^^^^\n"
        "  hint  with no_grad(): v.add_(1)   not recorded\n"
        "  hint  v = v + 1                   a new tensor\n",
    ),
    "leaf func": (
        [
            "def step(p):\n    p -= 0.1",
            "w = ones(2, requires_grad=True)",
            "step(w)",
        ],
        "error: sub_: p is a leaf that requires grad; a recorded write would end that\n"
        "    p -= 0.1\n"
        "    ~ ^^ ~~~\n"
        "    called from  step(w)\n"
        "  hint  in [1] write with no_grad(): p -= 0.1 (not recorded)\n"
        "  hint  in [1] write p = p - 0.1 (a new tensor, no leaf)\n",
    ),
    "multi": (
        [
            "x = ones(4, requires_grad=True)",
            "a, b = (x * 2).split(2)",
            "a.add_(1)",
        ],
        "error: add_: a is one of several views that split returned\n    a.add_(1)\n      ^^^^\n  hint  a = a + 1   a new tensor\n",
    ),
    "nogradview": (
        [
            "x = ones(4, requires_grad=True)",
            "y = x * 1",
            "with no_grad():\n    v = y[0]",
            "v.add_(x[1])",
        ],
        "error: add_: v is a view that was made under no_grad\n    v.add_(x[1])\n      ^^^^\n  hint  v = v + x[1]   a new tensor\n",
    ),
    "inference": (
        [
            "with inference_mode():\n    x = ones(2)",
            "x.add_(1)",
        ],
        "error: add_: x was made in inference mode\n    x.add_(1)\n      ^^^^\n  hint  x = x + 1   a new tensor\n",
    ),
    "inference2": (
        [
            "with inference_mode():\n    x = ones(2)",
            "x.requires_grad_()",
        ],
        "error: requires_grad: this tensor was made in inference mode, and can never be\n"
        "       part of a graph\n"
        "    x.requires_grad_()\n"
        "      ^^^^^^^^^^^^^^\n"
        "  hint  x = x.clone().requires_grad_()\n",
    ),
    "unused": (
        [
            "x = ones(2, requires_grad=True)",
            "u = ones(2, requires_grad=True)",
            "autograd.grad(x.sum(), u)",
        ],
        "error: grad: u was not used in the graph of the output\n"
        "    autograd.grad(x.sum(), u)\n"
        "             ^^^^\n"
        "  hint  autograd.grad(x.sum(), u, allow_unused=True)   None for u\n",
    ),
    "notreq": (
        [
            "x = ones(2, requires_grad=True)",
            "u = ones(2)",
            "autograd.grad((x * u).sum(), u)",
        ],
        "error: grad: u does not require grad\n"
        "    [2] u = ones(2)                        u does not require grad  <- here\n"
        "    [3] autograd.grad((x * u).sum(), u)    needs its history\n"
        "  hint  in [2] write u = ones(2, requires_grad=True)\n",
    ),
    "numpy": (
        [
            "x = ones(2, requires_grad=True)",
            "a = x.numpy()",
        ],
        "error: numpy: x requires grad, and a numpy array has no history\n    a = x.numpy()\n          ^^^^^\n  hint  x.detach().numpy()\n",
    ),
    "fixed": (
        [
            "w = ones(3, requires_grad=True)",
            "nn.functional.nll_loss(ones(1, 3), tensor([0]), weight=w)",
        ],
        "error: nll_loss: weight requires grad, and there is no derivative for it, in\n"
        "       PyTorch neither\n"
        "    nn.functional.nll_loss(ones(1, 3), tensor([0]), weight=w)\n"
        "                  ^^^^^^^^\n"
        "  hint  nn.functional.nll_loss(ones(1, 3), tensor([0]), weight=w.detach())\n",
    ),
    "fixed by place": (
        [
            "m = zeros(4, requires_grad=True)",
            "nn.functional.batch_norm(ones(3, 4), m, ones(4))",
        ],
        "error: batch_norm: running_mean requires grad, and there is no derivative for\n"
        "       it, in PyTorch neither\n"
        "    nn.functional.batch_norm(ones(3, 4), m, ones(4))\n"
        "                  ^^^^^^^^^^\n"
        "  hint  nn.functional.batch_norm(ones(3, 4), m.detach(), ones(4))\n",
    ),
    "computed": (
        [
            "x = ones(2, requires_grad=True)",
            "h = x * 2",
            "h.requires_grad_(False)",
        ],
        "error: requires_grad: h was computed (MulBackward0); only a leaf can be switched\n"
        "       off\n"
        "    h.requires_grad_(False)\n"
        "      ^^^^^^^^^^^^^^\n"
        "  hint  h = h.detach()\n",
    ),
    "weights": (
        [
            "x = ones(2, requires_grad=True)",
            "h = x * 2",
            "h.backward(ones(3))",
        ],
        "error: backward: a gradient (3,) was given for h (2,)\n"
        "    h.backward(ones(3))\n"
        "      ^^^^^^^^\n"
        "    h        (2,)\n"
        "    ones(3)  (3,)\n"
        "  hint  h.backward(ones_like(h))\n",
    ),
    "grad": (
        [
            "w = ones(2, 2, requires_grad=True)",
            "w.grad = ones(2)",
        ],
        "error: grad: float32 (2,) does not fit w, float32 (2, 2)\n"
        "    w.grad = ones(2)\n"
        "      ^^^^\n"
        "  hint  w.grad = ones(2).expand_as(w)\n",
    ),
    "grad dtype": (
        [
            "w = ones(2, 2, requires_grad=True)",
            "w.grad = arange(4).view(2, 2)",
        ],
        "error: grad: int64 (2, 2) does not fit w, float32 (2, 2)\n"
        "    w.grad = arange(4).view(2, 2)\n"
        "      ^^^^\n"
        "  hint  w.grad = arange(4).view(2, 2).to(w.dtype)\n",
    ),
    "retain": (
        [
            "x = ones(2)",
            "h = x * 2",
            "h.retain_grad()",
        ],
        "error: retain_grad: h does not require grad\n"
        "    [1] x = ones(2)        x does not require grad  <- here\n"
        "    [3] h.retain_grad()    needs its history\n"
        "  hint  in [1] write x = ones(2, requires_grad=True)\n",
    ),
    "hook": (
        [
            "x = ones(2)",
            "h = x * 2",
            "h.register_hook(lambda g: g)",
        ],
        "error: register_hook: h does not require grad\n"
        "    [1] x = ones(2)                     x does not require grad  <- here\n"
        "    [3] h.register_hook(lambda g: g)    needs its history\n"
        "  hint  in [1] write x = ones(2, requires_grad=True)\n",
    ),
    "freed in a function": (
        [
            LEAF,
            "def run(l):\n    l.backward()",
            "loss = (x * x).sum()",
            "run(loss)",
            "run(loss)",
        ],
        "error: backward: the values that mul saved are freed already\n"
        "    called from  run(loss)\n"
        "    [3] loss = (x * x).sum()    MulBackward0 saved its values\n"
        "    [2] l.backward()            freed them (called in [4])     <- here\n"
        "    [5] run(loss)               needs them again\n"
        "  hint  in [2] write l.backward(retain_graph=True) (keeps them)\n",
    ),
    "overwritten in a branch": (
        [
            LEAF,
            "y = x.exp()",
            "if y.sum().item() > 1:\n    y += 1",
            "y.sum().backward()",
        ],
        "error: backward: y was overwritten after exp saved it\n"
        "    [2] y = x.exp()           ExpBackward0 saved y, version 0\n"
        "    [3] y += 1                version 1                        <- here\n"
        "    [4] y.sum().backward()    needs version 0\n"
        "  hint  in [3] write y = y + 1 (a new tensor; the saved one stays)\n",
    ),
    "overwritten by a step": (
        [
            "w = ones(2, requires_grad=True)",
            "opt = torch.optim.SGD([w], lr=0.1)",
            "loss = (w * w).sum()",
            "loss.backward(retain_graph=True)",
            "opt.step()",
            "loss.backward()",
        ],
        "error: backward: w was overwritten after mul saved it\n"
        "    [3] loss = (w * w).sum()    MulBackward0 saved w, version 0\n"
        "    [5] opt.step()              version 1                        <- here\n"
        "    [6] loss.backward()         needs version 0\n",
    ),
    "overwritten by out": (
        [
            LEAF,
            "w = ones(2)",
            "y = x * w",
            "torch.exp(ones(2), out=w)",
            "y.sum().backward()",
        ],
        "error: backward: w was overwritten after mul saved it\n"
        "    [3] y = x * w                    MulBackward0 saved w, version 0\n"
        "    [4] torch.exp(ones(2), out=w)    version 1                        <- here\n"
        "    [5] y.sum().backward()           needs version 0\n"
        "  hint  in [4] write w = torch.exp(ones(2)) (a new tensor; the saved one stays)\n",
    ),
    "overwritten twice": (
        [
            LEAF,
            "y = x.exp()",
            "y += 1",
            "v = y.view(2)",
            "v *= 2",
            "y.sum().backward()",
        ],
        "error: backward: y was overwritten after exp saved it\n"
        "    [2] y = x.exp()           ExpBackward0 saved y, version 0\n"
        "    [3] y += 1                version 1                        <- here\n"
        "    [6] y.sum().backward()    needs version 0\n"
        "  hint  in [3] write y = y + 1 (a new tensor; the saved one stays)\n",
    ),
    "freed by grad": (
        [
            LEAF,
            "y = x * x",
            "g = autograd.grad(y.sum(), x)",
            "y.sum().backward()",
        ],
        "error: backward: the values that mul saved are freed already\n"
        "    [2] y = x * x                        MulBackward0 saved its values\n"
        "    [3] g = autograd.grad(y.sum(), x)    freed them                     <- here\n"
        "    [4] y.sum().backward()               needs them again\n"
        "  hint  in [3] write g = autograd.grad(y.sum(), x, retain_graph=True)\n"
        "          (keeps them)\n",
    ),
    "leaf of a module": (
        [
            "m = nn.Linear(2, 1)",
            "m.weight += 1",
        ],
        "error: add_: m.weight is a leaf that requires grad; a recorded write would end\n"
        "       that\n"
        "    m.weight += 1\n"
        "    ~~~~~~~~ ^^ ~\n"
        "  hint  with no_grad(): m.weight.add_(1)   not recorded\n",
    ),
    "given up": (
        [
            LEAF,
            "y = x * 1",
            "a, b = y.unbind()",
            "y.add_(1)",
            "loss = a * 2",
        ],
        "error: a: its memory was written, and autograd cannot follow this view\n"
        "    [3] a, b = y.unbind()    made the view a\n"
        "    [4] y.add_(1)            wrote to its memory     <- here\n"
        "    [5] loss = a * 2         needs the history of a\n"
        "  hint  in [4] write y = y + 1 (a new tensor)\n",
    ),
    "off": (
        [
            "set_grad_enabled(False);",
            LEAF,
            "y = x.exp().sum()",
            "set_grad_enabled(True);",
            "y.backward()",
        ],
        "error: backward: y does not require grad\n"
        "    [1] set_grad_enabled(False)    grad mode was switched off  <- here\n"
        "    [5] y.backward()               needs its history\n"
        "  hint  in [1] write set_grad_enabled(True)\n",
    ),
}


def sessions(commands: Sequence[str], *, observe: bool = True) -> tuple[Session, Error]:
    """A session in which the last of some commands failed, and its error."""
    session = Session(observe=observe)
    for command in commands[:-1]:
        for record in session.run(command):
            assert record.error is None, record.error.message
    error = session.run(commands[-1])[-1].error
    assert error is not None
    return session, error


def told(error: Error) -> str:
    """What the prompt says of an error, without torch's sentence."""
    return plain_text(prompt_error(error, 80)).partition("  torch: ")[0]


def applied(commands: Sequence[str], hint: Hint) -> list[str]:
    """The commands with the one that a hint is about as the hint has it."""
    assert hint.where is not None
    changed = list(commands)
    changed[hint.where.number - 1] = hint.source
    return changed


def state(session: Session) -> dict[str, Any]:
    """All that can be seen of the tensors of a session."""
    return {
        name: (
            None if tensor.a is None else tensor.a.tobytes(),
            version_of(tensor),
            tensor._grad is not None and (id(tensor._grad), tensor._grad.a.tobytes(), version_of(tensor._grad)),
            node_of(tensor),
        )
        for name, tensor in named_tensors(session.env.variables)
    }


@pytest.mark.parametrize("name", CASES)
def test_what_is_said(name: str) -> None:
    commands, text = CASES[name]
    _, error = sessions(commands)
    assert told(error) == text
    assert error.kind == "error"
    assert error.torch


@pytest.mark.parametrize("observe", [True, False], ids=["prompt", "script"])
@pytest.mark.parametrize("name", CASES)
def test_every_hint_works(name: str, observe: bool) -> None:
    commands, text = CASES[name]
    _, error = sessions(commands, observe=observe)
    assert len(error.hints) == text.count("  hint  ") <= MAX_HINTS
    for hint in error.hints:
        session = Session(observe=observe)
        for command in applied(commands, hint):
            for record in session.run(command):
                assert record.error is None, (hint, record.error.message)


@pytest.mark.parametrize("name", CASES)
def test_scripts_name_the_same_commands(name: str) -> None:
    commands, _ = CASES[name]
    observed, plain = (sessions(commands, observe=observe)[1] for observe in (True, False))
    assert plain.message == observed.message
    assert [(item.command.number, item.text, item.here) for item in plain.related] == [
        (item.command.number, item.text, item.here) for item in observed.related
    ]


@pytest.mark.parametrize("name", CASES)
def test_a_failed_command_and_its_hints_change_nothing(name: str) -> None:
    commands, _ = CASES[name]
    *before, last = commands
    if "\n" in last:
        pytest.skip("a block does what it does until it fails, as in Python")
    if name == "inference":
        pytest.skip("torch, too, finds out after it has written")
    session = Session(observe=True)
    for command in before:
        session.run(command)
    found = state(session)
    assert session.run(last)[-1].error is not None
    assert state(session) == found
    assert session.run("torch.is_grad_enabled(), torch.get_default_device().type, torch.get_default_dtype()")[-1].results[0].value[:2] == (
        True,
        "cpu",
    )  # type: ignore[index]


def test_the_random_stream_goes_on_as_if_nothing_had_been_tried() -> None:
    numbers = []
    for failing in (True, False):
        session = Session()
        session.run("torch.manual_seed(3)\nx = rand(2)\ny = x * rand(2)")
        if failing:
            error = session.run("y.sum().backward()")[-1].error
            assert error is not None
            assert [hint.text for hint in error.hints] == ["x = rand(2, requires_grad=True)"]
        numbers.append(session.run("rand(3).tolist()")[-1].results[0].value)
    assert numbers[0] == numbers[1]


def test_a_hint_is_tried_on_mirrors_only() -> None:
    session = Session()
    session.run("w = ones(3, requires_grad=True)\nv = w.detach()\nl = [w]")
    found = state(session)
    assert verified("w[0] + v.mul_(2)", session.env.variables) == "(3,)"
    assert verified("l[0] is w", session.env.variables) == "bool"
    assert verified("w.add_(1)", session.env.variables) is None
    assert verified("with no_grad(): w.add_(1)", session.env.variables) == "(3,)"
    assert verified("w = w + 1", session.env.variables) == ""
    assert verified("unknown", session.env.variables) is None
    assert state(session) == found


def test_what_runs_long_is_not_run_again() -> None:
    session = Session()
    session.run("x = ones(2, requires_grad=True)\ny = x.exp()")
    session.run("for i in range(30):\n    y.add_(1)")
    past = session.trail.commands.pop()
    session.trail.commands.append(past._replace(elapsed=60.0))
    error = session.run("y.sum().backward()")[-1].error
    assert error is not None
    assert error.hints == []
    assert [item.text for item in error.related] == ["y = x.exp()", "y.add_(1)", "y.sum().backward()"]


def test_a_change_that_never_ends_is_no_hint() -> None:
    session = Session()
    session.run("def g(p):\n    p.add_(1)")
    session.run("def f(v):\n    u = v.exp()\n    while u.sum() < 20: g(u)\n    return u")
    session.run("x = ones(2, requires_grad=True)\ny = f(x)")
    error = session.run("y.sum().backward()")[-1].error
    assert error is not None
    assert error.message == "backward: y was overwritten after exp saved it"
    assert [item.text for item in error.related] == ["u = v.exp()", "p.add_(1)", "y.sum().backward()"]
    assert error.hints == []
    assert sys.gettrace() is None or "coverage" in sys.modules


START = [
    LEAF,
    "w = ones(2)",
    "def f(v):\n    u = v.sigmoid()\n    u.mul_(2)\n    return u",
    "m = nn.Linear(2, 2)",
    "y = x.exp()",
    "z = y + w",
]
POOL = """
y = x.exp(); y = x * w; y = f(x); z = y.detach(); z = y.view(2); z = y + w; z = y[1:]; y += 1; y.add_(w); w.mul_(2); z[0] = 5; x += 1; x[0] = 2
with no_grad(): y = x * 2; with no_grad(): w += 1; y.sum().backward(); z.backward(); loss = (y * z).sum(); loss.backward()
g = autograd.grad(y.sum(), x); g = autograd.grad(z, x); z.numpy(); z = y.tanh(); w.requires_grad_(); w = w.detach(); a, b = y.unbind(); a.add_(1)
y.retain_grad(); m(z).sum().backward(); m.weight += 1; torch.exp(ones(2), out=w); z = tensor(y.sum().item()); [v.backward() for v in y]; y.zero_()
z = y.clone(); x = x.detach(); z -= y; z.backward(ones(3)); x.grad = ones(2, 2); y.requires_grad_(False); v = x[0]; v.add_(1); m.weight @ ones(3, 2)
"""


@pytest.mark.parametrize("seed", range(16))
def test_hints_of_random_sessions_work(seed: int) -> None:
    chance = Random(seed)
    pool = [text for text in POOL.strip().replace("\n", "; ").split("; ") if text]
    observe = seed % 2 == 0
    session, commands = Session(observe=observe), list(START)
    for command in START:
        session.run(command)
    for _ in range(20):
        commands.append(chance.choice(pool))
        error = session.run(commands[-1])[-1].error
        if error is None:
            continue
        assert error.kind != "internal", error.trace
        for hint in error.hints:
            fresh = Session(observe=observe)
            last = [fresh.run(command)[-1] for command in applied(commands, hint)][-1]
            assert last.error is None, (commands, hint, last.error.message)


def test_the_trail_is_bounded() -> None:
    session = Session()
    session.run("x = ones(2, requires_grad=True)\ny = x.exp()\ny += 1")
    for _ in range(REMEMBERED // 1000 + 1):
        session.run("\n".join(["a = 1"] * 1000))
    assert len(session.trail.commands) == REMEMBERED
    error = session.run("y.sum().backward()")[-1].error
    assert error is not None
    assert error.message == "backward: y was overwritten after exp saved it"


SCRIPT = """\
x = tensor([1., 2.], requires_grad=True)

def f(v):
    u = v.exp()
    return u

# a comment
y = f(x)
y.add_(1)
loss = y.sum()
loss.backward()
"""


@pytest.mark.parametrize("way", ["file", "pipe"])
def test_a_script_is_told_with_lines(way: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tc"
    path.write_text(SCRIPT)
    arguments = ["-f", path.name] if way == "file" else []
    found = subprocess.run(
        [sys.executable, "-m", "tcalc", *arguments],
        input=SCRIPT,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(tcalc.__file__).parents[1])},
    )
    name = path.name if way == "file" else "<stdin>"
    assert found.returncode == 1
    lines = found.stderr.replace(name, "FILE").split("  torch: ")[0].splitlines()
    assert lines[0] == "tcalc: FILE:11:6: backward: y was overwritten after exp saved it"
    assert [line.split("    ")[1].split() for line in lines[1:4]] == [
        ["FILE:4", "u", "=", "v.exp()"],
        ["FILE:9", "y.add_(1)"],
        ["FILE:11", "loss.backward()"],
    ]
    assert lines[1].endswith("ExpBackward0 saved y, version 0 (called in FILE:8)")
    assert lines[2].endswith("  <- here")
    assert lines[4] == "  hint  in FILE:9 write y = y + 1 (a new tensor; the saved one stays)"


def test_a_nan_names_the_command_that_made_the_node() -> None:
    commands = [
        "x = tensor([-1., 4.], requires_grad=True)",
        "y = x.sqrt()",
        "with autograd.set_detect_anomaly(True):\n    y.sum().backward()",
    ]
    _, error = sessions(commands)
    assert told(error) == (
        "error: backward: sqrt gave a gradient with nan in it\n"
        "    [2] y = x.sqrt()          made SqrtBackward0                  <- here\n"
        "    [3] y.sum().backward()    gradient 0 of SqrtBackward0 is nan\n"
    )
    assert error.torch == "Function 'SqrtBackward0' returned nan values in its 0th output."


def test_what_is_tried_for_a_hint_makes_no_notes() -> None:
    """The commands before are run again, and what they were told then is not said again."""
    session = Session()
    session.run(f"{LEAF}\na = x * 2\na.sum().backward()\na.grad\ny = x.exp()\ny.add_(1)")
    [record] = session.run("y.sum().backward()")
    assert record.error is not None
    assert record.error.hints
    assert record.notes == []
    assert len(session.run("a.grad")[-1].notes) == 1


def test_the_gradient_of_a_non_leaf_is_a_note() -> None:
    session = Session()
    session.run("x = ones(2, requires_grad=True)\nh = x * 2\nh.sum().backward()")
    [record] = session.run("h.grad")
    assert record.error is None
    assert [(note.ident, note.text, note.details) for note in record.notes] == [
        (
            "non-leaf-grad",
            "h is not a leaf (grad_fn MulBackward0), so backward() dropped its grad",
            ("call h.retain_grad() before backward()",),
        )
    ]
    [record] = session.run("[(x * 3).grad for i in range(3)]")
    assert [note.text.partition(" is ")[0] for note in record.notes] == ["x * 3"]
    assert session.run("x.grad")[-1].notes == []
    assert session.run("k = x * 2\nk.retain_grad()\nk.grad")[-1].notes == []
    assert len(session.run(f"for i in range({MAX_COLLECTED + 50}): h.grad")[-1].notes) == 1


def test_a_note_is_a_warning_in_a_script() -> None:
    script = "x = ones(2, requires_grad=True)\nh = x * 2\nprint(h.grad)\n"
    found = subprocess.run([sys.executable, "-m", "tcalc"], input=script, capture_output=True, text=True, timeout=60)
    assert (found.returncode, found.stdout) == (0, "None\n")
    assert found.stderr == (
        "tcalc: <stdin>:3: warning: h is not a leaf (grad_fn MulBackward0), so backward() dropped its grad;"
        " call h.retain_grad() before backward()\n"
    )


def test_the_library_warns_as_torch_does() -> None:
    code = "import tcalc\nh = tcalc.ones(2, requires_grad=True) * 2\nh.grad\n"
    found = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60)
    assert found.returncode == 1
    assert found.stderr.splitlines()[-1].startswith(
        "UserWarning: The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be populated"
    )
