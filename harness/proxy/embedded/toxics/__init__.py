"""The toxics. Every module in this folder is imported, so a new toxic is one new file that registers itself."""

from importlib import import_module
from pkgutil import iter_modules

from harness.proxy.embedded.toxics.toxic import EmbeddedToxic, ToxicStream, register_toxic, toxic_type, toxic_type_names

__all__ = ["EmbeddedToxic", "ToxicStream", "register_toxic", "toxic_type", "toxic_type_names"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
