"""Draws made smooth, so that gradients pass through them."""

from __future__ import annotations

from ..families.structural import composite
from ..notices import notice

NN = "torch.nn.functional"


@composite(namespace=NN, method=False)
def gumbel_softmax(F, logits, tau: Float = 1.0, hard: Bool = False, eps: Float = 1e-10, dim: Dim = -1):
    """softmax((logits + Gumbel noise) / tau): a draw from the classes made smooth (Jang et al. 2016, Maddison et al. 2016). With `hard` a one-hot
    draw whose gradient is the smooth one's; eps has no effect.

    Shapes: any; kept
    Grad: that of softmax over tau, with `hard` too
    See: softmax, nn.functional.one_hot, multinomial

    >>> nn.functional.gumbel_softmax(tensor([0., 90.]), hard=True)
    tensor([0., 1.])
    """
    if eps != 1e-10:
        notice("gumbel-eps", "`eps` parameter is deprecated and has no effect.", logits=logits)
    shape, kind = tuple(logits.shape), {"dtype": logits.dtype, "device": logits.device}
    noise = F.empty(shape, **kind).exponential_()
    soft = F.softmax((logits - F.log(noise)) / tau, dim)
    if not hard:
        return soft
    picked = F.max_dim(soft, dim, True)[1]
    drawn = F.zeros(shape, **kind).scatter_(dim, picked, 1.0)
    return drawn - soft.detach() + soft
