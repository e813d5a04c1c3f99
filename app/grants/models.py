"""Grants (Zuwendungen), obligations and calls for funds. A grant and a measure are different things."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Identified, Model, db
from app.core.localized import Localized, LocalizedText
from app.core.sources import Sourced

if TYPE_CHECKING:
    from app.accounts.models import Account
    from app.measures.models import Measure
    from app.programmes.models import Programme

grant_measure = Table(
    "grant_measure",
    db.metadata,
    Column("grant_id", ForeignKey("grant.id"), primary_key=True),
    Column("measure_id", ForeignKey("measure.id"), primary_key=True),
)


class ObligationKind(StrEnum):
    """What a recipient owes."""

    CALL_FOR_FUNDS = "call_for_funds"
    PROOF_OF_USE = "proof_of_use"
    KEEP_RECEIPTS = "keep_receipts"
    PUBLICATION = "publication"
    REPORT = "report"
    OTHER = "other"


class Grant(Sourced, Identified, Model):
    """A grant with its notice. What is None has not been published. `rate` is a share as text, such as 0.65."""

    __tablename__ = "grant"
    __table_args__ = (UniqueConstraint("programme_id", "key"),)

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"))
    key: Mapped[str] = mapped_column(String(80))
    title: Mapped[Localized] = mapped_column(LocalizedText)
    file_number: Mapped[str | None] = mapped_column(String(80))
    notice_on: Mapped[date | None]
    notice_count: Mapped[int | None]
    commitment_on: Mapped[date | None]
    period_starts_on: Mapped[date | None]
    period_ends_on: Mapped[date | None]
    amount: Mapped[Decimal | None]
    amount_note: Mapped[Localized | None] = mapped_column(LocalizedText)
    total_cost: Mapped[Decimal | None]
    rate: Mapped[str | None] = mapped_column(String(8))

    programme: Mapped[Programme] = relationship()
    measures: Mapped[list[Measure]] = relationship(secondary=grant_measure, back_populates="grants")
    obligations: Mapped[list[Obligation]] = relationship(
        back_populates="grant", order_by="Obligation.due_on.is_(None), Obligation.due_on, Obligation.key"
    )
    drawdowns: Mapped[list[Drawdown]] = relationship(back_populates="grant", order_by="Drawdown.requested_on")


class Obligation(Sourced, Identified, Model):
    """Something owed for a grant. Without a due day it is shown as „Datum fehlt“, never guessed.

    `basis` says whether the day is published or derived; `due_version` counts its moves.
    """

    __tablename__ = "obligation"
    __table_args__ = (UniqueConstraint("grant_id", "key"),)

    grant_id: Mapped[UUID] = mapped_column(ForeignKey("grant.id"))
    key: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[Localized] = mapped_column(LocalizedText)
    rule: Mapped[Localized | None] = mapped_column(LocalizedText)
    basis: Mapped[str | None] = mapped_column(String(10))
    due_on: Mapped[date | None]
    due_version: Mapped[int] = mapped_column(default=1)
    done_on: Mapped[date | None]

    grant: Mapped[Grant] = relationship(back_populates="obligations")
    moves: Mapped[list[ObligationMove]] = relationship(
        back_populates="obligation", order_by="ObligationMove.moved_at", cascade="all, delete-orphan"
    )


class ObligationMove(Identified, Model):
    """The due day of an obligation was set or moved, with its reason: the old day stays visible."""

    __tablename__ = "obligation_move"
    __table_args__ = (Index(None, "obligation_id"),)

    obligation_id: Mapped[UUID] = mapped_column(ForeignKey("obligation.id"))
    from_on: Mapped[date | None]
    to_on: Mapped[date]
    reason: Mapped[str]
    moved_at: Mapped[datetime]
    moved_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))

    obligation: Mapped[Obligation] = relationship(back_populates="moves")
    moved_by: Mapped[Account | None] = relationship()


class Drawdown(Identified, Model):
    """A call for funds (Mittelabruf): amount, and until when the money is needed."""

    __tablename__ = "drawdown"
    __table_args__ = (CheckConstraint("amount > 0", name="amount_is_positive"),)

    grant_id: Mapped[UUID] = mapped_column(ForeignKey("grant.id"))
    amount: Mapped[Decimal]
    requested_on: Mapped[date]
    needed_until: Mapped[date | None]
    paid_on: Mapped[date | None]

    grant: Mapped[Grant] = relationship(back_populates="drawdowns")
