"""Network addresses in the form HOST:PORT."""

from ipaddress import ip_address

__all__ = ["address_of", "host_of", "is_loopback"]


def address_of(host: str, port: int) -> str:
    """Return the form HOST:PORT; a numeric host of IPv6 stands in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def host_of(address: str) -> str:
    """Return the host of HOST:PORT."""
    return address.rpartition(":")[0].removeprefix("[").removesuffix("]")


def is_loopback(host: str) -> bool:
    """Whether what is sent to a host stays in this machine; other names than localhost are not looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
