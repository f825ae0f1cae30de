"""A bug that the judge has caught."""

from harness.recording.schema import TrialRecord

FOUND = TrialRecord(
    mutant="see-the-future",
    what="Tokens attend to later ones.",
    source="classic: no mask",
    party="shared",
    scenario="mutant-direct",
    since=0,
    expected_cause="attention",
    verdict="FAIL",
    checks=("equivalence",),
    step=0,
    stage="bottom",
    tensor="smashed",
    latency=0,
    layer_right=None,
    cause="attention",
    cause_right=True,
    in_the_curve=True,
    in_allclose=True,
    seconds=2.0,
    finding="first divergence",
    likely_cause="tokens attend to later ones",
)
