"""The HTTP API: what each endpoint does."""

from collections.abc import Mapping

from aiohttp import web

from harness.proxy.embedded.errors import ApiError
from harness.proxy.embedded.json_body import json_list, json_object, value_of
from harness.proxy.embedded.proxies import Proxies, ProxySettings
from harness.proxy.embedded.proxy import Proxy
from harness.proxy.embedded.replies import empty_reply, json_reply, text_reply
from harness.proxy.embedded.request_body import read_body
from harness.proxy.embedded.routing import Routes, route
from harness.proxy.embedded.toxic_body import new_toxic, shown_toxic, updated_toxic

__all__ = ["VERSION", "Api"]

VERSION = "2.12.0-embedded"
"""The Toxiproxy release whose behaviour this server implements."""

Parts = Mapping[str, str]


class Api:
    """Answers requests about a set of proxies."""

    def __init__(self, proxies: Proxies) -> None:
        self._proxies = proxies
        self._routes: Routes = {
            "/proxies": {"GET": self._list, "POST": self._create},
            "/proxies/{proxy}": {
                "GET": self._show,
                "POST": self._update,
                "PATCH": self._update,
                "DELETE": self._delete,
            },
            "/proxies/{proxy}/toxics": {"GET": self._list_toxics, "POST": self._create_toxic},
            "/proxies/{proxy}/toxics/{toxic}": {
                "GET": self._show_toxic,
                "POST": self._update_toxic,
                "PATCH": self._update_toxic,
                "DELETE": self._delete_toxic,
            },
            "/populate": {"POST": self._populate},
            "/reset": {"POST": self._reset},
            "/version": {"GET": self._version},
            "/metrics": {"GET": self._metrics},
        }

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer one request."""
        return await route(self._routes, request)

    async def _list(self, _request: web.BaseRequest, _parts: Parts) -> web.Response:
        return json_reply({proxy.name: _shown(proxy) for proxy in self._proxies})

    async def _create(self, request: web.BaseRequest, _parts: Parts) -> web.Response:
        settings = ProxySettings.read(json_object(await read_body(request)))
        return json_reply(_shown(await self._proxies.create(settings)), status=201)

    async def _show(self, _request: web.BaseRequest, parts: Parts) -> web.Response:
        return json_reply(_shown(self._proxies.get(parts["proxy"])))

    async def _update(self, request: web.BaseRequest, parts: Parts) -> web.Response:
        proxy = self._proxies.get(parts["proxy"])
        body = json_object(await read_body(request))
        async with proxy.changing:
            await proxy.configure(
                value_of(body, "listen", proxy.listen),
                value_of(body, "upstream", proxy.upstream),
                enabled=value_of(body, "enabled", proxy.enabled),
            )
        return json_reply(_shown(proxy))

    async def _delete(self, _request: web.BaseRequest, parts: Parts) -> web.Response:
        await self._proxies.remove(parts["proxy"])
        return empty_reply()

    async def _list_toxics(self, _request: web.BaseRequest, parts: Parts) -> web.Response:
        return json_reply([shown_toxic(named) for named in self._proxies.get(parts["proxy"]).toxics])

    async def _create_toxic(self, request: web.BaseRequest, parts: Parts) -> web.Response:
        proxy = self._proxies.get(parts["proxy"])
        named = new_toxic(json_object(await read_body(request)))
        proxy.add_toxic(named)
        return json_reply(shown_toxic(named))

    async def _show_toxic(self, _request: web.BaseRequest, parts: Parts) -> web.Response:
        return json_reply(shown_toxic(self._proxies.get(parts["proxy"]).toxic(parts["toxic"])))

    async def _update_toxic(self, request: web.BaseRequest, parts: Parts) -> web.Response:
        proxy = self._proxies.get(parts["proxy"])
        proxy.toxic(parts["toxic"])  # an unknown one is refused before its body is asked for
        body = await read_body(request)
        named, errors = updated_toxic(proxy.toxic(parts["toxic"]), json_object(body))
        proxy.update_toxic(named)
        if errors:
            raise errors[0]
        return json_reply(shown_toxic(named))

    async def _delete_toxic(self, _request: web.BaseRequest, parts: Parts) -> web.Response:
        self._proxies.get(parts["proxy"]).remove_toxic(parts["toxic"])
        return empty_reply()

    async def _populate(self, request: web.BaseRequest, _parts: Parts) -> web.Response:
        created: list[dict[str, object]] = []
        try:
            wanted = [
                ProxySettings.read(entry, where=f" at proxy {number}")
                for number, entry in enumerate(json_list(await read_body(request)), start=1)
            ]
            for settings in wanted:
                created.append(_shown(await self._proxies.create_or_replace(settings)))  # noqa: PERF401
        except ApiError as error:  # what was created before it is reported too, hence the loop above
            refusal = {"error": str(error), "status": error.status, "proxies": created or None}
            return json_reply(refusal, status=error.status)
        return json_reply({"proxies": created or None}, status=201)

    async def _reset(self, _request: web.BaseRequest, _parts: Parts) -> web.Response:
        await self._proxies.reset()
        return empty_reply()

    async def _version(self, _request: web.BaseRequest, _parts: Parts) -> web.Response:
        return json_reply({"version": VERSION})

    async def _metrics(self, _request: web.BaseRequest, _parts: Parts) -> web.Response:
        return text_reply(self._proxies.metrics.text())


def _shown(proxy: Proxy) -> dict[str, object]:
    return {
        "name": proxy.name,
        "listen": proxy.listen,
        "upstream": proxy.upstream,
        "enabled": proxy.enabled,
        "Logger": {},
        "toxics": [shown_toxic(named) for named in proxy.toxics],
    }
