"""A clock whose time passes on request, and the actions that fall due meanwhile."""

from splitlearn.runtime.simulated import ManualClock, SeededEntropy


def test_a_sleep_returns_at_once_and_advances_the_time():
    clock = ManualClock(100.0)
    clock.sleep(2.5)
    clock.sleep(0.0)

    assert 102.5 == clock.now()


def test_repeated_actions_happen_at_their_time_during_sleeps_in_the_block():
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


def test_an_action_that_takes_time_is_due_again_that_long_after_its_end():
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
