"""Progress updates with their forecasts and attachments."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.calendars.periods import Period
from app.core.database import Identified, Model, Versioned, db

if TYPE_CHECKING:
    from app.accounts.models import Account
    from app.documents.models import Document
    from app.measures.models import Measure
    from app.milestones.models import Milestone

attachment = Table(
    "update_attachment",
    db.metadata,
    Column("update_id", ForeignKey("progress_update.id"), primary_key=True),
    Column("document_id", ForeignKey("document.id"), primary_key=True),
)


class UpdateState(StrEnum):
    """A draft is its author's, a submitted update the city's, a released one the funder's too."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    RELEASED = "released"


class ProgressUpdate(Versioned, Identified, Model):
    """One report on a period (`period` is its key, such as 2023-Q1). A submitted one is not changed any more.

    `decided_for_id` is whom a deputy stood in for, never without somebody who decided.
    """

    __tablename__ = "progress_update"
    __table_args__ = (
        Index(
            "uq_progress_update_one_draft",
            "measure_id",
            unique=True,
            postgresql_where=text("state = 'draft'"),
            sqlite_where=text("state = 'draft'"),
        ),
        Index(None, "measure_id", "period"),
        CheckConstraint("percent IS NULL OR percent BETWEEN 0 AND 100", name="percent_is_share"),
        CheckConstraint("state = 'draft' OR submitted_at IS NOT NULL", name="submitted_means_at"),
        CheckConstraint("(state IN ('released', 'returned')) = (decided_at IS NOT NULL)", name="decided_means_at"),
        CheckConstraint(
            "decided_by_id <> author_id OR length(trim(coalesce(override_reason, ''))) > 0", name="four_eyes"
        ),
        CheckConstraint("decided_for_id IS NULL OR decided_by_id IS NOT NULL", name="deputy_means_decided"),
        CheckConstraint("state = 'draft' OR health IS NOT NULL", name="submitted_means_health"),
        CheckConstraint(
            "state = 'draft' OR health = 'green' OR length(trim(coalesce(health_reason, ''))) > 0",
            name="yellow_and_red_have_a_reason",
        ),
        CheckConstraint(
            "state <> 'returned' OR length(trim(coalesce(return_reason, ''))) > 0", name="returned_means_reason"
        ),
    )

    measure_id: Mapped[UUID] = mapped_column(ForeignKey("measure.id"))
    period: Mapped[str] = mapped_column(String(7))
    state: Mapped[str] = mapped_column(String(10), default=UpdateState.DRAFT)
    health: Mapped[str | None] = mapped_column(String(6))
    health_reason: Mapped[str | None]
    decision_wanted: Mapped[str | None]
    percent: Mapped[int | None]
    done: Mapped[str | None]
    next_steps: Mapped[str | None]
    risks: Mapped[str | None]
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    decided_for_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[datetime | None]
    return_reason: Mapped[str | None]
    override_reason: Mapped[str | None]
    is_sample: Mapped[bool] = mapped_column(default=False)

    measure: Mapped[Measure] = relationship(back_populates="updates")
    author: Mapped[Account | None] = relationship(foreign_keys=[author_id])
    decided_by: Mapped[Account | None] = relationship(foreign_keys=[decided_by_id])
    decided_for: Mapped[Account | None] = relationship(foreign_keys=[decided_for_id])
    forecasts: Mapped[list[MilestoneForecast]] = relationship(back_populates="update", cascade="all, delete-orphan")
    attachments: Mapped[list[Document]] = relationship(secondary=attachment)

    @property
    def reporting_period(self) -> Period:
        """The period reported on."""
        return Period.parse(self.period)


class MilestoneForecast(Identified, Model):
    """What an update expects for one open milestone; kept for the milestone trend."""

    __tablename__ = "milestone_forecast"
    __table_args__ = (UniqueConstraint("update_id", "milestone_id"),)

    update_id: Mapped[UUID] = mapped_column(ForeignKey("progress_update.id"))
    milestone_id: Mapped[UUID] = mapped_column(ForeignKey("milestone.id"))
    forecast_on: Mapped[date]

    update: Mapped[ProgressUpdate] = relationship(back_populates="forecasts")
    milestone: Mapped[Milestone] = relationship()
