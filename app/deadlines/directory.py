"""Everybody a deadline may concern on one day, read once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from sqlalchemy import select

from app.accounts.models import Account
from app.core.prepared import ask
from app.deadlines.deadline import People, unique
from app.organisations.absence import Away, is_free, reached
from app.organisations.models import Unit
from app.organisations.queries import NOBODY_AWAY, Holders, away_on, read_holders, standing_deputies

UNITS = select(Unit.id, Unit.parent_id)
GONE = select(Account.id).where(~Account.active)


class Led(Protocol):
    """What somebody leads in a unit: a measure."""

    @property
    def lead_id(self) -> UUID | None: ...
    @property
    def unit_id(self) -> UUID | None: ...


@dataclass(frozen=True)
class Directory:
    """The people of one day, by key. `above` has for each unit the one above it; `gone` are closed accounts."""

    above: Mapping[UUID, UUID | None]
    holders: Holders
    gone: frozenset[UUID]
    deputies: Mapping[UUID, UUID]
    away: Away

    @classmethod
    def read(cls, today: date) -> Directory:
        """The people of that day."""
        return cls(
            above=dict(ask(UNITS)),
            holders=read_holders(),
            gone=frozenset(account_id for (account_id,) in ask(GONE)),
            deputies=standing_deputies(),
            away=away_on(today),
        )

    def behind(self, measures: Collection[Led]) -> People:
        """The people of one measure, or of all those that a grant pays for."""
        leads = unique(lead_id for measure in measures for lead_id in self._lead(measure))
        heads = unique(head for measure in measures for head in self.nearest_heads(measure.unit_id))
        return self._people(leads, heads)

    def asked(self, unit_id: UUID | None, involved: Collection[UUID | None]) -> tuple[People, frozenset[UUID]]:
        """Whom a request for a decision concerns, and who of them and their stand-ins is free to decide it.

        It is up to the nearest heads not `involved`; of those away only the ones in whose place a word reaches
        somebody not involved. Without such a head it is up to the coordination, which can name another head or
        deputy. Whatever part a step calls, it calls whoever has to decide; only an escalation goes further up.
        """
        there = self.nearest_heads(unit_id, involved, self.away)
        nearest = self.nearest_heads(unit_id, involved)
        approvers = there or self.holders.coordinators or self.holders.administrators
        return self._people(approvers, approvers), self.with_stand_ins({*there, *nearest}) - {*involved}

    def nearest_heads(
        self, unit_id: UUID | None, involved: Collection[UUID | None] = (), away: Away = NOBODY_AWAY
    ) -> tuple[UUID, ...]:
        """The heads of a unit, or of the nearest unit above it that has any, without those who must not act."""
        for level in self._line(unit_id):
            free = unique(head for head in self.holders.heads.get(level, ()) if is_free(head, involved, away))
            if free:
                return free
        return ()

    def with_stand_ins(self, people: Iterable[UUID]) -> frozenset[UUID]:
        """These people and whoever may act in their place today."""
        return frozenset(someone for person in people for someone in (person, *reached(person, self.away)))

    def reporters(self, measure: Led) -> frozenset[UUID]:
        """Who may report on a measure and ask for approvals: its lead, who stands in for them, the coordination."""
        return self.with_stand_ins(self._lead(measure)) | set(self.holders.coordinators)

    def _lead(self, measure: Led) -> Iterator[UUID]:
        if measure.lead_id and measure.lead_id not in self.gone:
            yield measure.lead_id

    def _line(self, unit_id: UUID | None) -> Iterator[UUID]:
        """A unit and those above it, nearest first."""
        passed: set[UUID] = set()
        while unit_id and unit_id not in passed:
            yield unit_id
            passed.add(unit_id)
            unit_id = self.above[unit_id]

    def _people(self, leads: tuple[UUID, ...], heads: tuple[UUID, ...]) -> People:
        deputies = unique(self.deputies[lead] for lead in leads if lead in self.deputies)
        return People(leads, deputies, heads, self.holders.coordinators, self.holders.administrators)
