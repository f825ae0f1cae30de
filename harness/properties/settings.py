"""How each setting of a run is drawn, or why it is not; a test fails for a setting that is in neither table."""

from collections.abc import Mapping

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from splitlearn.registry import CODECS

__all__ = ["DRAWN", "NOT_DRAWN"]

MIB = 1 << 20
# Hypothesis shrinks towards the first value of each.
ACCUMULATIONS, BATCH_SIZES, EPOCHS = (1, 2, 3), (2, 1, 3), (1, 2)

DRAWN: Mapping[str, SearchStrategy[object]] = {
    "threads": st.sampled_from((1, 2)),
    "dtype": st.sampled_from(("float32", "float32", "float32", "bfloat16")),
    "vocab_size": st.integers(257, 290),
    "attention": st.sampled_from(("sdpa", "eager")),
    "dropout": st.sampled_from((None, 0.0, 0.3)),
    "seed": st.integers(0, 2**63 - 1),
    "learning_rate": st.floats(1e-5, 0.1),
    "weight_decay": st.sampled_from((0.0, 0.01, 0.5)),
    "optimizer_type": st.sampled_from(("adamw", "adam", "sgd")),
    "max_grad_norm": st.just(0.0) | st.floats(1e-3, 10.0),
    "loss_type": st.sampled_from(("cross_entropy", "z_loss")),
    "label_smoothing": st.just(0.0) | st.floats(0.0, 0.9),
    "use_scheduler": st.booleans(),
    "scheduler_type": st.sampled_from(("constant", "linear", "cosine")),
    "data_format": st.sampled_from(("lines", "packed")),
    "max_length": st.integers(2, 16),
    "batch_size": st.sampled_from(BATCH_SIZES),
    "gradient_accumulation_steps": st.sampled_from(ACCUMULATIONS),
    "schedule": st.sampled_from(("afab", "1f1b")),
    "window": st.integers(1, 4),
    "num_epochs": st.sampled_from(EPOCHS),
    "max_steps": st.integers(1, 3),
    "max_skipped": st.sampled_from((10, 0)),
    "log_interval": st.sampled_from((10, 1)),
    "save_interval": st.sampled_from((0, 1, 2)),
    "save_minutes": st.sampled_from((10.0, 0.0)),
    "session": st.sampled_from(("default", "a.b-c_d", "0" * 64)),
    "codec": st.sampled_from(("raw", *(name for name in CODECS if name != "raw"))),
    "max_message_bytes": st.sampled_from((256 * MIB, MIB)),
    "max_pending_bytes": st.sampled_from((2048 * MIB, MIB)),
}

PLACES = "the harness chooses folders and addresses"
TIMES = "a timeout by a real clock: it matters only when faults occur, which have scenarios of their own"
NOT_DRAWN: Mapping[str, str] = {
    "mode": "inference trains nothing",
    "device": "accelerators round differently, and there may be none",
    "model": "a folder with a model of the drawn shape",
    "cuts": "drawn with the model, whose depth bounds them",
    "warmup_steps": "drawn with the number of steps, which bounds them",
    "data": "a file with drawn lines",
    "tokenizer": "always trained on the drawn text; loading another one involves no arithmetic",
    "save_dir": PLACES,
    "trunk_address": PLACES,
    "rpc_timeout": TIMES,
    "retry_timeout": TIMES,
    "max_activation_bytes": "either rejects a microbatch or has no effect; no bit depends on it",
    "tls_ca": "certificates and tokens have scenarios of their own (`other-parties`), and no bit depends on them",
    "tls_certificate": "as tls_ca",
    "tls_key": "as tls_ca",
    "token_file": "as tls_ca",
}
