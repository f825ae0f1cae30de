"""A folder that cannot be made is named with its setting, and with what to do."""

import pytest

OUT = {
    "split": ["split"],
    "export": ["export", "--initial"],
    "certificates": ["certificates"],
}


def refusal(splitlearn, *words):
    """Run a command that must refuse; return what it says."""
    status, out, err = splitlearn(*words)
    assert (status, out) == (2, "")
    return err


@pytest.mark.parametrize("place", ["file", "file/below"])
@pytest.mark.parametrize("command", OUT.values(), ids=OUT)
def test_an_output_folder(splitlearn, small_model, tmp_path, command, place):
    (tmp_path / "file").write_text("")
    model = [] if command == ["certificates"] else [f"--model={small_model()}"]
    said = refusal(splitlearn, *command, *model, f"--out={place}")

    assert f"out = {place}: the folder cannot be made (" in said
    assert "choose another --out" in said


@pytest.mark.parametrize("mode", ["training", "inference"])
@pytest.mark.parametrize("place", ["file", "file/below"])
def test_the_folder_of_a_trunks_checkpoints(splitlearn, small_model, tmp_path, place, mode):
    (tmp_path / "file").write_text("")
    said = refusal(splitlearn, "trunk", f"--model={small_model()}", f"--save-dir={place}", f"--mode={mode}")

    assert f"save_dir = {place}: the folder cannot be written (" in said
    assert "give another --save-dir" in said


def test_wrong_settings_make_no_folder(splitlearn, tmp_path):
    refusal(splitlearn, "split", "--batch-size=0", "--out=parts")
    refusal(splitlearn, "export", "--initial", "--batch-size=0", "--out=joined")

    assert not any((tmp_path / name).exists() for name in ("parts", "joined"))
