"""The bases of the two databases' tables; their metadata are apart, so that no table lands in the other database."""

from __future__ import annotations

from sqlalchemy import MetaData
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class AccessTable(SQLModel, registry=registry(metadata=MetaData(naming_convention=_NAMES))):
    """A table of the authz service's database."""


class RecordsTable(SQLModel, registry=registry(metadata=MetaData(naming_convention=_NAMES))):
    """A table of the gateway's database."""
