import os
import re
from pydoc_data.topics import topics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitlearn.data import read_documents
from splitlearn.data.corpus import digest_of
from splitlearn.errors import DataError


def texts(data):
    return ["".join(document.chunks()) for document in read_documents(data)]


def checked(data):
    """Read all of it, as training does."""
    digest_of(read_documents(data))


def test_the_default_corpus_is_every_topic_in_sorted_order():
    documents = texts("")

    assert len(topics) == len(documents)
    assert [topics[name] for name in sorted(topics)] == documents


def test_the_order_of_the_topics_is_not_that_of_their_definition(monkeypatch):
    monkeypatch.setattr("splitlearn.data.corpus.topics", {"b": "second", "a": "first"})

    assert texts("") == ["first", "second"]


def test_a_file_is_one_document_with_its_line_structure(write):
    assert texts(write(" one\n\n two\nthree")) == [" one\n\n two\nthree"]


def test_byte_order_mark_and_foreign_line_ends_are_no_text(write):
    assert texts(write(b"\xef\xbb\xbfone\r\ntwo\r\rthree")) == ["one\ntwo\n\nthree"]


@given(text=st.text(st.sampled_from("a\n\ré東🙂\ufeff"), max_size=12), size=st.integers(1, 5))
def test_a_file_is_the_same_text_whatever_is_read_of_it_at_a_time(tmp_path_factory, text, size):
    path = tmp_path_factory.mktemp("text") / "corpus.txt"
    path.write_bytes(text.encode())
    whole = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("splitlearn.data.corpus.CHUNK_BYTES", size)
        assert texts(str(path)) == [whole]


def test_a_text_is_never_in_memory_as_a_whole(write, monkeypatch):
    monkeypatch.setattr("splitlearn.data.corpus.CHUNK_BYTES", 10)
    (document,) = read_documents(write("word " * 100))

    assert max(map(len, document.chunks())) == 10


def test_texts_and_where_they_end_decide_the_digest(monkeypatch, write):
    def digest(*documents):
        monkeypatch.setattr("splitlearn.data.corpus.topics", {str(n): text for n, text in enumerate(documents)})
        return digest_of(read_documents(""))

    different = [("a", "b"), ("b", "a"), ("ab",), ("a", "b", "")]
    assert len({digest(*documents) for documents in different}) == len(different)
    assert digest("a\nb") == digest_of(read_documents(write("a\r\nb")))


def test_a_file_in_the_home_folder_is_found(tmp_path, monkeypatch, write):
    write("text")
    monkeypatch.setenv("HOME", str(tmp_path))

    assert texts("~/corpus.txt") == ["text"]


@pytest.mark.parametrize("content", ["", " \n\t\n", "\ufeff"])
def test_an_empty_file_is_refused(write, content):
    with pytest.raises(DataError, match=r"corpus\.txt: the file holds no text; give a UTF-8 text file"):
        checked(write(content))


def test_a_missing_file_is_refused(tmp_path):
    path = tmp_path / "absent.txt"

    with pytest.raises(DataError, match=re.escape(f"data = {path}: there is no such file; give")):
        read_documents(str(path))


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="this is a folder; give"):
        read_documents(str(tmp_path))


def test_an_unreadable_file_is_refused_with_the_systems_reason(tmp_path):
    """A link to itself is unreadable for the superuser too."""
    loop = tmp_path / "loop"
    loop.symlink_to(loop)

    with pytest.raises(DataError, match=r"cannot be read \(Too many levels of symbolic links\); give"):
        read_documents(str(loop))


def test_a_file_that_is_not_utf8_is_refused_with_the_place(write):
    with pytest.raises(DataError, match=r"not UTF-8 at byte offset 5 \(0xe9\); convert the file"):
        checked(write("é caf".encode()[:5] + b"\xe9 cr\xe8me"))


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_the_place_is_right_whatever_is_read_at_a_time(write, monkeypatch, size):
    monkeypatch.setattr("splitlearn.data.corpus.CHUNK_BYTES", size)

    with pytest.raises(DataError, match=r"byte offset 4 \(0xe6\)"):
        checked(write("abé東".encode()[:6] + b"c"))
    with pytest.raises(DataError, match=r"byte offset 4 \(0xe6\)"):
        checked(write("abé東".encode()[:6]))


def test_a_pipe_is_refused_because_it_can_be_read_only_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(DataError, match="this is no plain file; give"):
        read_documents(str(tmp_path / "pipe"))


def test_a_file_that_changes_while_it_is_read_is_refused(write):
    path = write("one")
    documents = read_documents(path)
    write("one two")

    with pytest.raises(DataError, match="was changed while it was read; start again"):
        digest_of(documents)
