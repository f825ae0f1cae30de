"""Names in a registry come from a module of the package, an installed distribution, or a call of `register`."""

import sys

import pytest

from splitlearn.errors import ConfigError
from splitlearn.registry import Registry

OURS = ("bf16", "fp16", "int4", "int8", "random-topk", "raw", "shuffle-zstd", "topk", "topk-ef", "zlib")


@pytest.fixture
def registry_with(tmp_path, monkeypatch):
    """Return a function that makes a registry of codecs, with a distribution that declares `foreign = module`."""

    def make(module, code):
        (tmp_path / f"{module}.py").write_text(code)
        metadata = tmp_path / "foreign-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[splitlearn.codecs]\nforeign = {module}\n")
        monkeypatch.syspath_prepend(tmp_path)
        return Registry("splitlearn.codecs")

    return make


def test_listing_the_names_imports_none_of_it(registry_with):
    registry = registry_with("never_imported", "raise RuntimeError('imported')")

    assert [*registry] == [*OURS, "foreign"]
    assert registry.known("foreign") == "foreign"
    assert len(registry) == len(OURS) + 1
    assert "never_imported" not in sys.modules


def test_an_unknown_name_is_refused_with_those_that_are_known(registry_with):
    registry = registry_with("unused", "")

    with pytest.raises(ValueError, match=f"unknown; known are {', '.join(OURS)}, foreign"):
        registry.known("gzip")
    assert registry.get("gzip") is None


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import no_such_module", "cannot be imported .No module named 'no_such_module'"),
        ("codec = None", "registers nothing under that name"),
    ],
)
def test_a_declared_module_that_does_not_register_the_name_is_named(registry_with, code, said):
    module = f"broken_{len(code)}"
    registry = registry_with(module, code)

    with pytest.raises(ConfigError, match=rf"foreign of splitlearn.codecs: {module} {said}"):
        registry["foreign"]


def test_what_is_registered_by_a_call_is_there_at_once(registry_with):
    registry = registry_with("unused_too", "")

    @registry.register
    class Own:
        name = "own"

    assert isinstance(registry["own"], Own)
    assert [*registry][-1] == "own"
