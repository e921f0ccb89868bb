"""What a vendor of language models is, and which there are.

Settings are checked against what vendors declare, so a vendor's module imports no SDK before it is asked for a model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mealign import plugins
from mealign.language import vendors

if TYPE_CHECKING:
    from mealign.language.chat import TextModel
    from mealign.language.endpoints import BatchConnection, Endpoint, Server


@dataclass(frozen=True)
class DecisionApi:
    """One of a vendor's APIs by which models decide.

    Attributes:
        endpoint: how it is asked, reached and read.
        words: whether a model can think in words before it decides.
        batch: opens the vendor's batch API, inside the event loop that uses it; None: it has none.
    """

    endpoint: type[Endpoint]
    words: bool = True
    batch: Callable[[Endpoint], BatchConnection] | None = None


@dataclass(frozen=True)
class Vendor:
    """Everything that is particular to one vendor's API, whoever's server has it.

    Attributes:
        address: of the vendor's own server, which ``base_url=null`` means; None: it has none.
        write: makes a model on a server that writes; None: no model does through this API.
        decide: the APIs that decide, by their names in ``judge.server.api``; the first is meant where none is named.
    """

    address: str | None = None
    write: Callable[[Server], TextModel] | None = None
    decide: Mapping[str, DecisionApi] = field(default_factory=dict)

    def decision_api(self, name: str | None) -> DecisionApi | None:
        """Return an API that decides by its name, the first where none is given; None where there is no such API."""
        return self.decide.get(name or next(iter(self.decide), ""))


def all_vendors() -> dict[str, Vendor]:
    """Return every vendor by name, those of plug-ins among them."""
    # Not by the package's name as a literal: what checks settings decides no result, and must be in no result's key.
    return plugins.members(vendors.__name__, "VENDOR")


def vendor_named(name: str) -> Vendor | None:
    """Return a vendor; None where there is none of this name."""
    if name not in plugins.names_in(vendors.__name__):
        return None
    found: Vendor = plugins.member(vendors.__name__, name, "VENDOR")
    return found


def address_of(name: str) -> str | None:
    """Return the address of a vendor's own server; None where there is no such vendor, or it has none."""
    vendor = vendor_named(name)
    return vendor.address if vendor else None


def writers() -> list[str]:
    """Return the names of the vendors whose models write."""
    return [name for name, vendor in all_vendors().items() if vendor.write is not None]


def deciders() -> list[str]:
    """Return the names of the vendors whose models decide."""
    return [name for name, vendor in all_vendors().items() if vendor.decide]
