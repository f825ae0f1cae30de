"""Link profiles: what lies between client and trunk."""

from dataclasses import dataclass

__all__ = ["LINKS", "LinkProfile"]

MBIT = 125  # kB/s


@dataclass(frozen=True)
class LinkProfile:
    """A network path.

    Attributes:
        name: as in `LINKS`.
        round_trip_ms: delay there and back.
        jitter_ms: each chunk's delay varies by up to this much, either way, in each direction.
        up_kbps: bandwidth from client to trunk in kB/s (1000 bytes); 0 means no limit.
        down_kbps: bandwidth from trunk to client in kB/s; 0 means no limit.
        source: where the figures come from.
    """

    name: str
    round_trip_ms: int
    jitter_ms: int
    up_kbps: int
    down_kbps: int
    source: str

    @property
    def up_delay_ms(self) -> int:
        """Delay from client to trunk."""
        return self.round_trip_ms // 2

    @property
    def down_delay_ms(self) -> int:
        """Delay from trunk to client."""
        return self.round_trip_ms - self.up_delay_ms


LOOPBACK = LinkProfile("loopback", 0, 0, 0, 0, "nothing is added to the proxy's own cost")
LAN = LinkProfile("lan", 1, 0, 1000 * MBIT, 1000 * MBIT, "gigabit Ethernet through a few switches")
METRO = LinkProfile("metro", 5, 1, 1000 * MBIT, 1000 * MBIT, "500 km of fibre at 200 km/ms")
WAN_50MS = LinkProfile("wan_50ms", 50, 1, 100 * MBIT, 100 * MBIT, "5,000 km of fibre at 200 km/ms; a 100 Mbit/s line")
WAN_200MS = LinkProfile(
    "wan_200ms", 200, 2, 100 * MBIT, 100 * MBIT, "20,000 km of fibre at 200 km/ms, half the globe; a 100 Mbit/s line"
)
LTE = LinkProfile("lte", 50, 10, 10 * MBIT, 30 * MBIT, "a loaded cell: 10 ms frames and retransmissions, 10/30 Mbit/s")
SATELLITE = LinkProfile(
    "satellite",
    600,
    10,
    3 * MBIT,
    25 * MBIT,
    "geostationary: 4 x 35,786 km at the speed of light is 477 ms, plus coding",
)
LOSSY_WIFI = LinkProfile(
    "lossy_wifi", 20, 8, 890, 890, "1 % loss at 20 ms: 1.22 MSS / (RTT sqrt(p)) bytes/s (Mathis et al., 1997)"
)
HOSPITAL_VPN = LinkProfile(
    "hospital_vpn", 30, 5, 4 * MBIT, 4 * MBIT, "a site's share of its VPN: 4 Mbit/s, 30 ms to a data center"
)
EDGE_5S = LinkProfile("edge_5s", 10_000, 0, 0, 0, "store and forward through relays: five seconds either way")

LINKS = {
    link.name: link
    for link in (
        LOOPBACK, LAN, METRO, WAN_50MS, WAN_200MS, LTE, SATELLITE, LOSSY_WIFI, HOSPITAL_VPN, EDGE_5S
    )
}  # fmt: skip
