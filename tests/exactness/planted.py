"""What the tests of the eleven rules of exactness share.

Every rule has a companion that breaks it and sees the comparison differ: each `test_planted_…` replaces a part of the
system by one with a known bug. The unbroken side of each rule is held by `test_split_equals_uncut.py`, or by the test
next to the companion.
"""

import torch
from exactness.cut import train_split
from exactness.uncut import difference, train_uncut

from splitlearn.models import FAMILY
from splitlearn.probe import NullProbe
from splitlearn.tensor_log import NullTensorLog
from splitlearn.trunk.session import TrunkSession


def differs(config, batches, **options):
    """Return the first difference between training the cut model and the uncut one."""
    return difference(train_uncut(config, batches), train_split(config, batches, **options))


def session_of(config):
    """Open a trunk's session in this process."""
    return TrunkSession(FAMILY.load_trunk(config)[0], config, NullProbe(), NullTensorLog())


def tensors_of(count, *, width=32):
    """Draw hidden states, always the same ones."""
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(2, 12, width, generator=generator) for _ in range(count)]
