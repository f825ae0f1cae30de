"""Words of a peer, fit to be shown."""

__all__ = ["clipped", "printable"]

# A message travels percent-encoded, so even of words that are not ASCII it must be far from the limit of metadata.
LONGEST_WORDS = 400


def printable(words: str) -> str:
    """Return words without characters that do something to a terminal, each of them written as an escape."""
    if words.isprintable():
        return words
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in words)


def clipped(words: str) -> str:
    """Return long words without their middle: a peer's own may stand there, and a status has to fit into metadata."""
    return words if len(words) <= LONGEST_WORDS else f"{words[: LONGEST_WORDS // 2]} … {words[-LONGEST_WORDS // 2 :]}"
