"""Cut texts have the tokens of whole ones."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from splitlearn.data import pieces
from splitlearn.data.pieces import batches_of, lines_of, pieces_of

letters = st.text(st.sampled_from("ab1'.,\n\n  \t\r\u3000\x1cé東🙂s<|>"), max_size=60)
chunked = st.lists(letters, max_size=5)


@pytest.fixture(autouse=True, scope="module")
def short_pieces():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE", 3)
        patch.setattr(pieces, "BATCH", 20)
        yield


@given(chunks=chunked)
def test_pieces_are_the_text_and_do_not_depend_on_its_chunks(chunks):
    found = list(pieces_of(chunks))

    assert "".join(chunks) == "".join(piece.text for piece in found)
    assert [piece.last for piece in found] == [False] * (len(found) - 1) + [True]
    assert list(pieces_of(["".join(chunks)])) == found
    assert all(len(piece.text) <= 6 for piece in found)


@given(chunks=chunked)
def test_lines_are_those_of_the_text_whatever_its_chunks(chunks):
    found = list(lines_of(chunks))
    lines = [""]
    for piece in found:
        lines[-1] += piece.text
        lines += [""] if piece.last else []

    assert [*"".join(chunks).split("\n"), ""] == lines
    assert list(lines_of(["".join(chunks)])) == found
    assert all(len(piece.text) <= 6 for piece in found)


@given(text=letters)
@example(text="aaa\n\n\nbbb ccc 's ddd  eee\n <|endoftext|> fff\n1 23")
def test_a_place_to_cut_does_not_change_the_tokens(tokenizer, text):
    """Wherever it may be cut, one place at a time."""
    for place in pieces.PLACE.finditer(text):
        parts = [text[: place.start()], text[place.start() :]]
        assert tokenizer.encode(text) == [token for part in parts for token in tokenizer.encode(part)]


@given(text=letters)
def test_many_texts_at_once_have_the_tokens_of_each(tokenizer, text):
    texts = [text, "", "a <|endoftext|>b", text]

    assert [tokenizer.encode(one) for one in texts] == tokenizer.encode_batch(texts)


@given(chunks=st.lists(letters, max_size=9))
def test_a_batch_is_bounded(chunks):
    found = list(pieces_of(chunks))
    batches = list(batches_of(found))

    assert found == [piece for batch in batches for piece in batch]
    assert all(sum(len(piece.text) for piece in batch) <= 20 + 6 for batch in batches)
    assert len(batches) <= 1 + sum(len(piece.text) + 1 for piece in found) // 20
