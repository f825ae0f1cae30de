"""The loop of docs/recording.md records itself in fewer than ten added lines."""

from pathlib import Path

from harness.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "recording.md"


def test_the_recording_of_the_page_is_one(names_of_page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names_of_page("recording.md")
    assert 0 == main(["judge", "recordings/mine", "recordings/mine"])


def test_fewer_than_ten_lines_are_added():
    assert 8 == PAGE.read_text().count("# recorded\n")
