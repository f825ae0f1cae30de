"""Messages that arrive as others than were sent, so that gRPC and TCP notice nothing."""

__all__ = ["damaged"]

# One bit: the smallest lie there is.
FLIPPED = 0b0000_0100


def damaged(body: bytes) -> bytes:
    """Give a message with the byte in its middle altered: of a tensor's data, a norm, a learning rate, a setting."""
    data = bytearray(body)
    data[len(data) // 2] ^= FLIPPED
    return bytes(data)
