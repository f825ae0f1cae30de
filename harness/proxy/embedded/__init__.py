"""A Toxiproxy-compatible server in pure Python, with a seed."""

from harness.proxy.embedded.api import VERSION
from harness.proxy.embedded.errors import ListenFailedError
from harness.proxy.embedded.server import serve

__all__ = ["VERSION", "ListenFailedError", "serve"]
