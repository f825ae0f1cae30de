"""A Toxiproxy-compatible server that needs nothing but Python, and takes a seed."""

from harness.proxy.embedded.api import VERSION
from harness.proxy.embedded.errors import ListenFailedError
from harness.proxy.embedded.server import serve

__all__ = ["VERSION", "ListenFailedError", "serve"]
