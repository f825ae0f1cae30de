"""The cost of encoding, decoding and checking a tensor: one microbatch of 8 x 128 positions, 384 wide, in float32."""

import time
from collections import defaultdict
from itertools import product

import pytest
import torch

from splitlearn.codecs import CODECS
from splitlearn.coding import Passage
from splitlearn.wire.tensors import TensorSpec, decode_tensor, encode_tensor

SHAPE = (8, 128, 384)
LIMIT = 1 << 28
TURNS = 31


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


def seconds(call, *arguments):
    began = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - began


def test_codecs_alone_beside_a_copy(say):
    """Time all of them in turns, without checks and checksums; the best of each is what other load disturbed least."""
    tensor_BTH = torch.randn(SHAPE)
    data = {name: Passage().encode(codec, tensor_BTH) for name, codec in CODECS.items()}
    encoding, decoding = defaultdict(list), defaultdict(list)
    for _, (name, codec) in product(range(TURNS), CODECS.items()):
        encoding[name].append(seconds(Passage().encode, codec, tensor_BTH))
        decoding[name].append(seconds(Passage().decode, codec, data[name], torch.float32, SHAPE))

    for name in CODECS:
        said = [f"{name}: {len(data[name]) / tensor_BTH.nbytes:.4f} of the bytes"]
        for doing, took in (("encodes", encoding), ("decodes", decoding)):
            rate, ratio = tensor_BTH.nbytes / min(took[name]) / 1e9, min(took[name]) / min(took["raw"])
            said.append(f"{doing} {rate:.2f} GB/s, {ratio:.1f} times a raw copy")
        say("; ".join(said))
