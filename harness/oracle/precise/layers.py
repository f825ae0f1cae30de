"""The layers of GPT-2, forward and backward, by their formulas.

Shapes: B sequences, T positions, N heads, D width of a head, H hidden width, V vocabulary.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch

from harness.oracle.precise.arithmetic import Arithmetic, Array

__all__ = ["ACTIVATIONS", "Attention", "Dropout", "Linear", "Loss", "Norm"]

Slope: TypeAlias = Callable[[Array], Array]

_erf = np.vectorize(math.erf, otypes=[np.float64])
_CUBIC = 0.044715


def _gelu(x: Array) -> tuple[Array, Array]:
    cdf = 0.5 * (1 + _erf(x / math.sqrt(2)))
    return x * cdf, cdf + x * np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def _gelu_new(x: Array) -> tuple[Array, Array]:
    tanh = np.tanh(math.sqrt(2 / math.pi) * (x + _CUBIC * x**3))
    inner = math.sqrt(2 / math.pi) * (1 + 3 * _CUBIC * x**2)
    return 0.5 * x * (1 + tanh), 0.5 * (1 + tanh) + 0.5 * x * (1 - tanh**2) * inner


def _silu(x: Array) -> tuple[Array, Array]:
    gate = 1 / (1 + np.exp(-x))
    return x * gate, gate * (1 + x * (1 - gate))


def _tanh(x: Array) -> tuple[Array, Array]:
    tanh = np.tanh(x)
    return tanh, 1 - tanh**2


# Value and slope. Those with a kink are left out: next to it the gradients of two roundings have nothing in common.
ACTIVATIONS: dict[str, Callable[[Array], tuple[Array, Array]]] = {
    "gelu": _gelu, "gelu_new": _gelu_new, "silu": _silu, "tanh": _tanh,
}  # fmt: skip
# Operations in one of these, at most.
ACTIVATION_COUNT = 12


@dataclass
class Linear:
    """x·W + b over the last axis."""

    weight: Array
    bias: Array
    do: Arithmetic

    def forward(self, x: Array) -> Array:
        """Return the result and keep the input."""
        self._x = x
        return self.do.rounded(self.do.product(x, self.weight) + self.bias)

    def backward(self, grad: Array) -> tuple[Array, Array, Array]:
        """Return the gradients of the input, the weight and the bias."""
        rows, grads = self._x.reshape(-1, self._x.shape[-1]), grad.reshape(-1, grad.shape[-1])
        weight = self.do.product(rows.T, grads)
        return self.do.product(grad, self.weight.T), weight, self.do.total(grads, (0,))


@dataclass
class Norm:
    """Layer norm over the last axis."""

    weight: Array
    bias: Array
    epsilon: float
    do: Arithmetic

    def forward(self, x: Array) -> Array:
        """Return the result and keep what the backward pass needs."""
        width = x.shape[-1]
        centred = x - x.mean(-1, keepdims=True)
        self._scale = 1 / np.sqrt((centred**2).mean(-1, keepdims=True) + self.epsilon)
        sizes = (np.abs(x) + np.abs(x).mean(-1, keepdims=True)) * self._scale
        self._normed = self.do.rounded(centred * self._scale, width + 4, sizes)
        scaled = self._normed * self.weight
        return self.do.rounded(scaled + self.bias, 2, np.abs(scaled) + np.abs(self.bias))

    def backward(self, grad: Array) -> tuple[Array, Array, Array]:
        """Return the gradients of the input, the weight and the bias."""
        g, normed = grad * self.weight, self._normed
        mean, slope = g.mean(-1, keepdims=True), (g * normed).mean(-1, keepdims=True)
        sizes = np.abs(g) + np.abs(g).mean(-1, keepdims=True)
        sizes = sizes + np.abs(normed) * np.abs(g * normed).mean(-1, keepdims=True)
        before = self.do.rounded((g - mean - normed * slope) * self._scale, g.shape[-1] + 4, sizes * self._scale)
        axes = tuple(range(grad.ndim - 1))
        return before, self.do.total(grad * normed, axes), self.do.total(grad, axes)


@dataclass
class Dropout:
    """Zeros some elements and scales the others, as torch's generator decides."""

    rate: float

    def apply(self, x: Array) -> Array:
        """Draw a mask and apply it."""
        if not self.rate:
            self._mask = np.ones_like(x)
        else:
            self._mask = torch.empty(x.shape).bernoulli_(1 - self.rate).double().numpy() / (1 - self.rate)
        return self.again(x)

    def again(self, x: Array) -> Array:
        """Apply the same mask, as to the gradient."""
        return x * self._mask


@dataclass
class Attention:
    """Causal attention of all heads; padding is at the end of a row and no position attends to it."""

    heads: int
    factor: float
    dropout: Dropout
    do: Arithmetic

    def forward(self, qkv_BTH: Array, mask_BT: Array) -> Array:
        """Return the heads' results, BTH, of queries, keys and values side by side."""
        self._q, self._k, self._v = (self._split(part) for part in np.split(qkv_BTH, 3, axis=-1))
        length = mask_BT.shape[1]
        allowed = np.tril(np.ones((length, length), bool)) & (mask_BT[:, None, None, :] > 0)
        scores_BNTT = self.do.product(self._q, self._k.swapaxes(-1, -2), self.factor)
        scores_BNTT = np.where(allowed, scores_BNTT, -np.inf)
        top = scores_BNTT.max(-1, keepdims=True)
        powers = np.exp(scores_BNTT - top)
        self._p = powers / powers.sum(-1, keepdims=True)
        sizes = self._p * (length + 4 + np.where(allowed, np.abs(scores_BNTT) + np.abs(top), 0))
        self._p = self.do.rounded(self._p, 1, sizes)
        self._kept = self.dropout.apply(self._p)
        return self._joined(self.do.product(self._kept, self._v))

    def backward(self, grad_BTH: Array) -> Array:
        """Return the gradient of queries, keys and values side by side."""
        grad = self._split(grad_BTH)
        g = self.dropout.again(self.do.product(grad, self._v.swapaxes(-1, -2)))
        scores = self._p * (g - (g * self._p).sum(-1, keepdims=True))
        sizes = self._p * (np.abs(g) + np.abs(g * self._p).sum(-1, keepdims=True))
        scores = self.do.rounded(scores, g.shape[-1] + 2, sizes)
        q = self.do.product(scores, self._k, self.factor)
        k = self.do.product(scores.swapaxes(-1, -2), self._q, self.factor)
        v = self.do.product(self._kept.swapaxes(-1, -2), grad)
        return np.concatenate([self._joined(part) for part in (q, k, v)], axis=-1)

    def _split(self, x_BTH: Array) -> Array:
        batch, length, width = x_BTH.shape
        return x_BTH.reshape(batch, length, self.heads, width // self.heads).swapaxes(1, 2)

    def _joined(self, x_BNTD: Array) -> Array:
        batch, heads, length, width = x_BNTD.shape
        return x_BNTD.swapaxes(1, 2).reshape(batch, length, heads * width)


@dataclass
class Loss:
    """Cross entropy with label smoothing, and perhaps z-loss, summed over the positions that have a target."""

    smoothing: float
    z_weight: float
    do: Arithmetic

    def of(self, logits_BTV: Array, labels_BT: Array) -> tuple[float, Array]:
        """Return the loss, and its gradient with respect to the logits."""
        rows, targets = logits_BTV[:, :-1], labels_BT[:, 1:]
        counted = targets >= 0
        scores, wanted = rows[counted], targets[counted].astype(int)
        width = scores.shape[-1]
        top = scores.max(-1, keepdims=True)
        log_z = top + np.log(np.exp(scores - top).sum(-1, keepdims=True))
        log_p = scores - log_z
        hot = np.eye(width)[wanted]
        goal = (1 - self.smoothing) * hot + self.smoothing / width
        each = -(goal * log_p).sum(-1) + self.z_weight * log_z[:, 0] ** 2
        sizes = (goal * (np.abs(scores) + np.abs(log_z))).sum(-1) + self.z_weight * log_z[:, 0] ** 2
        loss = self.do.total(self.do.rounded(each, width + 4, sizes), (0,))
        p = np.exp(log_p)
        gradient = p - goal + 2 * self.z_weight * log_z * p
        sizes = p * (1 + np.abs(scores) + 2 * np.abs(log_z)) + goal
        grad_BTV = np.zeros_like(logits_BTV)
        grad_BTV[:, :-1][counted] = self.do.rounded(gradient, width + 4, sizes)
        return float(loss), grad_BTV
