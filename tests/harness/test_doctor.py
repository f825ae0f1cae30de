"""`harness doctor`: what it finds on this machine."""

import json

from harness.cli import main


def test_doctor_says_what_was_found(tmp_path, capsys):
    path = tmp_path / "found.json"
    assert 0 == main(["doctor", "--json", str(path)])
    found = json.loads(path.read_text())
    assert "PASS" == found["verdict"]
    assert {"python", "torch", "grpcio"} <= found["versions"].keys()
    assert found["machine"]["cores"] >= 1
    assert found["proxy"]["kind"] in ("real", "embedded")
    assert 0 < found["loopback port"] < 65536
    shown = capsys.readouterr().out
    assert found["versions"]["torch"] in shown
