"""What a vendor of language models is, and which ones exist.

Settings are checked against what vendors declare, so a vendor's module imports no SDK until a model is requested.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mealign import plugins
from mealign.language import vendors

if TYPE_CHECKING:
    from mealign.language.endpoints import BatchConnection, Endpoint, WritingEndpoint


@dataclass(frozen=True)
class DecisionApi:
    """One of a vendor's APIs through which models decide.

    Attributes:
        endpoint: its requests, connections and responses.
        words: whether a model can reason in words before it decides.
        batch: opens the vendor's batch API, inside the event loop that uses it; None: it has none.
    """

    endpoint: type[Endpoint]
    words: bool = True
    batch: Callable[[Endpoint], BatchConnection] | None = None


@dataclass(frozen=True)
class Vendor:
    """Everything that is specific to one vendor's API, on whichever server.

    Attributes:
        address: of the vendor's own server, used with ``base_url=null``; None: it has none.
        write: the API through which models write; None: none does.
        decide: the APIs that decide, by their names in ``judge.server.api``; the first is the default.
    """

    address: str | None = None
    write: type[WritingEndpoint] | None = None
    decide: Mapping[str, DecisionApi] = field(default_factory=dict)

    def decision_api(self, name: str | None) -> DecisionApi | None:
        """Return an API that decides by its name, the first if none is given; None if there is no such API."""
        return self.decide.get(name or next(iter(self.decide), ""))


def all_vendors() -> dict[str, Vendor]:
    """Return every vendor by name, including those of plug-ins."""
    # The package's name is not a literal: code that checks settings decides no result, and must be in no result's key.
    return plugins.members(vendors.__name__, "VENDOR")


def vendor_named(name: str) -> Vendor | None:
    """Return a vendor; None if there is none of this name."""
    if name not in plugins.names_in(vendors.__name__):
        return None
    found: Vendor = plugins.member(vendors.__name__, name, "VENDOR")
    return found


def address_of(name: str) -> str | None:
    """Return the address of a vendor's own server; None if there is no such vendor, or it has none."""
    vendor = vendor_named(name)
    return vendor.address if vendor else None


def writers() -> list[str]:
    """Return the names of the vendors whose models write."""
    return [name for name, vendor in all_vendors().items() if vendor.write is not None]


def deciders() -> list[str]:
    """Return the names of the vendors whose models decide."""
    return [name for name, vendor in all_vendors().items() if vendor.decide]
