"""Replies, byte for byte as clients expect them."""

import json

from aiohttp import web

from harness.proxy.embedded.errors import ApiError

__all__ = ["empty_reply", "error_reply", "json_reply", "text_reply"]


def json_reply(value: object, status: int = 200) -> web.Response:
    """Return a JSON reply."""
    return web.Response(body=_compact(value), status=status, content_type="application/json")


def error_reply(error: ApiError) -> web.Response:
    """Return an error reply: JSON, but sent as plain text."""
    return text_reply(_error_text(error), status=error.status)


def _error_text(error: ApiError) -> str:
    """Return the body that reports an error."""
    return _compact({"error": str(error), "status": error.status}).decode() + "\n"


def text_reply(text: str, status: int = 200) -> web.Response:
    """Return a plain text reply."""
    headers = {"X-Content-Type-Options": "nosniff"} if status >= 400 else {}
    return web.Response(text=text, status=status, content_type="text/plain", charset="utf-8", headers=headers)


def empty_reply() -> web.Response:
    """Return success without a body."""
    return web.Response(status=204)


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")
