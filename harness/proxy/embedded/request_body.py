"""The body of a request, and the interim answer that some clients wait for before they send it."""

from aiohttp import HttpVersion11, web

__all__ = ["expects_something_else", "expects_to_continue", "read_body"]

_CONTINUE = "100-continue"


async def read_body(request: web.BaseRequest) -> bytes:
    """Read the body; ask for it first if the client waits for that."""
    if expects_to_continue(request):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer has not begun yet
    return await request.read()


def expects_to_continue(request: web.BaseRequest) -> bool:
    """Return whether the client may hold its body back until it is asked for or refused."""
    return _expectation(request) == _CONTINUE and request.version >= HttpVersion11 and request.can_read_body


def expects_something_else(request: web.BaseRequest) -> bool:
    """Return whether the client expects something that no server of this kind supports."""
    return _expectation(request) not in {"", _CONTINUE}


def _expectation(request: web.BaseRequest) -> str:
    return request.headers.get("Expect", "").strip().lower()
