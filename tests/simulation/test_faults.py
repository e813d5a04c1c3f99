"""Faults come from the seed, and from nothing that happened before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.simulation.faults import Answer, CrashPoint, Faults, Rates

HOUR = datetime(2023, 3, 15, 7, tzinfo=UTC)
HOURS = [HOUR + timedelta(hours=number) for number in range(2000)]


def test_without_rates_nothing_goes_wrong() -> None:
    calm = Faults(1, Rates())
    assert not list(calm.hours_down(HOURS[0], HOURS[-1]))
    assert all(calm.runs("sweep", hour) == 1 for hour in HOURS)
    assert not any(calm.cuts_off_sweep(hour, 0) or calm.refuses_connection(hour, 0) for hour in HOURS)
    assert all(calm.crash_of("letter", hour) is None for hour in HOURS)
    assert {calm.answer("letter", times) for times in range(100)} == {Answer.TAKEN}


def test_a_rate_of_one_always_strikes() -> None:
    storm = Faults(1, Rates(1, 1, 1, 1))
    assert all(storm.runs("sweep", hour) == 2 for hour in HOURS)
    assert all(storm.cuts_off_sweep(hour, 0) and storm.refuses_connection(hour, 0) for hour in HOURS)
    assert {storm.crash_of("letter", hour) for hour in HOURS} == set(CrashPoint)
    assert {storm.answer("letter", times) for times in range(100)} == set(Answer) - {Answer.TAKEN}


def test_a_rate_is_how_often_a_fault_happens() -> None:
    often = Faults(1, Rates(double=0.2))
    assert 300 < sum(often.runs("sweep", hour) == 2 for hour in HOURS) < 500


def test_an_outage_lasts_hours_to_days_and_ends_where_it_must() -> None:
    begins, until = HOURS[0], HOURS[240]
    down = sorted(Faults(1, Rates(outage=0.1)).hours_down(begins, until))
    assert down
    assert begins <= down[0]
    assert down[-1] < until


def test_some_outages_last_hours_and_some_days() -> None:
    hour, until = timedelta(hours=1), HOURS[0] + timedelta(days=900)
    down = set(Faults(1, Rates(outage=0.02)).hours_down(HOURS[0], until))
    begins = [one for one in down if one - hour not in down]
    lengths = {next(more for more in range(200) if one + more * hour not in down) for one in begins}
    assert 2 <= min(lengths) < 12
    assert max(lengths) > 24


def test_the_same_seed_gives_the_same_faults_and_another_one_others() -> None:
    def drawn(seed: int) -> list[object]:
        faults = Faults(seed, Rates(0.3, 0.3, 0.3, 0.3))
        return [(faults.runs("sweep", hour), faults.crash_of("a", hour), faults.answer("a", 1)) for hour in HOURS]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_what_happens_to_one_letter_does_not_hang_on_another() -> None:
    faults = Faults(1, Rates(smtp_failure=0.5))
    alone = [faults.answer("b", times) for times in range(20)]
    for times in range(20):
        faults.answer("a", times)
    assert [faults.answer("b", times) for times in range(20)] == alone
