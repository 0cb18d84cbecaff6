"""How often one account may do what costs others time: the practice that reads it, or the family that waits.

Far above what anybody does by hand. Counts are those of `gateway.edge.attempts`, kept by all processes together.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from gateway.web.language import N_


@dataclass(frozen=True, slots=True)
class Limit:
    """`most` times within `seconds` of the first; `says` tells the reader what there was too much of."""

    name: str
    most: int
    seconds: int
    says: str


_HOUR = 3600
MESSAGES = Limit("messages", 30, _HOUR, N_("You have sent very many messages within an hour."))
UPLOADS = Limit("uploads", 20, _HOUR, N_("You have sent very many files within an hour."))
APPOINTMENTS = Limit(
    "appointments", 20, _HOUR, N_("You have asked for or changed very many appointments within an hour.")
)
ASKING = Limit("asking", 12, _HOUR, N_("You have asked the practice very often within an hour."))
ANSWERS = Limit("answers", 240, _HOUR, N_("You have saved answers very often within an hour."))
ADDRESSES = Limit("addresses", 10, _HOUR, N_("You have asked for another login address very often within an hour."))
PROFILES = Limit("profiles", 20, _HOUR, N_("You have changed the profile very often within an hour."))
# Of one network: a family, a school, a clinic's waiting room. A practice takes on fewer people in an hour.
SIGN_UPS = Limit("sign-ups", 15, _HOUR, N_("Very many people have signed up from this network within an hour."))


def network_of(address: str) -> str:
    """What one subscriber holds: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    return f"{IPv6Address(int(known) >> 64 << 64)}/64" if isinstance(known, IPv6Address) else address
