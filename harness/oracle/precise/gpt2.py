"""GPT-2's loss and gradients by hand.

Shapes: B sequences, T positions, H hidden width, V vocabulary.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import GPT2Config

from harness.oracle.batches import PaddedBatch
from harness.oracle.precise.arithmetic import Arithmetic, Array
from harness.oracle.precise.layers import ACTIVATION_COUNT, ACTIVATIONS, Attention, Dropout, Linear, Loss, Norm
from harness.oracle.randomness import Stage, stage_seed
from splitlearn.config import TrainingConfig

__all__ = ["Gpt2"]

Z_WEIGHT = 1e-4
TOKENS, POSITIONS, LAST_NORM, HEAD = "transformer.wte", "transformer.wpe", "transformer.ln_f", "lm_head"


@dataclass
class Gpt2:
    """The uncut model at one point of its training.

    Attributes:
        shape: the library's configuration of it.
        config: of the run.
        weights: by the library's names.
        do: exact, or rounding.
        gradients: what has been computed so far, summed over the microbatches.
    """

    shape: GPT2Config
    config: TrainingConfig
    weights: Mapping[str, Array]
    do: Arithmetic
    gradients: dict[str, Array] = field(default_factory=dict)

    def microbatch(self, batch: PaddedBatch, tokens: int, step: int, number: int) -> float:
        """Return a microbatch's share of the step's loss, and add its gradients."""
        ids_BT, mask_BT = batch.input_ids_BT.numpy(), batch.attention_mask_BT.numpy().astype(np.float64)
        cuts, depth = self.config.cuts, range(self.shape.n_layer)
        self._seed(step, number, "bottom")
        embedded = self.weights[f"{TOKENS}.weight"][ids_BT] + self.weights[f"{POSITIONS}.weight"][: ids_BT.shape[1]]
        dropout = Dropout(self.shape.embd_pdrop)
        hidden = dropout.apply(self.do.rounded(embedded))
        blocks = [Block(self, layer) for layer in depth]
        for block in blocks:
            if block.layer in (cuts.lower, cuts.upper):
                self._seed(step, number, "trunk" if block.layer == cuts.lower else "top")
            hidden = block.forward(hidden, mask_BT)
        norm = self.norm(LAST_NORM)
        last_BTH = norm.forward(hidden)
        head = self.weights.get(f"{HEAD}.weight", self.weights[f"{TOKENS}.weight"])
        loss_of = Loss(self.config.label_smoothing, Z_WEIGHT * (self.config.loss_type == "z_loss"), self.do)
        loss, grad_BTV = loss_of.of(self.do.product(last_BTH, head.T), batch.labels_BT.numpy())
        grad_BTV = self.do.rounded(grad_BTV / tokens)
        rows = grad_BTV.reshape(-1, grad_BTV.shape[-1])
        head_grad = self.do.product(rows.T, last_BTH.reshape(-1, last_BTH.shape[-1]))
        self.add(f"{HEAD if f'{HEAD}.weight' in self.weights else TOKENS}.weight", head_grad)
        grad = self.backward_layer(LAST_NORM, norm, self.do.product(grad_BTV, head))
        for block in reversed(blocks):
            grad = block.backward(grad)
        self._add_embeddings(ids_BT, dropout.again(grad))
        return loss / tokens

    def norm(self, name: str) -> Norm:
        """Return a layer norm."""
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return Norm(weight, bias, self.shape.layer_norm_epsilon, self.do)

    def linear(self, name: str) -> Linear:
        """Return a linear layer, whose weight the library keeps as inputs by outputs."""
        return Linear(self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], self.do)

    def backward_layer(self, name: str, layer: Norm | Linear, grad: Array) -> Array:
        """Run a layer backward, add the gradients of its weights, and return that of its input."""
        before, weight, bias = layer.backward(grad)
        self.add(f"{name}.weight", weight)
        self.add(f"{name}.bias", bias)
        return before

    def add(self, name: str, gradient: Array) -> None:
        """Add to a parameter's gradient."""
        kept = self.gradients.get(name)
        self.gradients[name] = gradient if kept is None else self.do.rounded(kept + gradient)

    def _add_embeddings(self, ids_BT: NDArray[np.int64], grad_BTH: Array) -> None:
        tokens, positions = (np.zeros_like(self.weights[f"{name}.weight"]) for name in (TOKENS, POSITIONS))
        sizes = np.zeros_like(tokens)
        np.add.at(tokens, ids_BT, grad_BTH)
        np.add.at(sizes, ids_BT, np.abs(grad_BTH))
        positions[: ids_BT.shape[1]] = self.do.total(grad_BTH, (0,))
        self.add(f"{TOKENS}.weight", self.do.rounded(tokens, ids_BT.size, sizes))
        self.add(f"{POSITIONS}.weight", positions)

    def _seed(self, step: int, number: int, stage: Stage) -> None:
        torch.manual_seed(stage_seed(self.config.seed, step, number, stage))


class Block:
    """One block: attention and feed-forward, each after a norm and beside what goes around it."""

    def __init__(self, model: Gpt2, layer: int) -> None:
        self._model, self.layer = model, layer
        self._name = f"transformer.h.{layer}."
        shape = model.shape
        factor = (shape.n_embd // shape.n_head) ** -0.5 if shape.scale_attn_weights else 1.0
        factor /= layer + 1 if shape.scale_attn_by_inverse_layer_idx else 1
        self._attention = Attention(shape.n_head, factor, Dropout(shape.attn_pdrop), model.do)
        self._norms = {name: model.norm(self._name + name) for name in ("ln_1", "ln_2")}
        names = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
        self._linears = {name: model.linear(self._name + name) for name in names}
        self._dropouts = [Dropout(shape.resid_pdrop) for _ in range(2)]

    def forward(self, x_BTH: Array, mask_BT: Array) -> Array:
        """Return the block's result."""
        do, linears = self._model.do, self._linears
        inner = linears["attn.c_attn"].forward(self._norms["ln_1"].forward(x_BTH))
        inner = linears["attn.c_proj"].forward(self._attention.forward(inner, mask_BT))
        x_BTH = do.rounded(x_BTH + self._dropouts[0].apply(inner))
        inner = linears["mlp.c_fc"].forward(self._norms["ln_2"].forward(x_BTH))
        value, self._slope = ACTIVATIONS[self._model.shape.activation_function](inner)
        value = do.rounded(value, ACTIVATION_COUNT, np.abs(value) + np.abs(inner * self._slope))
        return do.rounded(x_BTH + self._dropouts[1].apply(linears["mlp.c_proj"].forward(value)))

    def backward(self, grad_BTH: Array) -> Array:
        """Return the gradient of the block's input; add those of its weights."""
        do = self._model.do
        inner = self._back("mlp.c_proj", self._dropouts[1].again(grad_BTH))
        inner = do.rounded(inner * self._slope, ACTIVATION_COUNT, np.abs(inner) * (np.abs(self._slope) + 1))
        grad_BTH = do.rounded(grad_BTH + self._back("ln_2", self._back("mlp.c_fc", inner)))
        inner = self._attention.backward(self._back("attn.c_proj", self._dropouts[0].again(grad_BTH)))
        return do.rounded(grad_BTH + self._back("ln_1", self._back("attn.c_attn", inner)))

    def _back(self, name: str, grad: Array) -> Array:
        layer = self._norms[name] if name in self._norms else self._linears[name]
        return self._model.backward_layer(self._name + name, layer, grad)
