"""Words of the texts that the harness makes."""

__all__ = ["WORDS"]

WORDS = (
    "the",
    "trunk",
    "keeps",
    "what",
    "stands",
    "between",
    "both",
    "cuts",
    "and",
    "never",
    "sees",
    "its",
    "client's",
    "text",
)
