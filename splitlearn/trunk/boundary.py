"""Tensors that cross the cuts, as the trunk receives and sends them.

Shapes: B sequences, T positions, H hidden width.
"""

import torch

from splitlearn.coding import CodecStates, Passage, Slot
from splitlearn.config import TrainingConfig
from splitlearn.models.family import ModelIdentity
from splitlearn.stopwatch import Watch
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.tensors import TensorSpec, decode_tensor, encode_tensor

__all__ = ["BoundaryTensors", "arriving_passage"]


class BoundaryTensors:
    """Checks received tensors against the model; raises `WireError` naming what is wrong."""

    def __init__(self, config: TrainingConfig, identity: ModelIdentity, watch: Watch) -> None:
        self._config = config
        self._watch = watch
        self._identity = identity

    def hidden(self, name: str, message: pb.Tensor, passage: Passage) -> torch.Tensor:
        """Decode smashed data or a gradient, BTH."""
        wanted = (None, None, self._identity.hidden_size)
        spec = TensorSpec(name, torch.float32, wanted, self._config.max_message_bytes)
        # Before it is decoded: a few bytes can be crafted to decode into many.
        if len(message.shape) == len(wanted) and message.shape[1] > self._identity.positions:
            allowed = self._identity.positions
            raise WireError(Reason.BAD_SHAPE, f"{name}: {message.shape[1]} positions; the model has {allowed}")
        with self._watch.part("decode"):
            return decode_tensor(message, spec, passage).to(self._config.device)

    def mask(self, message: pb.Tensor, shape: torch.Size) -> torch.Tensor:
        """Decode an attention mask, BT."""
        spec = TensorSpec("attention_mask", torch.uint8, tuple(shape), self._config.max_message_bytes)
        with self._watch.part("decode"):
            mask_BT = decode_tensor(message, spec)
        if int(mask_BT.max()) > 1:
            raise WireError(Reason.BAD_DATA, f"attention_mask: has {int(mask_BT.max())}; allowed are 0 and 1")
        return mask_BT.to(self._config.device, torch.int64)

    def reply(self, tensor: torch.Tensor, like: pb.Tensor, passage: Passage) -> pb.Tensor:
        """Encode a tensor with the request's codec."""
        try:
            with self._watch.part("encode"):
                return encode_tensor(tensor, like.codec, self._config.max_message_bytes, passage)
        except WireError as error:
            if error.reason is Reason.NON_FINITE:
                raise WireError(Reason.NON_FINITE_RESULT, f"the trunk's result: {error.message}") from None
            raise


def arriving_passage(states: CodecStates, request: pb.ComputeRequest) -> Passage:
    """Return the passage of the smashed data, for which the commit in the same request counts as already applied.

    It is applied only after the whole request has been checked.
    """
    if request.inference:
        return Passage()
    committing = request.commit.step if request.HasField("commit") and not request.commit.skip else None
    return states.passage(Slot(request.smashed.codec, "smashed", request.key.microbatch), committing)
