"""Organisations, their units and who belongs where."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.calendars.partial_dates import PartialDate, PartialDateText
from app.core.database import Identified, Model
from app.core.localized import Localized, LocalizedText
from app.core.sources import Sourced

if TYPE_CHECKING:
    from app.accounts.models import Account


class OrganisationKind(StrEnum):
    """What an organisation is to the city."""

    CITY = "city"
    FUNDER = "funder"
    PARTNER = "partner"


class Organisation(Sourced, Identified, Model):
    """The city itself, a funder or a partner. The city carries its federal state and time zone."""

    __tablename__ = "organisation"
    __table_args__ = (
        Index(
            "uq_organisation_one_city",
            "kind",
            unique=True,
            postgresql_where=text("kind = 'city'"),
            sqlite_where=text("kind = 'city'"),
        ),
    )

    key: Mapped[str] = mapped_column(String(80), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[Localized] = mapped_column(LocalizedText)
    state: Mapped[str | None] = mapped_column(String(2))
    time_zone: Mapped[str | None] = mapped_column(String(40))


class Unit(Sourced, Identified, Model):
    """A part of the city's administration. `leads` are those who lead its measures, only to be read."""

    __tablename__ = "unit"

    key: Mapped[str] = mapped_column(String(80), unique=True)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("unit.id"))
    name: Mapped[Localized] = mapped_column(LocalizedText)

    parent: Mapped[Unit | None] = relationship(remote_side="Unit.id")
    names: Mapped[list[UnitName]] = relationship(
        back_populates="unit", order_by="UnitName.from_on", cascade="all, delete-orphan"
    )
    memberships: Mapped[list[Membership]] = relationship(back_populates="unit")
    leads: Mapped[list[Account]] = relationship(
        secondary="measure", secondaryjoin="Measure.lead_id == Account.id", viewonly=True
    )

    def with_parents(self) -> tuple[Unit, ...]:
        """This unit and those above it, nearest first."""
        line: list[Unit] = [self]
        while (above := line[-1].parent) is not None and above not in line:
            line.append(above)
        return tuple(line)


class UnitName(Identified, Model):
    """A name a unit had for a time: units are renamed, reports of then keep their name."""

    __tablename__ = "unit_name"

    unit_id: Mapped[UUID] = mapped_column(ForeignKey("unit.id"))
    name: Mapped[Localized] = mapped_column(LocalizedText)
    from_on: Mapped[PartialDate | None] = mapped_column(PartialDateText)
    until_on: Mapped[PartialDate | None] = mapped_column(PartialDateText)

    unit: Mapped[Unit] = relationship(back_populates="names")


class Membership(Identified, Model):
    """A role of a person: of a unit for heads and leads, of an organisation for funders, else city-wide."""

    __tablename__ = "membership"
    __table_args__ = (
        Index(
            "uq_membership",
            "account_id",
            "role",
            "unit_id",
            "organisation_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    role: Mapped[str] = mapped_column(String(20))
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("unit.id"))
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    since_on: Mapped[date | None]

    account: Mapped[Account] = relationship()
    unit: Mapped[Unit | None] = relationship(back_populates="memberships")
    organisation: Mapped[Organisation | None] = relationship()


class Absence(Identified, Model):
    """Somebody is away from the first to the last day, both city days, and another person stands in for them.

    The deputy is reminded as well, or with `deputy_only` instead of them.
    """

    __tablename__ = "absence"
    __table_args__ = (
        CheckConstraint("from_on <= until_on", name="ends_after_it_begins"),
        CheckConstraint("deputy_id <> account_id", name="deputy_is_somebody_else"),
        Index(None, "until_on"),
    )

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    from_on: Mapped[date]
    until_on: Mapped[date]
    deputy_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    deputy_only: Mapped[bool] = mapped_column(default=False)
    entered_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    entered_at: Mapped[datetime]

    account: Mapped[Account] = relationship(foreign_keys=[account_id])
    deputy: Mapped[Account] = relationship(foreign_keys=[deputy_id])
    entered_by: Mapped[Account | None] = relationship(foreign_keys=[entered_by_id])
