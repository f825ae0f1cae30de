"""What stateful codecs remember of a session: advances at commit, goes back with a checkpoint, repeats itself."""

import pytest
import torch
from exactness.uncut import same_bits

from splitlearn.coding import CodecStates, Passage, Slot, StatesTooLargeError

SLOT = Slot("adding", "smashed", 0)
OTHER = SLOT._replace(microbatch=1)


class AddingCodec:
    """Sends a tensor and the sum of all before it."""

    name = "adding"
    lossless = False
    error_bound = "none"

    def encode_after(self, state, tensor):
        total = tensor + state.get("total", 0)
        return total.numpy().tobytes(), {"total": total}

    def decode_after(self, state, data, dtype, shape):
        return torch.frombuffer(bytearray(data), dtype=dtype).view(shape), state


class DoublingCodec:
    name = "doubling"
    lossless = False
    error_bound = "none"

    def encode(self, tensor):
        return (2 * tensor).numpy().tobytes()


def sent(states, step, value, slot=SLOT, committing=None):
    """Send one number in a step; return what went over the wire."""
    passage = states.passage(slot, committing)
    data = passage.encode(AddingCodec(), torch.tensor([value]))
    states.keep(step, passage)
    return torch.frombuffer(bytearray(data), dtype=torch.float32).item()


def test_a_repeated_tensor_gets_the_same_bytes_until_the_step_is_committed():
    states = CodecStates()
    assert [sent(states, 0, 1.0) for _ in range(3)] == [1.0, 1.0, 1.0]

    states.commit(0, skip=False)
    states.commit(0, skip=False)

    assert [sent(states, 1, 1.0) for _ in range(3)] == [2.0, 2.0, 2.0]


def test_every_microbatch_has_a_state_of_its_own():
    states = CodecStates()
    assert (sent(states, 0, 1.0), sent(states, 0, 5.0, OTHER)) == (1.0, 5.0)
    states.commit(0, skip=False)

    assert (sent(states, 1, 5.0, OTHER), sent(states, 1, 1.0)) == (10.0, 2.0)


def test_a_skipped_step_leaves_the_states_as_they_were():
    states = CodecStates()
    sent(states, 0, 1.0)
    states.commit(0, skip=False)
    sent(states, 1, 100.0)
    states.commit(1, skip=True)

    assert sent(states, 2, 1.0) == 2.0


def test_a_commit_that_rides_with_a_tensor_counts_before_it_is_applied_and_once():
    states = CodecStates()
    sent(states, 0, 1.0)

    early = states.passage(SLOT, committing=0)
    early.encode(AddingCodec(), torch.tensor([1.0]))
    states.commit(0, skip=False)
    states.keep(1, early)

    assert early.after["total"].item() == 2.0
    assert sent(states, 1, 1.0, committing=0) == 2.0, "a repeated request starts where the first one did"


def test_a_step_that_is_given_up_is_forgotten():
    states = CodecStates()
    sent(states, 3, 1.0)
    sent(states, 4, 7.0, OTHER)
    states.commit(4, skip=False)

    assert sent(states, 5, 1.0) == 1.0


def test_states_go_back_with_a_checkpoint():
    states, later = CodecStates(), CodecStates()
    sent(states, 0, 1.0)
    sent(states, 0, 5.0, OTHER)
    states.commit(0, skip=False)
    sent(states, 1, 100.0)
    saved = states.tensors()
    assert saved.keys() == {"adding/smashed/0/total", "adding/smashed/1/total"}

    sent(later, 0, 50.0)
    later.load(saved)

    assert (sent(later, 1, 1.0), sent(later, 1, 5.0, OTHER)) == (2.0, 10.0)
    assert same_bits(saved["adding/smashed/0/total"], torch.tensor([1.0]))
    later.load({})
    assert sent(later, 0, 1.0) == 1.0


def test_states_have_a_limit_in_bytes():
    states = CodecStates(max_bytes=8)
    sent(states, 0, 1.0)
    sent(states, 0, 2.0)
    sent(states, 0, 1.0, OTHER)
    assert states.nbytes == 8

    with pytest.raises(StatesTooLargeError, match="12 bytes; allowed are 8"):
        sent(states, 0, 1.0, SLOT._replace(stream="features_grad"))
    assert states.nbytes == 8


def test_a_codec_without_state_leaves_nothing():
    states = CodecStates()
    passage = states.passage(Slot("doubling", "smashed", 0))
    passage.encode(DoublingCodec(), torch.ones(3))
    states.keep(0, passage)
    states.commit(0, skip=False)

    assert states.tensors() == {}
    assert states.nbytes == 0


def test_inference_leaves_nothing():
    states, passage = CodecStates(), Passage()
    passage.encode(AddingCodec(), torch.ones(3))
    states.keep(0, passage)
    states.commit(0, skip=False)

    assert states.tensors() == {}
