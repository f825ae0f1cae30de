"""The cost of encoding, decoding and checking a tensor: one microbatch of 8 x 128 positions, 384 wide, in float32."""

import pytest
import torch

from splitlearn.codecs import CODECS
from splitlearn.wire.tensors import TensorSpec, decode_tensor, encode_tensor

SHAPE = (8, 128, 384)
LIMIT = 1 << 28


@pytest.mark.parametrize("codec", sorted(CODECS))
def test_encode(benchmark, codec):
    tensor_BTH = torch.randn(SHAPE)

    message = benchmark(encode_tensor, tensor_BTH, codec, LIMIT)

    benchmark.extra_info["bytes / raw bytes"] = len(message.data) / tensor_BTH.nbytes


@pytest.mark.parametrize("codec", sorted(CODECS))
def test_decode(benchmark, codec):
    message = encode_tensor(torch.randn(SHAPE), codec, LIMIT)

    decoded_BTH = benchmark(decode_tensor, message, TensorSpec("benchmark", torch.float32, SHAPE, LIMIT))

    assert decoded_BTH.shape == SHAPE
