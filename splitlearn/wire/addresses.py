"""Network addresses in the form HOST:PORT."""

from ipaddress import ip_address

__all__ = ["address_of", "host_of", "is_loopback"]


def address_of(host: str, port: int) -> str:
    """Return the form HOST:PORT; a numeric IPv6 host is put in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def host_of(address: str) -> str:
    """Return the host of HOST:PORT."""
    return address.rpartition(":")[0].removeprefix("[").removesuffix("]")


def is_loopback(host: str) -> bool:
    """Return whether traffic to a host stays on this machine; names other than localhost are not looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
