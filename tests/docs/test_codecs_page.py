"""The page of codecs lists every one of the package, with its own words for its error."""

import re

import pytest
import torch
from docs.conftest import DOCS

from harness.oracle.promises import PROMISES
from splitlearn.codecs import CODECS
from splitlearn.coding import Passage

PAGE = (DOCS / "codecs.md").read_text()
ROWS = dict(re.findall(r"^\| `([^`]+)` \| (.*) \|$", PAGE, re.MULTILINE))
# Of the tensors at the cuts of a model that is 384 wide; signs and mantissas are random, as those of activations are.
SHAPE = (8, 128, 384)


def test_every_codec_of_the_package_has_a_row():
    assert PROMISES.keys() == ROWS.keys()


@pytest.mark.parametrize("codec", PROMISES)
def test_a_row_states_the_codecs_own_bound_and_the_bytes_that_it_takes(codec):
    share, _, bound, _ = re.split(r" (?<!\\)\| ", ROWS[codec])
    tensor = torch.randn(SHAPE, generator=torch.Generator().manual_seed(1))

    taken = len(Passage().encode(CODECS[codec], tensor)) / tensor.nbytes

    assert CODECS[codec].error_bound == bound.replace("\\|", "|")
    assert float(share.split()[0]) == pytest.approx(taken, abs=0.005)
