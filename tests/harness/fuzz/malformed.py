"""Shared by the tests of malformed requests: a target that does not exist, and each kind's own refusal."""

import torch

from harness.fuzz.target import Target
from splitlearn.wire.errors import Reason

SECONDS = 60
MIB = 1 << 20
ELSEWHERE = Target("127.0.0.1:1", "run", 1_000_000_001, 32, MIB, {"model": "gpt2", "seed": "7"})

OWN_REASONS = {
    "NaN or infinity": Reason.NON_FINITE,
    "wrong shape": Reason.BAD_SHAPE,
    "size of zero or less": Reason.BAD_SIZE,
    "huge shape": Reason.TOO_LARGE,
    "too many positions": Reason.BAD_SHAPE,
    "wrong dtype": Reason.BAD_DTYPE,
    "unknown codec": Reason.UNKNOWN_CODEC,
    "wrong checksum": Reason.CORRUPT,
    "wrong length": Reason.BAD_DATA,
    "decompression bomb": Reason.DECOMPRESSION_BOMB,
    "damaged stream": Reason.BAD_DATA,
    "mask of other shape": Reason.BAD_SHAPE,
    "mask of other dtype": Reason.BAD_DTYPE,
    "mask of other numbers": Reason.BAD_DATA,
    "unknown session": Reason.UNKNOWN_SESSION,
    "stale incarnation": Reason.STALE_INCARNATION,
    "bad position": Reason.BAD_REQUEST,
    "step in the past": Reason.STEP_IN_PAST,
    "step in the future": Reason.STEP_IN_FUTURE,
    "bad commit": Reason.BAD_REQUEST,
    "unknown action": Reason.BAD_REQUEST,
    "gradients of another step": Reason.NO_GRADIENTS,
    "gradients of no parameter": Reason.BAD_REQUEST,
    "another agreement": Reason.MISMATCH,
    "no opener": Reason.BAD_REQUEST,
    "broken checksum": Reason.CORRUPT,
}

HIDDEN = torch.randn(2, 6, 32, generator=torch.Generator().manual_seed(0))
MASK = torch.ones(2, 6, dtype=torch.int64)
