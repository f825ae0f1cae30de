"""Encoding and decoding a tensor in each codec, against the codec `raw`; which itself is compared with a copy.

Shapes: B sequences, T positions, H hidden width.
"""

from collections.abc import Iterator
from statistics import median

import torch

from harness.bench.intervals import measurement
from harness.bench.pairs import pairs_of, timed
from harness.bench.workbench import Workbench
from harness.recording.schema import MeasurementRecord
from splitlearn.coding import AnyCodec, Passage, State
from splitlearn.registry import CODECS

__all__ = ["measure"]

PAIRS, QUICK_PAIRS = 31, 5
# A microbatch of W2's smashed data.
SHAPE = (8, 128, 384)
# Seconds; one call alone takes a fraction of a millisecond, of which a clock tells little.
SAMPLE, QUICK_SAMPLE = 0.05, 0.01
SEED = 0
GIGA = 1e9


class Coded:
    """One tensor after the other, as a codec codes and decodes them.

    Args:
        codec: with or without state.
        tensor_BTH: to be sent.
    """

    def __init__(self, codec: AnyCodec, tensor_BTH: torch.Tensor) -> None:
        self._codec = codec
        self._tensor_BTH = tensor_BTH
        self._sent: State = {}
        self._received: State = {}

    def once(self) -> tuple[bytes, torch.Tensor]:
        """Return the bytes that are sent, and the tensor that arrives."""
        sender, receiver = Passage(self._sent), Passage(self._received)
        data = sender.encode(self._codec, self._tensor_BTH)
        arrived_BTH = receiver.decode(self._codec, data, self._tensor_BTH.dtype, tuple(self._tensor_BTH.shape))
        self._sent, self._received = sender.after or {}, receiver.after or {}
        return data, arrived_BTH


def measure(workbench: Workbench) -> Iterator[MeasurementRecord]:
    """Yield the measurement of every codec that is installed; `raw` comes first."""
    torch.set_num_threads(1)
    sent_BTH = torch.randn(SHAPE, generator=torch.Generator().manual_seed(SEED))
    raw = Coded(CODECS["raw"], sent_BTH).once
    pairs, least = (QUICK_PAIRS, QUICK_SAMPLE) if workbench.quick else (PAIRS, SAMPLE)
    for name in ("raw", *sorted({*CODECS} - {"raw"})):
        coded = Coded(CODECS[name], sent_BTH)
        data, arrived_BTH = coded.once()
        a_is, a = ("raw", raw) if name != "raw" else ("a copy in memory", sent_BTH.clone)
        taken = pairs_of(pairs, timed(a, least), timed(coded.once, least))
        figures = {
            "GB/s": round(sent_BTH.nbytes / median(b for _, b in taken) / GIGA, 3),
            "bytes / raw bytes": round(len(data) / sent_BTH.nbytes, 4),
            "relative L2 error": float(torch.linalg.vector_norm(arrived_BTH - sent_BTH) / sent_BTH.norm()),
            "largest error": float((arrived_BTH - sent_BTH).abs().max()),
            "promised": CODECS[name].error_bound,
        }
        yield measurement(f"codecs/{name}", a_is, name, taken, figures)
