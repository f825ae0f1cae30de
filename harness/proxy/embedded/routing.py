"""From a request's method and path to the function that answers it."""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import unquote

from aiohttp import web

from harness.proxy.embedded.errors import ApiError
from harness.proxy.embedded.replies import error_reply, text_reply
from harness.proxy.embedded.request_body import expects_something_else, expects_to_continue

__all__ = ["Handler", "Routes", "route"]

Handler = Callable[[web.BaseRequest, Mapping[str, str]], Awaitable[web.Response]]
Routes = Mapping[str, Mapping[str, Handler]]
"""Path pattern, with parts in braces, to method to handler."""

_BROWSER = "Mozilla/"


async def route(routes: Routes, request: web.BaseRequest) -> web.Response:
    """Answer a request, turning every refusal into a reply."""
    refused = expects_something_else(request)
    response = web.Response(status=417) if refused else await _answer(routes, request)
    if refused or (expects_to_continue(request) and not request.content.at_eof()):
        # The body was not asked for and may or may not follow: nothing else can be read from this connection.
        response.force_close()
    return response


async def _answer(routes: Routes, request: web.BaseRequest) -> web.Response:
    path = unquote(request.rel_url.raw_path)
    for pattern, methods in routes.items():
        parts = _matched(pattern, path)
        if parts is None:
            continue
        if request.method not in methods:
            return web.Response(status=405)
        # A web page must not be able to control the server on its viewer's machine.
        if request.headers.get("User-Agent", "").startswith(_BROWSER):
            return text_reply("User agent not allowed\n", status=403)
        try:
            return await methods[request.method](request, parts)
        except ApiError as error:
            return error_reply(error)
    return text_reply("404 page not found\n", status=404)


def _matched(pattern: str, path: str) -> dict[str, str] | None:
    names, values = pattern.split("/"), path.split("/")
    if len(names) != len(values):
        return None
    parts: dict[str, str] = {}
    for name, value in zip(names, values, strict=True):
        if name.startswith("{") and value:
            parts[name.strip("{}")] = value
        elif name != value:
            return None
    return parts
