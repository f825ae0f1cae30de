"""Carries out the script of a fault or an adversary on the programs and the network of a run."""

from typing import assert_never

from harness.engine.adversary import send_malformed, tell_lies, wait_for_answers
from harness.engine.world import World
from harness.errors import HarnessError
from harness.plan import attack_effects as attack
from harness.plan.faults import effects as ask
from harness.plan.planned import Planned
from harness.trace.event import Event

__all__ = ["RunningScript"]


class RunningScript:
    """The script of one fault or adversary, started when a process passed its place.

    Args:
        planned: whose script it is.
        held: the passing of its place.
        world: what the script may act on.
    """

    def __init__(self, planned: Planned, held: Event, world: World) -> None:
        self._script = planned.script()
        self._held = held
        self._world = world

    def inject(self) -> None:
        """Carry out the effects before `Release`; raises `HarnessError` if one fails."""
        self._advance()

    def heal(self) -> None:
        """Carry out the rest; raises `HarnessError` if an effect fails."""
        assert not self._advance(), "a script says `Release` once"

    def _advance(self) -> bool:
        """Continue to the next `Release` or to the end; return whether it was a `Release`.

        A failing effect is raised in the script first.
        """
        answer: Event | None = None
        error: Exception | None = None
        while True:
            try:
                effect = self._script.throw(error) if error else self._script.send(answer)
            except StopIteration:
                return False
            if isinstance(effect, ask.Release):
                return True
            answer = error = None
            try:
                answer = self._carry_out(effect)
            except Exception as failed:  # noqa: BLE001 - whatever it is, the script may have something to mend
                error = failed

    def _carry_out(self, effect: ask.Effect) -> Event | None:  # noqa: C901, PLR0912 - one line an effect
        world = self._world
        match effect:
            case ask.Disconnect():
                world.network.disconnect()
            case ask.Reconnect():
                world.network.reconnect()
            case ask.AddToxic(toxic):
                world.network.add(toxic)
            case ask.RemoveToxic(toxic):
                world.network.remove(toxic)
            case ask.ArmMessageFault(fault):
                world.relay.arm(fault)
            case ask.DeliverLate():
                world.relay.deliver_late()
            case ask.ArmFlip(flip):
                world.flipper.arm(flip)
            case ask.KillParty(party):
                world.parties[party].kill()
            case ask.StopParty(party):
                world.parties[party].ask_to_stop()
            case ask.StartParty(party):
                world.parties[party].start()
            case ask.StartStoppedParty(party, status):
                world.parties[party].start_when_stopped(status)
            case ask.PauseParty(party):
                world.parties[party].pause()
            case ask.ResumeParty(party):
                world.parties[party].go_on()
            case ask.Until(_, fields, within, after):
                return world.wait_for(effect.at, after or self._held, within, **fields)
            case ask.UntilTrunkServes():
                world.wait_for_trunk(self._held, ask.NOTICE_TIMEOUT)
            case ask.Wait(seconds):
                world.let_pass(seconds)
            case attack.SendMalformed(count, seed):
                send_malformed(world, count, seed)
            case attack.UntilAnswered(count):
                wait_for_answers(world, count)
            case attack.TellLies(count, seed):
                tell_lies(world, count, seed)
            case (
                ask.LosePower()
                | ask.KeepPower()
                | ask.FailDisk()
                | ask.AlterHalf()
                | ask.SwallowConnections()
                | ask.Supersede()
                | ask.ResumeSuperseded()
            ):
                raise HarnessError(f"{type(effect).__name__} requires a simulated world; run it with --sim")
            case ask.Release():
                raise AssertionError("the caller takes it")
            case _:
                assert_never(effect)
        return None
