"""Toxiproxy between client and trunk: finding, running and driving a server, real or embedded."""

__all__: list[str] = []
