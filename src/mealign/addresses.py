"""Which addresses belong to this machine, so that what is sent there does not leave it."""

from __future__ import annotations

import ipaddress
import re

_ADDRESS = re.compile(r"https?://(?P<host>[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?(?:/[\w.~/-]*)?", re.I | re.A)
_FILES = re.compile(r"sqlite:///.*|file:(?://(?:localhost)?/)?[^/].*|(?!(?:databricks|uc)\b)[^:]*", re.I | re.S)


def is_address(url: str) -> bool:
    """Whether this is a server's address: scheme, host, perhaps a port and a plain path, and nothing else.

    Two parsers can disagree about the host of an address with a user name or a backslash in it
    (``http://127.0.0.1@example.org``), so neither is an address here.
    """
    return _ADDRESS.fullmatch(url) is not None


def host_of(url: str) -> str | None:
    """Return the host of a server's address; None for anything else."""
    match = _ADDRESS.fullmatch(url)
    return match["host"].strip("[]").lower() if match else None


def is_loopback(url: str) -> bool:
    """Whether a server's address lies in 127.0.0.0/8, is ::1 or is ``localhost``."""
    host = host_of(url)
    return host is not None and is_loopback_host(host)


def is_loopback_host(host: str) -> bool:
    """Whether a host is ``localhost`` or an address in 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def stays_here(uri: str) -> bool:
    """Whether a store of MLflow lies on this machine: a SQLite file, a folder, or a server on loopback."""
    return is_loopback(uri) or _FILES.fullmatch(uri) is not None
