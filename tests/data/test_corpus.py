import re
from pydoc_data.topics import topics

import pytest

from splitlearn.data import read_documents, text_lines
from splitlearn.errors import DataError


def test_the_default_corpus_is_every_topic_in_sorted_order():
    documents = read_documents("")

    assert len(topics) == len(documents)
    assert [topics[name] for name in sorted(topics)] == list(documents)


def test_the_order_of_the_topics_is_not_that_of_their_definition(monkeypatch):
    monkeypatch.setattr("splitlearn.data.corpus.topics", {"b": "second", "a": "first"})

    assert read_documents("") == ("first", "second")


def test_a_file_is_one_document_with_its_line_structure(write):
    assert read_documents(write(" one\n\n two\nthree")) == (" one\n\n two\nthree",)


def test_lines_are_texts_and_blank_ones_are_ignored(write):
    documents = read_documents(write("one\n\n  \t\n two \u2028 still two\nthree"))

    assert text_lines(documents) == ("one", " two \u2028 still two", "three")


def test_byte_order_mark_and_foreign_line_ends_are_no_text(write):
    assert read_documents(write(b"\xef\xbb\xbfone\r\ntwo\r\rthree")) == ("one\ntwo\n\nthree",)


def test_a_file_in_the_home_folder_is_found(tmp_path, monkeypatch, write):
    write("text")
    monkeypatch.setenv("HOME", str(tmp_path))

    assert read_documents("~/corpus.txt") == ("text",)


@pytest.mark.parametrize("content", ["", " \n\t\n", "\ufeff"])
def test_an_empty_file_is_refused(write, content):
    with pytest.raises(DataError, match=r"corpus\.txt: the file holds no text; give a UTF-8 text file"):
        read_documents(write(content))


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
        read_documents(write("é caf".encode()[:5] + b"\xe9 cr\xe8me"))
