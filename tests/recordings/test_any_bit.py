"""One bit, flipped anywhere in a recording, is always found, at its own place."""

import math
import shutil
import struct
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from loop import Spoiler, flip

from harness.judging.recordings import verdict_of
from harness.oracle.comparing import compare_recordings
from harness.oracle.digests import FINAL
from harness.oracle.recordings import read_recording
from harness.trace.verdict import Verdict


@settings(max_examples=40)
@given(data=st.data())
def test_it_is_found_with_index_and_both_values(recorded, data):
    reference = read_recording(recorded)
    place = data.draw(st.sampled_from(sorted(reference.digests, key=str)))
    before = reference.load(place)
    element = data.draw(st.integers(0, before.numel() - 1), "element")
    bit = data.draw(st.integers(0, 8 * before.element_size() - 1), "bit")
    with tempfile.TemporaryDirectory() as folder:
        spoilt = Spoiler(shutil.copytree(recorded, Path(folder) / "spoilt") / "main")
        if place.step == FINAL:
            spoilt.change_final(place.tensor, lambda t: flip(t, element, bit))
        else:
            spoilt.change(place.step, place.microbatch, place.tensor, lambda t: flip(t, element, bit))
        recording = read_recording(spoilt.part)
        comparison = compare_recordings(recording, reference)
        after = recording.load(place)

    first = comparison.first_divergence
    assert (Verdict.FAIL, 1, place) == (verdict_of(comparison), comparison.disagreeing, first.place)
    index = tuple(reversed([*_unravel(element, before.shape)]))
    assert index == first.index
    assert _bits(float(after[index])) == _bits(first.values[0])
    assert float(before[index]) == first.values[1]
    assert 1 == comparison.whole - comparison.identical
    distances = sum(comparison.ulp_histogram.values())
    assert distances == sum(reference.load(place).numel() for place in reference.digests)
    assert sum(row.max_ulp == -1 for row in comparison.rows) == (not math.isfinite(first.values[0]))


def _unravel(element, shape):
    for size in reversed(shape):
        element, rest = divmod(element, size)
        yield rest


def _bits(value):
    return "nan" if math.isnan(value) else struct.pack("<d", value)
