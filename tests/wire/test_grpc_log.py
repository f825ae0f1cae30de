import logging

from splitlearn.wire.grpc_log import BINDINGS, without_tracebacks


def test_headers_that_are_no_text_are_reported_in_one_line_and_other_failures_in_full(caplog):
    for _ in range(2):
        without_tracebacks()
    for failing in (b"\xff\x1b".decode, lambda: 1 / 0):
        try:
            failing()
        except (UnicodeDecodeError, ZeroDivisionError):
            BINDINGS.exception("Invalid encoding on %s", b"\xff\x1b")

    first, second = (record for record in caplog.records if record.name == BINDINGS.name)
    assert (first.levelno, first.exc_info) == (logging.WARNING, None)
    assert r"Invalid encoding on b'\xff\x1b'" == first.getMessage()
    assert "ZeroDivisionError" in second.exc_text
    assert 1 == caplog.text.count("Traceback")
