from __future__ import annotations

from datetime import date

import pytest

from app.core.database import db
from app.digests.models import DigestRecipient
from app.organisations.models import Membership
from app.organisations.permissions import Role
from tests.factories import City, add, add_milestone
from tests.readiness.arrange import add_obligation


@pytest.fixture
def ready(city: City) -> City:
    """The small city with nothing missing."""
    people = (city.lead, city.head, city.other_head, city.other_lead, city.coordinator)
    for number, account in enumerate(people):
        account.email = f"person{number}@musterstadt.de"
    add(Membership(account_id=city.other_head.id, role=Role.DEPARTMENT_HEAD, unit=city.unit))
    add_milestone(city.measure, date(2023, 4, 14))
    add(
        DigestRecipient(
            programme_id=city.programme.id, organisation_id=city.funder_organisation.id, email="referat@land.nrw.de"
        )
    )
    add_obligation(city, date(2023, 12, 31))
    db.session.commit()
    return city
