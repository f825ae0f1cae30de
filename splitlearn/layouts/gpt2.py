"""GPT-2.

Shapes: B sequences, T positions, H hidden width, V vocabulary.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedConfig
from transformers.masking_utils import create_causal_mask

from splitlearn.layouts import Layout, register

__all__ = ["Gpt2Layout"]


@register
class Gpt2Layout(Layout):
    """Learned positions, pre-norm blocks, and a head that is usually tied to the token embedding."""

    name = "gpt2"
    settings = (
        "vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner", "activation_function",
        "resid_pdrop", "embd_pdrop", "attn_pdrop", "layer_norm_epsilon", "scale_attn_weights",
        "scale_attn_by_inverse_layer_idx", "reorder_and_upcast_attn", "tie_word_embeddings",
    )  # fmt: skip
    dropouts = ("embd_pdrop", "attn_pdrop", "resid_pdrop")
    bottom = ("transformer.wte", "transformer.wpe", "transformer.drop")
    blocks = "transformer.h"
    top = ("transformer.ln_f", "lm_head")
    tied = ("lm_head", "transformer.wte")

    def embed(self, part: Any, input_ids_BT: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 - as in the base class
        """Add the embeddings of tokens and positions. Return BTH."""
        positions = torch.arange(input_ids_BT.shape[1], device=input_ids_BT.device).unsqueeze(0)
        tree = part.transformer
        hidden_BTH: torch.Tensor = tree.drop(tree.wte(input_ids_BT) + tree.wpe(positions))
        return hidden_BTH

    def run_blocks(
        self,
        part: Any,  # noqa: ANN401 - as in the base class
        blocks: Iterable[nn.Module],
        hidden_BTH: torch.Tensor,
        attention_mask_BT: torch.Tensor,
    ) -> torch.Tensor:
        """Run blocks as the uncut model does.

        A block called by itself has no causal mask: the library's own function builds it, so that every part uses the
        same attention kernel as the whole model.
        """
        positions = torch.arange(hidden_BTH.shape[1], device=hidden_BTH.device).unsqueeze(0)
        mask = create_causal_mask(
            config=part.config,
            inputs_embeds=hidden_BTH,
            attention_mask=attention_mask_BT,
            past_key_values=None,
            position_ids=positions,
        )
        for block in blocks:
            hidden_BTH = block(hidden_BTH, None, mask, use_cache=False, position_ids=positions)
        return hidden_BTH

    def logits(self, part: Any, hidden_BTH: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 - as in the base class
        """Run the final norm and the head. Return BTV."""
        logits_BTV: torch.Tensor = part.lm_head(part.transformer.ln_f(hidden_BTH))
        return logits_BTV

    def refusal(self, config: PreTrainedConfig) -> str:
        """Refuse the decoder of an encoder-decoder model."""
        return "has add_cross_attention; only a decoder by itself can be cut" if config.add_cross_attention else ""
