from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest

from app.core.localized import Localized
from app.core.text import Text
from app.digests.content import Content, build
from app.digests.courses import Course, course_of, sentence
from app.digests.facts import (
    Approval,
    Drop,
    Facts,
    MeasureFacts,
    Move,
    OpenMilestone,
    OpenObligation,
    Override,
    Release,
    Standing,
    StatusChange,
    fingerprint,
    from_json,
    to_json,
)
from app.digests.spans import Span
from app.programmes.workflow import Category
from app.progress.health import Health

AT = datetime(2023, 2, 1, 11, tzinfo=UTC)
RUNNING = Standing(Localized("In Umsetzung"), Category.RUNNING)
PAUSED = Standing(Localized("Pausiert"), Category.PAUSED)
DONE = Standing(Localized("Umgesetzt"), Category.DONE)
STOPPED = Standing(Localized("Abgebrochen"), Category.STOPPED)
QUARTER = Span(date(2023, 1, 1), date(2023, 3, 31), is_first=False)


def release(health: Health = Health.GREEN, **values: Any) -> Release:
    row = Release("update:1", AT, "2022-Q4", health, "Lieferverzug", "Mehr Zeit", 40)
    return replace(row, **values)


def measure(health: Health | None = None, **values: Any) -> MeasureFacts:
    row = MeasureFacts(uuid4(), Localized("a-BUS"), RUNNING, release(health) if health else None, None)
    return replace(row, **values)


def facts(*measures: MeasureFacts, **values: Any) -> Facts:
    row = Facts(
        city=Localized("Stadt Iserlohn"),
        programme=Localized("Digitale Modellregionen"),
        programme_short=Localized("DMR"),
        funder=Localized("Ministerium"),
        zone="Europe/Berlin",
        span=QUARTER,
        measures=measures,
        obligations=(),
    )
    return replace(row, **values)


def told(content: Content) -> list[str]:
    """Every line of news with its notes, in German."""
    lines = [line for part in content.news for line in part.lines]
    return [" / ".join(str(part) for part in (line.text, *line.notes)) for line in lines]


GREEN, YELLOW, RED = Health.GREEN, Health.YELLOW, Health.RED


@pytest.mark.parametrize(
    ("lights", "expected"),
    [
        ([], "Zu diesem Programm ist noch keine Maßnahme erfasst."),
        ([GREEN], "Die Maßnahme läuft nach Plan."),
        ([None], "Die Maßnahme ist ohne freigegebenen Sachstand."),
        ([RED], "Die Maßnahme ist rot."),
        ([GREEN] * 5, "Alle 5 Maßnahmen laufen nach Plan."),
        ([GREEN] * 4 + [YELLOW], "4 von 5 Maßnahmen laufen nach Plan; eine ist gelb."),
        ([GREEN, YELLOW, YELLOW], "1 von 3 Maßnahmen läuft nach Plan; 2 sind gelb."),
        (
            [GREEN, GREEN, YELLOW, RED, None],
            "2 von 5 Maßnahmen laufen nach Plan; eine ist rot; eine ist gelb; eine ist ohne freigegebenen Sachstand.",
        ),
        ([YELLOW, None, None], "3 Maßnahmen: eine ist gelb; 2 sind ohne freigegebenen Sachstand."),
        ([None, None], "Zu keiner der 2 Maßnahmen gibt es einen freigegebenen Sachstand."),
    ],
)
def test_one_sentence_tells_how_the_whole_fares(lights: list[Health | None], expected: str) -> None:
    assert str(sentence([measure(light) for light in lights])) == expected


@pytest.mark.parametrize(
    ("status", "light", "expected"),
    [
        (DONE, GREEN, Course.FINISHED),
        (DONE, None, Course.FINISHED),
        (STOPPED, RED, Course.STOPPED),
        (PAUSED, GREEN, Course.PAUSED),
        (PAUSED, None, Course.PAUSED),
        (PAUSED, RED, Course.RED),
        (None, GREEN, Course.ON_PLAN),
        (None, None, Course.UNREPORTED),
    ],
)
def test_a_light_counts_only_where_it_still_means_something(
    status: Standing | None, light: Health | None, expected: Course
) -> None:
    assert course_of(measure(light, status=status)) == expected


def changed(before: Standing | None, after: Standing, day: int) -> StatusChange:
    return StatusChange(f"status:{day}", datetime(2023, 2, day, 11, tzinfo=UTC), before, after)


def test_a_status_that_went_from_a_over_b_to_c_is_told_as_a_to_c() -> None:
    changes = (changed(PAUSED, RUNNING, 1), changed(RUNNING, DONE, 5))
    lines = told(build(facts(measure(status_changes=changes))))
    assert lines == ["Status: „Umgesetzt“, vorher „Pausiert“ / Seit dem 2023-02-05"]


def test_there_and_back_again_is_nothing_to_tell() -> None:
    content = build(facts(measure(status_changes=(changed(RUNNING, PAUSED, 1), changed(PAUSED, RUNNING, 3)))))
    assert not content.has_news


def test_a_status_nobody_published_before_says_so() -> None:
    lines = told(build(facts(measure(status_changes=(changed(None, RUNNING, 1),)))))
    assert lines == ["Status: „In Umsetzung“, vorher nicht veröffentlicht / Seit dem 2023-02-01"]


def renamed(label: str, after: Standing) -> Standing:
    return replace(after, label=Localized(label, after.label.en))


def test_a_step_to_the_same_words_is_nothing_to_tell() -> None:
    content = build(facts(measure(status_changes=(changed(RUNNING, replace(RUNNING), 1),))))
    assert not content.has_news
    assert not content.essence


def test_a_wording_that_was_only_translated_is_nothing_to_tell() -> None:
    translated = replace(RUNNING, label=Localized("In Umsetzung", "Running"))
    assert not build(facts(measure(status_changes=(changed(RUNNING, translated, 1),)))).has_news
    there_and_back = (changed(RUNNING, PAUSED, 1), changed(PAUSED, translated, 2))
    assert not build(facts(measure(status_changes=there_and_back))).has_news


def test_other_words_or_another_category_are_told() -> None:
    for after in (renamed("Im Bau", RUNNING), replace(RUNNING, category=Category.PAUSED)):
        assert build(facts(measure(status_changes=(changed(RUNNING, after, 1),)))).has_news


def test_the_day_of_a_change_is_not_that_of_a_later_move_to_the_same_words() -> None:
    changes = (changed(PAUSED, RUNNING, 1), changed(RUNNING, RUNNING, 9))
    assert told(build(facts(measure(status_changes=changes)))) == [
        "Status: „In Umsetzung“, vorher „Pausiert“ / Seit dem 2023-02-01"
    ]


def overridden(key: str, reason: str = "Frist endet\nheute", day: int = 1, **what: Any) -> Override:
    return Override(key, datetime(2023, 2, day, 11, tzinfo=UTC), reason, **what)


def emergencies(content: Content) -> list[str]:
    """Every emergency with its notes, in German."""
    return [" / ".join(str(part) for part in (one.name, one.text, *one.notes)) for one in content.emergencies]


def test_every_kind_of_emergency_is_told_with_its_day_and_reason() -> None:
    row = measure(
        overrides=(
            overridden("a", milestone=Localized("Betrieb")),
            overridden("b", period="2022-Q4", day=2),
            overridden("c", status=Localized("Bewilligt"), day=3),
        )
    )
    content = build(facts(row))
    assert content.has_news
    assert not content.news
    assert emergencies(content) == [
        "a-BUS / Meilenstein „Betrieb“ freigegeben / Am 2023-02-01 / Begründung: Frist endet heute",
        "a-BUS / Sachstand für 4. Quartal 2022 freigegeben / Am 2023-02-02 / Begründung: Frist endet heute",
        "a-BUS / Status „Bewilligt“ / Am 2023-02-03 / Begründung: Frist endet heute",
    ]
    assert [str(point) for point in content.subject_points] == ["3 Notfallentscheidungen"]


def test_there_and_back_again_hides_no_emergency() -> None:
    changes = (changed(RUNNING, PAUSED, 1), changed(PAUSED, RUNNING, 3))
    content = build(facts(measure(status_changes=changes, overrides=(overridden("o", status=RUNNING.label, day=3),))))
    assert not content.news
    assert len(content.emergencies) == 1
    assert content.has_news


def test_an_emergency_entered_late_says_from_when_it_is() -> None:
    later = facts(
        measure(overrides=(overridden("o", period="2022-Q4"),)), span=Span(date(2023, 4, 1), date(2023, 6, 30), False)
    )
    assert emergencies(build(later))[0].endswith("Nachgetragen vom 2023-02-01")
    assert "Nachgetragen" not in emergencies(build(replace(later, span=replace(later.span, is_first=True))))[0]


def test_the_subject_never_leaves_an_emergency_out() -> None:
    approval = Approval("a", AT, Localized("x"), date(2023, 1, 31), False, date(2023, 2, 14))
    red = release(RED)
    full = facts(
        measure(
            release=red,
            releases=(red,),
            approvals=(approval,),
            overrides=(overridden("o", milestone=Localized("x")),),
        )
    )
    assert "1 Notfallentscheidung" in [str(point) for point in build(full).subject_points]


def test_an_emergency_in_sample_data_marks_the_digest() -> None:
    assert build(facts(measure(overrides=(overridden("o", period="2022-Q4", is_sample=True),)))).has_sample
    assert not build(facts(measure(overrides=(overridden("o", period="2022-Q4"),)))).has_sample


def moved(milestone_id: Any, from_on: date, to_on: date, day: int, reason: str) -> Move:
    at = datetime(2023, 2, day, 11, tzinfo=UTC)
    return Move(f"moved:{day}", at, milestone_id, Localized("Betrieb"), from_on, to_on, False, reason)


def test_moves_of_one_milestone_are_told_as_one_with_the_last_reason() -> None:
    key = uuid4()
    moves = (
        moved(key, date(2023, 4, 1), date(2023, 5, 1), 1, "Lieferverzug"),
        moved(key, date(2023, 5, 1), date(2023, 6, 1), 2, "Abnahme\nverschoben"),
    )
    content = build(facts(measure(moves=moves)))
    assert told(content) == [
        "Meilenstein verlegt: „Betrieb“ von 2023-04-01 auf 2023-06-01 / Begründung: Abnahme verschoben"
    ]
    assert [str(point) for point in content.essence] == ["1 Termin verlegt"]


def test_a_milestone_moved_back_to_its_day_is_nothing_to_tell() -> None:
    key = uuid4()
    moves = (
        moved(key, date(2023, 4, 1), date(2023, 5, 1), 1, "Lieferverzug"),
        moved(key, date(2023, 5, 1), date(2023, 4, 1), 2, "doch nicht"),
    )
    assert not build(facts(measure(moves=moves))).has_news


def test_moves_of_two_milestones_stay_two() -> None:
    moves = (
        moved(uuid4(), date(2023, 4, 1), date(2023, 5, 1), 1, "a"),
        moved(uuid4(), date(2023, 5, 1), date(2023, 4, 1), 2, "b"),
    )
    assert len(told(build(facts(measure(moves=moves))))) == 2


def test_an_approval_names_the_planned_and_the_actual_day() -> None:
    approval = Approval("a", AT, Localized("Betrieb"), date(2023, 1, 31), True, date(2023, 2, 14))
    content = build(facts(measure(approvals=(approval,))))
    assert told(content) == ["Meilenstein freigegeben: „Betrieb“ / Erreicht am 2023-02-14, geplant: Januar 2023"]


def test_approvals_are_told_in_the_order_of_what_happened() -> None:
    first = Approval("z", AT, Localized("zuerst"), date(2023, 1, 31), False, date(2023, 1, 5))
    second = Approval("a", AT, Localized("danach"), date(2023, 1, 31), False, date(2023, 2, 14))
    lines = told(build(facts(measure(approvals=(second, first)))))
    assert ["zuerst" in line for line in lines] == [True, False]


def test_a_dropped_milestone_is_told_with_its_reason() -> None:
    drop = Drop("d", AT, Localized("Betrieb"), date(2023, 1, 31), False, "Partner fehlt")
    content = build(facts(measure(drops=(drop,))))
    assert told(content) == ["Meilenstein entfallen: „Betrieb“, geplant war: 2023-01-31 / Begründung: Partner fehlt"]


def test_of_two_released_updates_the_last_is_told_with_what_was_told_before() -> None:
    before = release(GREEN, key="update:0", percent=20)
    last = release(YELLOW, key="update:2", percent=55)
    released = measure(release=last, releases=(release(RED), last), release_before=before)
    assert told(build(facts(released))) == [
        "Sachstand für 4. Quartal 2022 / Ampel vorher: Grün / Begründung: Lieferverzug"
        " / Fortschritt: 55 %, vorher 20 %"
    ]


def test_an_unknown_percentage_is_not_published() -> None:
    unknown = release(GREEN, percent=None)
    content = build(facts(measure(release=unknown, releases=(unknown,))))
    assert told(content) == ["Sachstand für 4. Quartal 2022 / Fortschritt: nicht veröffentlicht"]


def test_a_green_update_gives_no_reason_away() -> None:
    assert "Lieferverzug" not in str(told(build(facts(measure(GREEN, releases=(release(GREEN),))))))


def test_the_wish_of_a_red_measure_is_told_once_and_only_while_it_is_red() -> None:
    red, green = release(RED), release(GREEN, key="update:2")
    assert [wish.decision for wish in build(facts(measure(RED, releases=(red,)))).wishes] == ["Mehr Zeit"]
    assert not build(facts(measure(GREEN, releases=(red, green)))).wishes
    assert not build(facts(measure(RED, releases=()))).wishes


def test_what_comes_reaches_ninety_days_ahead_and_names_what_is_late() -> None:
    def milestone(title: str, day: date, forecast: date | None = None) -> OpenMilestone:
        return OpenMilestone(Localized(title), day, False, forecast)

    coming = measure(
        milestones=(
            milestone("morgen", date(2023, 4, 1), date(2023, 4, 20)),
            milestone("heute", date(2023, 3, 31), date(2023, 3, 31)),
            milestone("spät", date(2023, 3, 30)),
            milestone("am Rand", date(2023, 6, 29)),
            milestone("zu weit", date(2023, 6, 30)),
        )
    )
    owed = (
        OpenObligation(Localized("Verwendungsnachweis"), Localized("Bescheid"), date(2023, 6, 29)),
        OpenObligation(Localized("Belege"), Localized("Bescheid"), date(2033, 6, 30)),
    )
    upcoming = build(facts(coming, obligations=owed)).upcoming
    assert [" / ".join(str(part) for part in (one.when, one.text, *one.notes)) for one in upcoming] == [
        "2023-03-30 / Meilenstein „spät“ / geplanter Tag verstrichen, noch nicht freigegeben",
        "2023-03-31 / Meilenstein „heute“",
        "2023-04-01 / Meilenstein „morgen“ / voraussichtlich 2023-04-20",
        "2023-06-29 / Frist „Verwendungsnachweis“",
        "2023-06-29 / Meilenstein „am Rand“",
    ]


def test_what_comes_alone_is_no_news() -> None:
    coming = measure(milestones=(OpenMilestone(Localized("bald"), date(2023, 4, 1), False, None),))
    content = build(facts(coming))
    assert content.upcoming
    assert not content.has_news


def test_the_overview_says_what_is_not_published() -> None:
    (row,) = build(facts(measure(status=None))).overview
    assert row.light is None
    assert [str(point) for point in row.points] == ["Status: nicht veröffentlicht"]


def test_the_subject_says_the_essence() -> None:
    approval = Approval("a", AT, Localized("x"), date(2023, 1, 31), False, date(2023, 2, 14))
    yellow = measure(YELLOW, approvals=(approval, replace(approval, key="b")))
    assert [str(point) for point in build(facts(yellow)).subject_points] == [
        "2 Meilensteine freigegeben",
        "1 Maßnahme gelb",
    ]


def test_the_subject_keeps_the_red_ones_when_it_must_be_short() -> None:
    approval = Approval("a", AT, Localized("x"), date(2023, 1, 31), False, date(2023, 2, 14))
    red = release(RED)
    full = build(
        facts(
            measure(release=red, releases=(red,), approvals=(approval,)),
            measure(YELLOW, moves=(moved(uuid4(), date(2023, 4, 1), date(2023, 5, 1), 1, "r"),)),
        )
    )
    assert [str(point) for point in full.subject_points] == [
        "1 Meilenstein freigegeben",
        "1 Entscheidung erbeten",
        "1 Maßnahme rot",
    ]


def test_what_was_entered_late_says_from_when_it_is() -> None:
    late = changed(RUNNING, DONE, 1)
    later = facts(measure(status_changes=(late,)), span=Span(date(2023, 4, 1), date(2023, 6, 30), False))
    assert told(build(later)) == [
        "Status: „Umgesetzt“, vorher „In Umsetzung“ / Seit dem 2023-02-01 / Nachgetragen vom 2023-02-01"
    ]
    first = replace(later, span=replace(later.span, is_first=True))
    assert "Nachgetragen" not in str(told(build(first)))


def test_a_day_is_the_programme_s_day() -> None:
    just_before_midnight_utc = StatusChange("s", datetime(2023, 2, 1, 23, 30, tzinfo=UTC), RUNNING, DONE)
    assert "2023-02-02" in told(build(facts(measure(status_changes=(just_before_midnight_utc,)))))[0]


@pytest.mark.parametrize("where", ["measure", "release", "approval", "milestone", "obligation"])
def test_sample_data_marks_the_digest(where: str) -> None:
    row = release(is_sample=where == "release")
    approval = Approval("a", AT, Localized("x"), date(2023, 1, 31), False, date(2023, 2, 14), where == "approval")
    open_one = OpenMilestone(Localized("x"), date(2023, 4, 1), False, None, where == "milestone")
    owed = OpenObligation(Localized("x"), Localized("y"), date(2023, 4, 1), where == "obligation")
    part = measure(
        release=row, releases=(row,), approvals=(approval,), milestones=(open_one,), is_sample=where == "measure"
    )
    assert build(facts(part, obligations=(owed,))).has_sample


def test_real_data_carries_no_mark() -> None:
    assert not build(facts(measure(GREEN, releases=(release(),)))).has_sample


def everything() -> Facts:
    red = release(RED)
    return facts(
        measure(
            name=Text("Maßnahme %(number)s: Angaben folgen", {"number": 4}),
            release=red,
            releases=(red,),
            status_changes=(changed(None, RUNNING, 1),),
            approvals=(Approval("a", AT, Localized("x", "y"), date(2023, 1, 31), True, date(2023, 2, 14)),),
            moves=(moved(uuid4(), date(2023, 4, 1), date(2023, 5, 1), 1, "r"),),
            drops=(Drop("d", AT, Localized("x"), date(2023, 1, 31), False, "r"),),
            overrides=(overridden("o", milestone=Localized("x", "y")),),
            milestones=(OpenMilestone(Localized("x"), date(2023, 4, 1), False, date(2023, 4, 2)),),
        ),
        obligations=(OpenObligation(Localized("x"), Localized("y"), date(2023, 4, 1)),),
    )


def test_the_archive_gives_back_what_was_put_in() -> None:
    kept = everything()
    assert from_json(to_json(kept)) == kept
    assert to_json(kept)["keys"] == sorted(["update:1", "status:1", "a", "moved:1", "d", "o"])


def test_a_digest_from_before_there_were_emergencies_still_reads() -> None:
    kept = everything()
    stored = to_json(kept)
    for part in stored["measures"]:
        del part["overrides"]
    assert from_json(stored) == replace(kept, measures=(replace(kept.measures[0], overrides=()),))
    assert not build(from_json(stored)).emergencies


def test_a_fingerprint_changes_with_every_fact() -> None:
    kept = everything()
    assert fingerprint(kept) == fingerprint(from_json(to_json(kept)))
    assert fingerprint(kept) != fingerprint(replace(kept, obligations=()))
