"""The output of `splitlearn export` is the reference's model and tokenizer when loaded with the library."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file

from harness.judging.check import register_check
from harness.judging.facts import RunFacts
from harness.oracle.batches import Batches
from harness.oracle.exactness import bits
from harness.trace.verdict import CheckResult, Finding
from splitlearn.config import TrainingConfig
from splitlearn.data import Sequences

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["check_export"]

# What the library records about itself, and where the model was loaded from.
INCIDENTAL = {"_name_or_path", "architectures", "dtype", "transformers_version"}
# How much of the text is compared. At the cut of a longer text, the last tokens differ from those of the whole.
LINES, CHARACTERS, CUT_TOKENS = 200, 20_000, 8
Encode = Callable[[str], list[int]]


@register_check
def check_export(facts: RunFacts) -> CheckResult:
    """Load the export as a user would; compare weights, settings, a batch's logits and token ids with the judge's."""
    from transformers import AutoModelForCausalLM  # noqa: PLC0415 - it takes seconds, and few runs export

    from harness.oracle.uncut import load_model  # noqa: PLC0415 - as above
    from splitlearn.data import load_training_data  # noqa: PLC0415 - as above

    if facts.exported is None:
        return CheckResult("export", 0, "nothing was exported")
    config = facts.scenario.config
    exported = AutoModelForCausalLM.from_pretrained(facts.exported, attn_implementation=config.attention)
    final = load_file(facts.reference.finals[0])
    expected = {name.removeprefix("weights/"): final[name] for name in final if name.startswith("weights/")}
    judges = load_model(config)
    judges.load_state_dict(expected, strict=False)  # a tied head has no name of its own
    logging.getLogger("splitlearn.data").setLevel(logging.ERROR)  # the run's programs have logged it already
    sequences = load_training_data(config).sequences
    findings = [
        *_differing_weights(dict(exported.named_parameters()), expected),
        *_differing_settings(exported, judges),
        *_differing_logits(exported, judges, Batches(config, sequences)),
        *_differing_tokens(facts.exported, judges, config, sequences),
    ]
    summary = f"{len(expected)} weights, the settings, the logits of a batch and the first token ids are right"
    return CheckResult("export", len(expected), summary, findings)


def _differing_weights(exported: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> Iterator[Finding]:
    for name in sorted(exported.keys() ^ expected.keys()):
        yield Finding(f"{name} is on one side only")
    for name in sorted(exported.keys() & expected.keys()):
        if not _same(exported[name].detach(), expected[name]):
            yield Finding(f"{name} of the export is not the reference's")


def _differing_settings(exported: "PreTrainedModel", judges: "PreTrainedModel") -> Iterator[Finding]:
    ours, theirs = exported.config.to_dict(), judges.config.to_dict()
    for name in sorted((ours.keys() | theirs.keys()) - INCIDENTAL):
        if ours.get(name) != theirs.get(name):
            yield Finding(f"{name} of the export is {ours.get(name)}; the judge has {theirs.get(name)}")


def _differing_logits(exported: "PreTrainedModel", judges: "PreTrainedModel", batches: Batches) -> Iterator[Finding]:
    batch = batches.step(0)[0]
    with torch.no_grad():
        ours, theirs = (
            model.train(mode=False)(batch.input_ids_BT, attention_mask=batch.attention_mask_BT).logits
            for model in (exported, judges)
        )
    if not _same(ours, theirs):
        yield Finding("the logits of the export are not those of the reference's weights")


def _differing_tokens(
    folder: Path, judges: "PreTrainedModel", config: TrainingConfig, sequences: Sequences
) -> Iterator[Finding]:
    """Compare the token ids of the beginning of the text with the training data."""
    from transformers import AutoTokenizer  # noqa: PLC0415 - as above

    from splitlearn.data.corpus import read_documents  # noqa: PLC0415 - as above

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError) as error:
        yield Finding(f"the export has no tokenizer: {error}")
        return
    encode = partial(tokenizer.encode, add_special_tokens=False)
    texts = ("".join(document.chunks()) for document in read_documents(config.data))
    if config.data_format == "packed":
        yield from _differing_blocks(encode, next(texts), sequences)
    else:
        lines = (line for text in texts for line in text.split("\n") if line.strip())
        end = judges.config.eos_token_id
        assert isinstance(end, int)
        yield from _differing_lines(encode, islice(lines, LINES), end, config.max_length, sequences)


def _differing_lines(
    encode: Encode, lines: Iterable[str], end: int, max_length: int, sequences: Sequences
) -> Iterator[Finding]:
    """Compare each of the first lines, plus the end-of-text token, with one sequence."""
    for number, line in enumerate(lines):
        if [*encode(line), end][:max_length] != sequences[number].tolist():
            yield Finding(f"the export's tokenizer gives other ids for line {number + 1} that is not blank")
            return


def _differing_blocks(encode: Encode, text: str, sequences: Sequences) -> Iterator[Finding]:
    """Compare the beginning of a text with consecutive blocks."""
    ids = encode(text[:CHARACTERS])
    if len(text) > CHARACTERS:
        del ids[-CUT_TOKENS:]
    trained = chain.from_iterable(block.tolist() for block in sequences)
    differing = next((place for place, (a, b) in enumerate(zip(ids, trained, strict=False)) if a != b), None)
    if not ids:
        yield Finding("the export's tokenizer gives no ids for the beginning of the text")
    if differing is not None:
        yield Finding(f"the export's tokenizer gives another id for token {differing + 1} of the text")


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return (a.shape, a.dtype) == (b.shape, b.dtype) and torch.equal(bits(a), bits(b))
