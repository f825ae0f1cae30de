"""Clients that ask before they send a body, as curl does with a large one: on both servers."""

import json
import socket

import pytest
from proxy_wires import DEADLINE_S

BODY = json.dumps({"type": "noop", "name": "asked_for"}).encode()
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def head(method, path, *, expect="100-continue", body=BODY, version="1.1"):
    fields = {"Host": "tests", "User-Agent": "tests", "Content-Length": len(body), "Expect": expect}
    lines = [f"{method} {path} HTTP/{version}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.fixture
def api(client):
    """Return a connection to the server's API."""
    with socket.create_connection((client.host, client.port), timeout=DEADLINE_S) as api:
        yield api


def answered(api):
    """Return the head of the next answer."""
    text = b""
    while not text.endswith(b"\r\n\r\n"):
        piece = api.recv(1)
        assert piece, f"closed after {text!r}"
        text += piece
    return text


def status_of(answer):
    return int(answer.split()[1])


@pytest.mark.parametrize("expect", ["100-continue", "100-Continue"])
def test_a_body_is_asked_for_before_it_comes(bench, api, expect):
    handle = bench.proxy()
    api.sendall(head("POST", f"/proxies/{handle.name}/toxics", expect=expect))
    assert answered(api) == CONTINUE
    api.sendall(BODY)
    assert status_of(answered(api)) == 200
    assert [toxic.name for toxic in handle.toxics()] == ["asked_for"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PATCH", "/proxies/nope", 404),
        ("POST", "/proxies/nope/toxics", 404),
        ("PATCH", "/proxies/{}/toxics/nope", 404),
        ("POST", "/nope", 404),
        ("PUT", "/proxies", 405),
    ],
)
def test_what_is_refused_without_its_body_is_refused_at_once_and_for_good(bench, api, method, path, status):
    api.sendall(head(method, path.format(bench.proxy().name)))
    answer = answered(api)
    assert status_of(answer) == status
    assert b"connection: close\r\n" in answer.lower()


def test_an_unknown_expectation_fails(api):
    api.sendall(head("GET", "/version", expect="coffee", body=b""))
    answer = answered(api)
    assert status_of(answer) == 417
    assert b"connection: close\r\n" in answer.lower()


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_a_request_without_a_body_gets_its_answer_and_nothing_before_it(api, version):
    api.sendall(head("GET", "/version", body=b"", version=version))
    assert status_of(answered(api)) == 200


def test_a_body_of_http_1_0_is_not_asked_for(bench, api):
    api.sendall(head("POST", f"/proxies/{bench.proxy().name}/toxics", version="1.0") + BODY)
    assert status_of(answered(api)) == 200
