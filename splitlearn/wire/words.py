"""Makes text from a peer safe to show."""

__all__ = ["clipped", "printable"]

# A message travels percent-encoded, so even non-ASCII text must stay far below the metadata limit.
LONGEST_WORDS = 400


def printable(words: str) -> str:
    """Return text with characters that affect a terminal escaped."""
    if words.isprintable():
        return words
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in words)


def clipped(words: str) -> str:
    """Return long text without its middle: a peer's text may be in it, and a status must fit into metadata."""
    return words if len(words) <= LONGEST_WORDS else f"{words[: LONGEST_WORDS // 2]} … {words[-LONGEST_WORDS // 2 :]}"
