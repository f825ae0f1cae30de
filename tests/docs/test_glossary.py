"""The glossary names places that exist, and lists its words in order."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "glossary.md").read_text().splitlines()
    if line.startswith("| ")
][1:]


def test_every_place_in_the_glossary_exists():
    places = [place for *_, cell in ROWS for place in re.findall(r"`([^`]+)`", cell)]

    assert len(places) >= len(ROWS)
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_the_words_are_in_alphabetical_order_and_each_has_a_meaning():
    words = [row[0].lower() for row in ROWS]

    assert words == sorted(words)
    assert len(words) == len(set(words))
    assert all(len(row) == 4 and row[2] for row in ROWS)
