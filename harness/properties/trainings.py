"""Hypothesis strategies for whole trainings: a GPT-2, where it is cut, a text, and every setting.

Each training is a complete scenario, so that a failing one can be written to a file and rerun by a command.
"""

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from harness.plan.generated import Gpt2Shape, Lines
from harness.plan.scenario import Scenario, Topology
from harness.properties.settings import DRAWN
from splitlearn.config import TrainingConfig
from splitlearn.cuts import Cuts

__all__ = ["lines", "shapes", "trainings"]

RATES = st.sampled_from((0.1, 0.0, 0.5))
ACTIVATIONS = ("gelu_new", "gelu", "relu", "silu", "tanh")


def shapes(positions: int) -> SearchStrategy[Gpt2Shape]:
    """Return a strategy for GPT-2 models that accept sequences of at least `positions` tokens."""
    return st.builds(
        Gpt2Shape,
        head_width=st.integers(2, 8),
        more_tokens=st.sampled_from((0, 1, 7)),
        tied=st.booleans(),
        n_layer=st.integers(1, 4),
        n_head=st.integers(1, 4),
        n_positions=st.integers(positions, positions + 8),
        n_inner=st.none() | st.integers(1, 48),
        activation_function=st.sampled_from(ACTIVATIONS),
        embd_pdrop=RATES,
        attn_pdrop=RATES,
        resid_pdrop=RATES,
        layer_norm_epsilon=st.sampled_from((1e-5, 1e-6, 1e-3)),
        initializer_range=st.sampled_from((0.02, 0.1)),
        scale_attn_weights=st.booleans(),
        scale_attn_by_inverse_layer_idx=st.booleans(),
        reorder_and_upcast_attn=st.booleans(),
    )


def lines() -> SearchStrategy[Lines]:
    """Return a strategy for texts of ragged lines, which give padded microbatches and small last steps of an epoch."""
    words = st.lists(st.integers(2, 12), min_size=1, max_size=10).map(tuple)
    return st.builds(Lines, words, seed=st.integers(0, 99))


@st.composite
def trainings(draw: DrawFn, /, topology: Topology = "direct", **settings: SearchStrategy[object]) -> Scenario:
    """Draw an undisturbed training.

    Args:
        draw: provided by Hypothesis.
        topology: topology of the scenario: how the client reaches the trunk.
        **settings: strategies that replace those of `DRAWN`, by setting.
    """
    drawn = {name: draw(strategy) for name, strategy in {**DRAWN, **settings}.items()}
    config = TrainingConfig.parse(drawn)
    shape = draw(shapes(config.max_length))
    lower = draw(st.integers(0, shape.n_layer - 1))
    cuts = Cuts(lower, draw(st.integers(lower + 1, shape.n_layer)))
    config = config.but(cuts=cuts, warmup_steps=draw(st.integers(0, config.max_steps)))
    materials = (shape.material, draw(lines()).material)
    return Scenario("drawn", "A drawn training", config, topology=topology, materials=materials)
