"""Milestones, moves of their due day, and approvals with their evidence."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.calendars.partial_dates import PartialDate
from app.core.database import Identified, Model, Versioned, db
from app.core.localized import Localized, LocalizedText
from app.core.sources import Sourced
from app.milestones.approval import Decision, MilestoneState

if TYPE_CHECKING:
    from app.accounts.models import Account
    from app.documents.models import Document
    from app.measures.models import Measure

evidence = Table(
    "approval_evidence",
    db.metadata,
    Column("approval_id", ForeignKey("approval.id"), primary_key=True),
    Column("document_id", ForeignKey("document.id"), primary_key=True),
)


class Milestone(Sourced, Versioned, Identified, Model):
    """A dated promise. Three days: planned (the promise), forecast (today's belief), actual (what happened).

    `planned_precision` says whether the source gave a day or only a month. `due_version` counts the moves of
    the planned day, so that a moved deadline reminds anew. `edited_by_id` is who changed it last: four eyes.
    The planned day of a `funder_relevant` one moves only with the head's approval (`MoveRequest`).
    """

    __tablename__ = "milestone"
    __table_args__ = (
        UniqueConstraint("measure_id", "key"),
        CheckConstraint("approved_at IS NULL OR dropped_at IS NULL", name="approved_or_dropped"),
        CheckConstraint("(approved_at IS NULL) = (actual_on IS NULL)", name="approved_means_actual_day"),
        CheckConstraint("(dropped_at IS NULL) = (drop_reason IS NULL)", name="dropped_means_reason"),
        Index(
            "ix_milestone_open",
            "planned_on",
            postgresql_where=text("approved_at IS NULL AND dropped_at IS NULL"),
            sqlite_where=text("approved_at IS NULL AND dropped_at IS NULL"),
        ),
    )

    measure_id: Mapped[UUID] = mapped_column(ForeignKey("measure.id"))
    key: Mapped[str] = mapped_column(String(80))
    title: Mapped[Localized] = mapped_column(LocalizedText)
    description: Mapped[Localized | None] = mapped_column(LocalizedText)
    planned_on: Mapped[date]
    planned_precision: Mapped[str] = mapped_column(String(5), default="day")
    forecast_on: Mapped[date | None]
    actual_on: Mapped[date | None]
    due_version: Mapped[int] = mapped_column(default=1)
    funder_relevant: Mapped[bool] = mapped_column(default=False)
    edited_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    approved_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None]
    drop_reason: Mapped[str | None]

    measure: Mapped[Measure] = relationship(back_populates="milestones")
    approvals: Mapped[list[Approval]] = relationship(back_populates="milestone", order_by="Approval.submitted_at")
    moves: Mapped[list[MilestoneMove]] = relationship(back_populates="milestone", order_by="MilestoneMove.moved_at")
    move_requests: Mapped[list[MoveRequest]] = relationship(
        back_populates="milestone", order_by="MoveRequest.requested_at"
    )

    @property
    def planned(self) -> PartialDate:
        """The planned day as its source gave it: a month where it names no more than that."""
        return PartialDate.of(self.planned_on, self.planned_precision)

    @property
    def open_approval(self) -> Approval | None:
        """The request that waits for a decision; the database allows one."""
        return next((approval for approval in self.approvals if approval.decision is None), None)

    @property
    def override_reason(self) -> str | None:
        """Why it was approved without four eyes, None where they were kept."""
        return next((row.override_reason for row in self.approvals if row.decision == Decision.APPROVED), None)

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is expected: approved, or dropped with a reason."""
        return self.approved_at is not None or self.dropped_at is not None

    @property
    def state(self) -> MilestoneState:
        """Where it stands."""
        if self.approved_at is not None:
            return MilestoneState.APPROVED
        if self.dropped_at is not None:
            return MilestoneState.DROPPED
        return MilestoneState.IN_APPROVAL if self.open_approval else MilestoneState.OPEN


class MilestoneMove(Identified, Model):
    """The planned day moved, with its reason: the old day stays visible."""

    __tablename__ = "milestone_move"

    milestone_id: Mapped[UUID] = mapped_column(ForeignKey("milestone.id"), index=True)
    from_on: Mapped[date]
    from_precision: Mapped[str] = mapped_column(String(5), default="day")
    to_on: Mapped[date]
    reason: Mapped[str]
    moved_at: Mapped[datetime]
    moved_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))

    milestone: Mapped[Milestone] = relationship(back_populates="moves")
    moved_by: Mapped[Account | None] = relationship()

    @property
    def moved_from(self) -> PartialDate:
        """The old day as it was planned: a month where the plan named no more."""
        return PartialDate.of(self.from_on, self.from_precision)


class MoveRequest(Versioned, Identified, Model):
    """A wish to move the planned day of a funder-relevant milestone, and the head's decision on it.

    Until it is approved the old day stays. The database holds: one undecided wish per milestone; decided means
    decided by and at; a return has a reason; nobody decides their own, but with the reason of an emergency.
    `decided_for_id` is whom a deputy stood in for, never without a decision.
    """

    __tablename__ = "move_request"
    __table_args__ = (
        Index(
            "uq_move_request_one_open",
            "milestone_id",
            unique=True,
            postgresql_where=text("decision IS NULL"),
            sqlite_where=text("decision IS NULL"),
        ),
        CheckConstraint(
            "(decision IS NULL) = (decided_by_id IS NULL) AND (decision IS NULL) = (decided_at IS NULL)",
            name="decided_means_by_and_at",
        ),
        CheckConstraint(
            "decision <> 'returned' OR length(trim(coalesce(decision_reason, ''))) > 0", name="returned_means_reason"
        ),
        CheckConstraint(
            "decision = 'withdrawn' OR decided_by_id <> requested_by_id "
            "OR length(trim(coalesce(override_reason, ''))) > 0",
            name="four_eyes",
        ),
        CheckConstraint("decided_for_id IS NULL OR decided_by_id IS NOT NULL", name="deputy_means_decided"),
    )

    milestone_id: Mapped[UUID] = mapped_column(ForeignKey("milestone.id"), index=True)
    to_on: Mapped[date]
    reason: Mapped[str]
    requested_by_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    requested_at: Mapped[datetime]
    decision: Mapped[Decision | None] = mapped_column(String(10))
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    decided_for_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]
    override_reason: Mapped[str | None]

    milestone: Mapped[Milestone] = relationship(back_populates="move_requests")
    requested_by: Mapped[Account] = relationship(foreign_keys=[requested_by_id])
    decided_by: Mapped[Account | None] = relationship(foreign_keys=[decided_by_id])
    decided_for: Mapped[Account | None] = relationship(foreign_keys=[decided_for_id])


class Approval(Versioned, Identified, Model):
    """A request to confirm that a milestone was reached, and its decision.

    The database holds: one undecided request per milestone; decided means decided by and at; a return has a
    reason; nobody decides what they submitted, but with the reason of an emergency. `decided_for_id` is whom a
    deputy stood in for, never without a decision.
    """

    __tablename__ = "approval"
    __table_args__ = (
        Index(
            "uq_approval_one_open",
            "milestone_id",
            unique=True,
            postgresql_where=text("decision IS NULL"),
            sqlite_where=text("decision IS NULL"),
        ),
        CheckConstraint(
            "(decision IS NULL) = (decided_by_id IS NULL) AND (decision IS NULL) = (decided_at IS NULL)",
            name="decided_means_by_and_at",
        ),
        CheckConstraint(
            "decision <> 'returned' OR length(trim(coalesce(reason, ''))) > 0", name="returned_means_reason"
        ),
        CheckConstraint(
            "decision = 'withdrawn' OR decided_by_id <> submitted_by_id "
            "OR length(trim(coalesce(override_reason, ''))) > 0",
            name="four_eyes",
        ),
        CheckConstraint("decided_for_id IS NULL OR decided_by_id IS NOT NULL", name="deputy_means_decided"),
    )

    milestone_id: Mapped[UUID] = mapped_column(ForeignKey("milestone.id"), index=True)
    submitted_by_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    submitted_at: Mapped[datetime]
    actual_on: Mapped[date]
    statement: Mapped[str]
    decision: Mapped[Decision | None] = mapped_column(String(10))
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    decided_for_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    override_reason: Mapped[str | None]

    milestone: Mapped[Milestone] = relationship(back_populates="approvals")
    submitted_by: Mapped[Account] = relationship(foreign_keys=[submitted_by_id])
    decided_by: Mapped[Account | None] = relationship(foreign_keys=[decided_by_id])
    decided_for: Mapped[Account | None] = relationship(foreign_keys=[decided_for_id])
    evidence: Mapped[list[Document]] = relationship(secondary=evidence)
