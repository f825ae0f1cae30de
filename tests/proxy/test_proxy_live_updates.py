"""Bytes in are bytes out, in order, whatever happens to the toxics meanwhile: on both servers."""

import threading

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proxy_wires import bench_on, read_exactly

from harness.proxy.client import Toxic

LOSSLESS = {
    "latency": st.fixed_dictionaries({"latency": st.integers(0, 30), "jitter": st.integers(0, 30)}),
    "bandwidth": st.fixed_dictionaries({"rate": st.integers(2000, 100_000)}),
    "slicer": st.fixed_dictionaries(
        {"average_size": st.integers(600, 5000), "size_variation": st.integers(0, 500), "delay": st.integers(0, 20)}
    ),
    "slow_close": st.fixed_dictionaries({"delay": st.integers(0, 30)}),
    "limit_data": st.just({"bytes": 1 << 40}),
    "noop": st.just({}),
}
toxic_kinds = st.sampled_from(sorted(LOSSLESS)).flatmap(lambda kind: st.tuples(st.just(kind), LOSSLESS[kind]))
actions = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "update", "remove"]),
        toxic_kinds,
        st.sampled_from([0.5, 1.0]),
        st.integers(0, 5),
        st.binary(min_size=1, max_size=8).map(lambda seed: seed * 4000),
    ),
    min_size=1,
    max_size=8,
)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    # One server serves all examples; each makes a proxy of its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(plan=actions, stream=st.sampled_from(["upstream", "downstream"]))
def test_no_byte_is_lost_or_reordered_while_toxics_come_and_go(client, plan, stream):
    sent = b"".join(data for *_, data in plan)
    received = []
    with bench_on(client) as bench:
        wire = bench.wire()
        source, target = wire.ends(stream)
        reader = threading.Thread(target=lambda: received.append(read_exactly(target, len(sent))))
        reader.start()
        present: list[Toxic] = []
        for number, (action, (kind, attributes), toxicity, choice, data) in enumerate(plan):
            source.sendall(data)
            if action == "add" or not present:
                present.append(Toxic(kind, stream, attributes, toxicity, f"t{number}"))
                wire.proxy.add_toxic(present[-1])
            elif action == "update":
                old = present[choice % len(present)]
                changed = attributes if old.type == kind else old.attributes
                wire.proxy.update_toxic(Toxic(old.type, stream, changed, toxicity, old.name))
            else:
                wire.proxy.remove_toxic(present.pop(choice % len(present)).name)
        reader.join()
    assert received == [sent]
