"""The trunk's calls on a bare channel, without the client's way of reading replies."""

from types import SimpleNamespace

from splitlearn.wire.methods import METHODS


def checksummed_stub(channel):
    """Return every method of `ComputeService` by its name."""
    calls = SimpleNamespace()
    for method in METHODS.values():
        make = channel.unary_stream if method.streams else channel.unary_unary
        setattr(calls, method.name, make(method.path, method.write_request, method.reply_type.FromString))
    return calls
