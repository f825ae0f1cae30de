"""Every gRPC option, in one place, for both sides."""

from splitlearn.config import TrainingConfig
from splitlearn.wire.addresses import host_of, is_loopback

__all__ = ["channel_options", "server_options"]

# Keys, shapes and the attention mask accompany the tensor.
MESSAGE_HEADROOM_BYTES = 1 << 20
KEEPALIVE_MS = 10_000
# A ping queues behind data in flight: on a narrow path, for as long as a step's messages take. A call's own deadline,
# which has the same default, bounds such a step.
PING_TIMEOUT_MS = 60_000
# Setting up a connection takes two or three round trips, each ten seconds on the slowest links.
HANDSHAKE_TIMEOUT_MS = 30_000
# Longer than a client in a session is ever silent.
IDLE_MS = 20_000
NO_COMPRESSION = 1
MAX_METADATA_BYTES = 8192
MAX_CONNECTIONS = 128
# A step has up to 128 requests in flight, and as many again that the client has just given up.
MAX_STREAMS = 256

Options = list[tuple[str, int]]


def channel_options(config: TrainingConfig) -> Options:
    """Return the options of the client's channel."""
    return [
        *_message_sizes(config),
        ("grpc.enable_retries", 0),  # retries are the reliable layer's task
        ("grpc.initial_reconnect_backoff_ms", 50),
        ("grpc.max_reconnect_backoff_ms", 500),
        ("grpc.min_reconnect_backoff_ms", HANDSHAKE_TIMEOUT_MS),  # despite its name, the time to set up a connection
        # Pings detect a connection whose peer has silently gone.
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_MS),
        ("grpc.http2.ping_timeout_ms", PING_TIMEOUT_MS),
        ("grpc.http2.max_pings_without_data", 0),
        # Two clients in one process must not share a connection: a fault on one is not a fault on the other.
        ("grpc.use_local_subchannel_pool", 1),
        # A proxy from the environment would see data that must not leave this machine.
        ("grpc.enable_http_proxy", int(not is_loopback(host_of(config.trunk_address)))),
    ]


def server_options(config: TrainingConfig) -> Options:
    """Return the options of the trunk's server."""
    return [
        *_message_sizes(config),
        ("grpc.so_reuseport", 0),  # a port in use is an error, not a second server
        ("grpc.http2.min_recv_ping_interval_without_data_ms", KEEPALIVE_MS // 2),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_MS),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_TIMEOUT_MS),
        # Without these a silent connection occupies a place for more than a minute.
        ("grpc.http2.settings_timeout", HANDSHAKE_TIMEOUT_MS),
        ("grpc.max_connection_idle_ms", IDLE_MS),
        ("grpc.http2.ping_timeout_ms", PING_TIMEOUT_MS),
        # A few bytes can inflate into many, before anyone has looked at them.
        ("grpc.compression_enabled_algorithms_bitset", NO_COMPRESSION),
        ("grpc.max_allowed_incoming_connections", MAX_CONNECTIONS),
        ("grpc.max_concurrent_streams", MAX_STREAMS),
        # Between the two limits gRPC refuses at random.
        ("grpc.max_metadata_size", MAX_METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", MAX_METADATA_BYTES),
    ]


def _message_sizes(config: TrainingConfig) -> Options:
    limit = config.max_message_bytes + MESSAGE_HEADROOM_BYTES
    return [("grpc.max_send_message_length", limit), ("grpc.max_receive_message_length", limit)]
