"""A model and a text that are described instead of named, so that a scenario can draw them and still be complete."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, TypeAdapter, ValidationError

from harness.errors import ScenarioError

__all__ = ["Gpt2Shape", "Lines"]


class Described:
    """A material whose name describes it: what it is, a colon, and its fields as JSON."""

    kind: ClassVar[str]
    # In JSON, an unknown field is an error.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    @property
    def material(self) -> str:
        """Name of the material that makes this."""
        return f"{self.kind}: {TypeAdapter(type(self)).dump_json(self).decode()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what stands behind the colon of a material's name; raises `ScenarioError`."""
        try:
            return TypeAdapter(cls).validate_json(text)
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(map(str, problem["loc"]))
            raise ScenarioError(f"material {cls.kind}: {text}: {where} {problem['msg']}") from None


@dataclass(frozen=True)
class Gpt2Shape(Described):
    """A GPT-2 with random weights; the fields are the library's, except the first three.

    Attributes:
        head_width: width of one head; all of them together are the model's.
        more_tokens: embeddings beyond the run's `vocab_size`, which no text uses.
        tied: whether head and token embedding share their weight.
    """

    kind = "gpt2"

    head_width: int = 8
    more_tokens: int = 0
    tied: bool = True
    n_layer: int = 4
    n_head: int = 4
    n_positions: int = 64
    n_inner: int | None = None
    activation_function: str = "gelu_new"
    embd_pdrop: float = 0.1
    attn_pdrop: float = 0.1
    resid_pdrop: float = 0.1
    layer_norm_epsilon: float = 1e-5
    initializer_range: float = 0.02
    scale_attn_weights: bool = True
    scale_attn_by_inverse_layer_idx: bool = False
    reorder_and_upcast_attn: bool = False

    def settings(self, vocab_size: int) -> dict[str, Any]:
        """Return the arguments of the library's configuration."""
        settings = asdict(self)
        own = {name: settings.pop(name) for name in ("head_width", "more_tokens", "tied")}
        return {
            **settings,
            "n_embd": own["head_width"] * self.n_head,
            "vocab_size": vocab_size + own["more_tokens"],
            "tie_word_embeddings": own["tied"],
            "bos_token_id": 0,
            "eos_token_id": 0,
        }


@dataclass(frozen=True)
class Lines(Described):
    """A text of a few lines.

    Attributes:
        words: in each line.
        seed: decides which.
    """

    kind = "lines"

    words: tuple[int, ...] = (2, 9, 4, 14, 3, 6, 11, 5)
    seed: int = 0
