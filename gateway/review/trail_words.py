"""What can be wrong with the trail, in plain words; the keys are those of the service's verification."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.web.language import N_

if TYPE_CHECKING:
    from collections.abc import Mapping

FLAWS: Mapping[str, str] = MappingProxyType(
    {
        "no_checkpoints": N_(
            "There are no signed checkpoints, so nothing shows whether the trail was rewritten whole."
        ),
        "checkpoint_line": N_("A signed checkpoint was changed, cut, taken out or moved."),
        "checkpoint": N_("The records are not those that were signed: they were rewritten afterwards."),
        "group_missing": N_("Records are missing that were there before."),
        "group_changed": N_("A record was changed or moved, or follows one that was."),
        "group_count": N_("A record was taken out or slipped in."),
        "column": N_("What the table says of a record is not what the record itself says."),
        "no_link": N_("There are records that were never part of the chain."),
        "head": N_("The newest changes were taken out, or some were slipped in."),
        "segment": N_("The file and the table say different things."),
        "tail": N_("The file has been damaged: there is something behind its last whole record."),
        "elsewhere": N_("Records of another practice were touched."),
    }
)
