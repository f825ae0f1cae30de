"""What a check has found becomes a verdict, a reading and an exit status."""

import pytest
from judged import FAIL, NOT_APPLICABLE, PASS, VOID

from harness.trace.verdict import CheckResult, Finding, worst


class TestVerdict:
    def test_exit_statuses_are_those_of_the_command(self):
        words = (PASS, FAIL, VOID)
        assert {"PASS": 0, "FAIL": 1, "VOID": 3} == {verdict.value: verdict.exit_status for verdict in words}

    @pytest.mark.parametrize(
        ("verdicts", "expected"),
        [
            ([], VOID),
            ([PASS], PASS),
            ([PASS, PASS], PASS),
            ([PASS, VOID], VOID),
            ([VOID, FAIL, PASS], FAIL),
            ([FAIL, VOID], FAIL),
            ([NOT_APPLICABLE], VOID),
            ([NOT_APPLICABLE, PASS], PASS),
            ([NOT_APPLICABLE, VOID], VOID),
        ],
    )
    def test_the_worst_of_some_verdicts(self, verdicts, expected):
        assert expected is worst(verdicts)
        assert expected is worst(reversed(verdicts))

    @pytest.mark.parametrize(
        ("compared", "findings", "because", "expected"),
        [
            (3, (), "", PASS),
            (3, (Finding("bad"),), "", FAIL),
            (0, (), "", VOID),
            (3, (), "it never began", VOID),
            (0, (Finding("bad"),), "", FAIL),
            (3, (Finding("bad"),), "it ended early", FAIL),
        ],
    )
    def test_a_check_that_looked_at_nothing_is_void(self, compared, findings, because, expected):
        assert expected is CheckResult("any", compared, "fine", findings, void_because=because).verdict

    def test_the_reading_is_what_is_wrong_or_else_the_summary(self):
        assert "fine" == CheckResult("any", 1, "fine").reading
        assert "bad" == CheckResult("any", 1, "fine", (Finding("bad"), Finding("worse"))).reading
        assert "never" == CheckResult("any", 1, "fine", void_because="never").reading
        assert "bad" == CheckResult("any", 1, "fine", (Finding("bad"),), void_because="never").reading

    def test_a_check_that_does_not_apply_is_neither_passed_nor_void(self):
        assert "N/A" == CheckResult("any", 0, "nothing was planned", applies=False).verdict.value

    @pytest.mark.parametrize("found", [{"compared": 1}, {"compared": 0, "findings": (Finding("bad"),)}])
    def test_a_check_that_does_not_apply_has_found_nothing(self, found):
        with pytest.raises(AssertionError, match="any does not apply"):
            CheckResult("any", summary="fine", applies=False, **found)
