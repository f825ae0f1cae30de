"""A clock that passes when it is told to, and what is due in between."""

from splitlearn.runtime.simulated import ManualClock, SeededEntropy


def test_a_sleep_takes_no_time_and_has_passed():
    clock = ManualClock(100.0)
    clock.sleep(2.5)
    clock.sleep(0.0)

    assert 102.5 == clock.now()


def test_what_is_repeated_happens_at_its_time_while_somebody_sleeps_in_the_block():
    clock, heard = ManualClock(), []
    with clock.repeating(lambda: heard.append(clock.now()), 5.0, "five"):
        clock.sleep(4.0)
        assert not heard
        with clock.repeating(lambda: heard.append(-clock.now()), 3.0, "three"):
            clock.sleep(7.0)
        clock.sleep(5.0)
    clock.sleep(100.0)

    assert [5.0, -7.0, 10.0, -10.0, 15.0] == heard
    assert 116.0 == clock.now()


def test_an_action_that_takes_its_time_is_due_again_so_long_after_its_end():
    clock, heard = ManualClock(), []

    def slow():
        heard.append(clock.now())
        clock.sleep(4.0)

    with clock.repeating(slow, 5.0, "slow"):
        clock.sleep(20.0)

    assert [5.0, 14.0] == heard
    assert 20.0 == clock.now()


def test_a_seed_repeats_its_bits():
    one, same, other = (SeededEntropy(seed) for seed in (1, 1, 2))
    drawn = [one.bits(64) for _ in range(3)]

    assert drawn == [same.bits(64) for _ in range(3)]
    assert drawn != [other.bits(64) for _ in range(3)]
    assert all(0 <= number < 1 << 64 for number in drawn)
