"""When a run saves: by default, and as configured."""

import pytest

from splitlearn.client.saving import SaveSchedule
from splitlearn.config import TrainingConfig
from splitlearn.runtime.simulated import ManualClock


def saves(seconds_a_step=1.0, total=1500, **settings):
    clock = ManualClock()
    schedule = SaveSchedule(TrainingConfig(**settings), total, clock)
    found = []
    for applied in range(1, total + 1):
        clock.sleep(seconds_a_step)
        if schedule.is_due(applied):
            found.append(applied)
            schedule.note_saved()
    return found


def test_a_run_that_states_nothing_saves_every_ten_minutes():
    assert [600, 1200, 1500] == saves()
    assert [1, 2] == saves(seconds_a_step=3600.0, total=2)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"save_minutes": 0}, [1500]),
        ({"save_interval": 500, "save_minutes": 0}, [500, 1000, 1500]),
        ({"save_interval": 700, "save_minutes": 5}, [300, 600, 700, 1000, 1300, 1400, 1500]),
    ],
    ids=str,
)
def test_steps_and_minutes_are_counted_from_the_last_checkpoint(settings, expected):
    assert expected == saves(**settings)
