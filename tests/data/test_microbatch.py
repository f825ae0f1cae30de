import torch
from hypothesis import given
from hypothesis import strategies as st

from splitlearn.data import IGNORED_LABEL, target_tokens
from splitlearn.data.batch import pad_to_microbatch

token_rows = st.lists(st.lists(st.integers(0, 5000), min_size=2, max_size=9), min_size=1, max_size=6)


def microbatch_of(rows):
    return pad_to_microbatch([torch.tensor(row) for row in rows])


@given(token_rows)
def test_right_padding_to_the_longest_row_is_masked_everywhere(rows):
    batch = microbatch_of(rows)
    longest = max(map(len, rows))

    for tensor_BT in (batch.input_ids_BT, batch.attention_mask_BT, batch.labels_BT):
        assert (len(rows), longest) == tensor_BT.shape
        assert torch.int64 == tensor_BT.dtype
        assert tensor_BT.is_contiguous()
    for number, row in enumerate(rows):
        padding = longest - len(row)
        assert row == batch.input_ids_BT[number, : len(row)].tolist()
        assert row + [IGNORED_LABEL] * padding == batch.labels_BT[number].tolist()
        assert [1] * len(row) + [0] * padding == batch.attention_mask_BT[number].tolist()


@given(token_rows)
def test_padding_has_an_id_of_every_vocabulary(rows):
    assert int(microbatch_of(rows).input_ids_BT.max()) == max(map(max, rows))


@given(st.lists(token_rows, max_size=4))
def test_the_first_token_of_a_sequence_is_no_target(microbatches):
    step_batch = tuple(map(microbatch_of, microbatches))

    assert [sum(len(row) - 1 for row in rows) for rows in microbatches] == [b.target_tokens for b in step_batch]
    assert sum(len(row) - 1 for rows in microbatches for row in rows) == target_tokens(step_batch)


def test_the_label_is_the_input_itself_because_the_loss_shifts():
    batch = microbatch_of([[7, 8, 9]])

    assert torch.equal(batch.input_ids_BT, batch.labels_BT)
    assert batch.labels_BT.data_ptr() != batch.input_ids_BT.data_ptr()
