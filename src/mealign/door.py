"""The one door of a process: every connection that it opens, whichever library asks for it, passes here.

The settings are checked before anything starts, so a destination that they name and do not permit is never tried. The
door is what remains when a library has ideas of its own: telemetry, a look for a newer version, a redirect, a proxy. It
is an audit hook of the interpreter, so it sees what Python code connects to; collectives of several training processes
are compiled code and go where ``accelerate launch`` sends them.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from urllib.request import getproxies

from mealign.addresses import is_loopback_host
from mealign.errors import MealignError

SILENCED: Mapping[str, str] = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_HTTP_REDIRECTS": "false",
    "DVC_NO_ANALYTICS": "true",
    "RAY_USAGE_STATS_ENABLED": "0",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}
"""What turns off the libraries' own messages home, in this process and in those that it starts."""
TALKATIVE = ("OPENAI_LOG", "ANTHROPIC_LOG")
"""Variables by which the SDKs write requests, and so the user's words, to the terminal."""
ANYWHERE = "*"
"""In place of a host: every one."""
WATCHED = frozenset({"socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.sendmsg"})


class ClosedDoorError(MealignError):
    """A library wanted to connect to a machine that the settings do not permit."""


class _Door:
    """What this process may connect to: its own machine, ``hosts``, and everything while ``fetching`` is not 0."""

    def __init__(self) -> None:
        self.hosts: frozenset[str] = frozenset()
        self.fetching = 0
        self.is_watched = False

    def check(self, event: str, arguments: tuple[object, ...]) -> None:
        """Raise unless the event is allowed; called for every event that the interpreter audits."""
        if event not in WATCHED or self.fetching or ANYWHERE in self.hosts:
            return
        host = _host(event, arguments)
        if host is None or is_loopback_host(host) or host in self.hosts:
            return
        # A name was checked when it was resolved; of an address nobody can tell which name it had.
        if event != "socket.getaddrinfo" and self.hosts:
            return
        raise ClosedDoorError(
            "a library wanted to connect to another machine, which the settings do not permit; it was refused. "
            "egress=allow permits the servers that the settings name, download=any what is fetched"
        )


_DOOR = _Door()


def close() -> None:
    """Let this process connect to its own machine alone, and silence the telemetry of its libraries.

    Called first thing in every process that mealign starts. Audit hooks cannot be removed, so it is for programs and
    not for those that import mealign.
    """
    os.environ.update(SILENCED)
    for name in TALKATIVE:
        os.environ.pop(name, None)
    # A proxy of the environment would carry elsewhere what is sent to this machine.
    for name in ("no_proxy", "NO_PROXY"):
        own = [host for host in ("localhost", "127.0.0.1", "::1") if host not in os.environ.get(name, "").split(",")]
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), *own]))
    if not _DOOR.is_watched:
        sys.addaudithook(_DOOR.check)
        _DOOR.is_watched = True


def permit(hosts: Iterable[str]) -> None:
    """Let this process connect to these hosts too, through the environment's proxies where there are any."""
    named = frozenset(host.lower() for host in hosts)
    proxies = (address.rpartition("@")[2].partition("//")[2] or address for address in getproxies().values())
    _DOOR.hosts = named | frozenset(proxy.partition(":")[0].lower() for proxy in proxies) if named else named


@contextmanager
def fetching() -> Iterator[None]:
    """Open the door for a download, whose servers hand on to others; nothing of the user is sent to them."""
    _DOOR.fetching += 1
    try:
        yield
    finally:
        _DOOR.fetching -= 1


def _host(event: str, arguments: tuple[object, ...]) -> str | None:
    """Return to which host an event leads; None where it leads to none: a socket of this machine's file system."""
    if event == "socket.getaddrinfo":
        name = arguments[0]
    else:
        family = getattr(arguments[0], "family", None)
        address = arguments[1]
        if family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple):
            return None
        name = address[0]
    text = name.decode("ascii", "replace") if isinstance(name, bytes) else str(name or "")
    return text.lower() if text and text != socket.gethostname() else None
