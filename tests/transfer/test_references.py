from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.transfer.reading import read
from app.transfer.rings import in_rings
from tests.transfer.cities import CITY, changed, found, only_finding, read_text

UPDATE = "health: green"
RING = "Diese Maßnahme wartet über ihre Vorgänger auf sich selbst."
SECOND_MEASURE = "measures:\n  - {key: zweite, programme: klima, number: 1}\n"


def test_the_sound_file_has_no_finding() -> None:
    assert read_text(CITY).findings == ()


@pytest.mark.parametrize(
    ("old", "new", "path", "message"),
    [
        (
            "status: geplant",
            "status: umgestzt",
            "measures[0].status",
            "Der Status „umgestzt“ ist unbekannt. Meinten Sie „umgesetzt“?",
        ),
        (
            "focus_area: verkehr",
            "focus_area: vekehr",
            "measures[0].focus_area",
            "Der Schwerpunkt „vekehr“ ist unbekannt. Meinten Sie „verkehr“?",
        ),
        (
            "unit: strassen\n",
            "unit: strasen\n",
            "measures[0].unit",
            "Die Organisationseinheit „strasen“ ist unbekannt. Meinten Sie „strassen“?",
        ),
        (
            "unit: strassen}",
            "unit: bauhof}",
            "accounts[0].memberships[0].unit",
            "Die Organisationseinheit „bauhof“ ist unbekannt.",
        ),
        (
            "recipients: [project_lead]",
            "recipients: [project_lead], people: [leitung@musterstadt.example, leitun@musterstadt.example]",
            "programmes[0].reminder_steps[0].people[1]",
            "Das Konto „leitun@musterstadt.example“ ist unbekannt. Meinten Sie „leitung@musterstadt.example“?",
        ),
        (
            "recipients: [project_lead]}",
            "people: []}",
            "programmes[0].reminder_steps[0]",
            "Diese Stufe erinnert niemanden. Nennen Sie „recipients“, „people“ oder beides.",
        ),
        (
            "recipients: [project_lead]}",
            "recipients: [], people: []}",
            "programmes[0].reminder_steps[0]",
            "Diese Stufe erinnert niemanden. Nennen Sie „recipients“, „people“ oder beides.",
        ),
        (
            "name: Leitung,",
            "name: Leitung, deputy: vertretung@musterstadt.example,",
            "accounts[0].deputy",
            "Das Konto „vertretung@musterstadt.example“ ist unbekannt. Meinten Sie „leitung@musterstadt.example“?",
        ),
        (
            "name: Leitung,",
            "name: Leitung, deputy: Leitung@Musterstadt.example,",
            "accounts[0].deputy",
            "Niemand vertritt sich selbst.",
        ),
        ("parent: planung", "parent: amt", "units[1].parent", "Die Organisationseinheit „amt“ ist unbekannt."),
        (
            "parent: planung",
            "parent: strassen",
            "units[1].parent",
            "Diese Organisationseinheit steht über sich selbst.",
        ),
        (
            "    lead: leitung@",
            "    lead: leitun@",
            "measures[0].lead",
            "Das Konto „leitun@musterstadt.example“ ist unbekannt. Meinten Sie „leitung@musterstadt.example“?",
        ),
        (
            "author: leitung@musterstadt.example",
            "author: wer@anders.example",
            "measures[0].updates[0].author",
            "Das Konto „wer@anders.example“ ist unbekannt.",
        ),
        (
            "measures: [radweg]",
            "measures: [radwege]",
            "grants[0].measures[0]",
            "Die Maßnahme „radwege“ ist unbekannt. Meinten Sie „radweg“?",
        ),
        (
            "  - key: bescheid\n    programme: klima",
            "  - key: bescheid\n    programme: anderes",
            "grants[0].measures[0]",
            "Die Maßnahme „radweg“ gehört zu einem anderen Programm.",
        ),
        (
            "  - key: bescheid\n    programme: klima",
            "  - key: bescheid\n    programme: klma",
            "grants[0].programme",
            "Das Programm „klma“ ist unbekannt. Meinten Sie „klima“?",
        ),
        (
            "organisation: umweltministerium",
            "organisation: verein",
            "programmes[0].funders[0].organisation",
            "„verein“ ist kein Fördergeber (kind: funder).",
        ),
        (
            "organisation: umweltministerium",
            "organisation: ministerium",
            "programmes[0].funders[0].organisation",
            "Die Organisation „ministerium“ ist unbekannt. Meinten Sie „umweltministerium“?",
        ),
        (
            "{key: verein,",
            "{key: musterstadt,",
            "organisations[1].key",
            "Diesen Schlüssel trägt schon die Stadt selbst.",
        ),
        ("ends: 2023-22", "ends: 2021", "measures[0].ends", "Das Ende liegt vor dem Beginn."),
        (
            "period_ends: 2023-12-31",
            "period_ends: 2021-12-31",
            "grants[0].period_ends",
            "Das Ende liegt vor dem Beginn.",
        ),
        (
            "title: Brücke",
            "title: Brücke, starts: 2023, ends: 2022-12",
            "measures[0].activities[0].ends",
            "Das Ende liegt vor dem Beginn.",
        ),
        (
            "title: Brücke",
            "title: Brücke, grant: bescheit",
            "measures[0].activities[0].grant",
            "Die Zuwendung „bescheit“ ist unbekannt. Meinten Sie „bescheid“?",
        ),
        (
            "title: Brücke",
            "title: Brücke, grant: bescheid, other_fund: Spende",
            "measures[0].activities[0].other_fund",
            "Nur einer zahlt: grant oder other_fund.",
        ),
        ("total_cost: 1000000", "total_cost: 1", "grants[0].amount", "Die Zuwendung ist höher als die Gesamtkosten."),
        (
            "2022-Q4",
            "2022-H2",
            "measures[0].updates[0].period",
            "Der Zeitraum passt nicht zum Rhythmus des Programms (quarterly).",
        ),
        (
            UPDATE,
            "health: yellow",
            "measures[0].updates[0].health_reason",
            "Zu Gelb und Rot gehört eine Begründung.",
        ),
        (
            UPDATE,
            "health: red\n        health_reason: Es fehlt Geld.",
            "measures[0].updates[0].decision_wanted",
            "Zu Rot gehört die gewünschte Entscheidung.",
        ),
        (
            "offset_days: -7,",
            "offset_days: 0, repeat_days: 7,",
            "programmes[0].reminder_steps[0].repeat_days",
            "Wiederholen lässt sich nur eine Stufe nach dem Termin.",
        ),
        (
            "{role: project_lead, unit: strassen}",
            "{role: department_head}",
            "accounts[0].memberships[0]",
            "Zu dieser Rolle fehlt die Organisationseinheit (unit).",
        ),
        (
            "{role: project_lead, unit: strassen}",
            "{role: funder}",
            "accounts[0].memberships[0]",
            "Zu dieser Rolle fehlt die Organisation (organisation).",
        ),
        (
            "name: Leitung,",
            "name: Leitung, trial: true,",
            "accounts[0].trial",
            "Ein Knopf zum Anmelden ist nur in einer Datei mit „sample: true“ erlaubt.",
        ),
        (
            "measures:\n",
            SECOND_MEASURE,
            "measures[1].number",
            "Die Nummer 1 trägt in diesem Programm schon „zweite“.",
        ),
        (
            "title: Brücke",
            "title: Brücke, sources: {titel: [https://x.de]}",
            "measures[0].activities[0].sources.titel",
            "Die Angabe „titel“, zu der die Quelle gehört, gibt es hier nicht. Meinten Sie „title“?",
        ),
        (
            "    activities:",
            "    events: [{on: 2022, kind: plan, title: A}, {on: 2022, kind: event, title: A}]\n    activities:",
            "measures[0].events[1]",
            "Dieser Eintrag gleicht dem 1. der Liste.",
        ),
        (
            "    activities:",
            "    documents: [{title: A, address: https://a.de}, {title: A, address: https://a.de}]\n    activities:",
            "measures[0].documents[1]",
            "Dieser Eintrag gleicht dem 1. der Liste.",
        ),
    ],
)
def test_what_does_not_belong_together_is_named_with_its_path(old: str, new: str, path: str, message: str) -> None:
    assert found(only_finding(changed(old, new))) == (path, message)


def test_an_unassigned_activity_shares_its_programmes_keys() -> None:
    unassigned = "unassigned_activities:\n  - {key: bruecke, programme: PROGRAMME, title: Noch eine Brücke}\n"
    assert found(only_finding(CITY + unassigned.replace("PROGRAMME", "klima"))) == (
        "unassigned_activities[0].key",
        "Diesen Schlüssel trägt im selben Programm schon measures[0].activities[0].",
    )
    assert read_text(CITY + unassigned.replace("PROGRAMME", "anderes")).findings == ()
    assert found(only_finding(CITY + unassigned.replace("PROGRAMME", "keines"))) == (
        "unassigned_activities[0].programme",
        "Das Programm „keines“ ist unbekannt.",
    )


def test_units_that_stand_above_each_other_in_a_ring_are_found() -> None:
    text = changed("{key: planung,", "{key: planung, parent: strassen,")
    assert [finding.path for finding in read_text(text).findings] == ["units[0].parent", "units[1].parent"]


def test_a_measure_may_end_in_the_season_it_begins_in() -> None:
    assert read_text(changed("starts: 2022-01\n", "starts: 2023-08-31\n")).findings == ()
    assert read_text(changed("starts: 2022-01\n", "starts: 2023-09-01\n")).findings != ()


def test_a_reference_may_lead_to_an_earlier_file_and_its_error_names_the_later_one() -> None:
    later = "format: 1\nmeasures: [{key: zweite, programme: klima, unit: strassen, status: umgestzt}]\n"
    reading = read([("stadt.yaml", CITY.encode()), ("mehr.yaml", later.encode())])
    (finding,) = reading.findings
    assert (finding.file, finding.line, finding.path) == ("mehr.yaml", 2, "measures[0].status")


# -- predecessors -----------------------------------------------------------------------------------------------


def with_measures(**before: str) -> str:
    """The sound file with more measures, each with the measures it waits for."""
    return CITY + "".join(
        f"  - {{key: {key}, programme: anderes, predecessors: [{keys}]}}\n" for key, keys in before.items()
    )


def test_a_measure_may_wait_for_any_other_of_the_file() -> None:
    assert read_text(with_measures(a="radweg, b", b="radweg")).findings == ()


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ({"a": "radweeg"}, [("[1].predecessors[0]", "Die Maßnahme „radweeg“ ist unbekannt. Meinten Sie „radweg“?")]),
        ({"a": "radweg, a"}, [("[1].predecessors[1]", "Eine Maßnahme ist nicht ihr eigener Vorgänger.")]),
        ({"a": "b", "b": "c", "c": "radweg"}, []),
        ({"a": "b", "b": "c", "c": "a", "d": "a"}, [(f"[{n}].predecessors", RING) for n in (1, 2, 3)]),
        ({"a": "b, c", "b": "a", "c": "a"}, [(f"[{n}].predecessors", RING) for n in (1, 2, 3)]),
        ({"a": "b", "b": "a", "c": "b, d", "d": "c"}, [(f"[{n}].predecessors", RING) for n in (1, 2, 3, 4)]),
    ],
)
def test_what_waits_for_nothing_or_in_a_ring_is_named_once(
    before: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    findings = [found(finding) for finding in read_text(with_measures(**before)).findings]
    assert findings == [(f"measures{path}", message) for path, message in expected]


@given(st.dictionaries(st.integers(0, 7), st.sets(st.integers(0, 7), max_size=3)))
def test_rings_are_those_that_walking_on_and_on_finds(before: dict[int, set[int]]) -> None:
    def reach(start: int) -> set[int]:
        reached: set[int] = set()
        ahead = list(before.get(start, ()))
        while ahead:
            here = ahead.pop()
            if here not in reached:
                reached.add(here)
                ahead += before.get(here, ())
        return reached

    everything = set(before).union(*before.values())
    assert in_rings(before) == {
        one for one in everything if any(one in reach(other) and other in reach(one) for other in everything - {one})
    }


def test_ten_thousand_measures_in_one_ring_are_judged_in_a_moment() -> None:
    ring = {number: [(number + 1) % 10_000, (number + 7) % 10_000] for number in range(10_000)}
    began = process_time()
    assert len(in_rings(ring)) == 10_000
    assert process_time() - began < 1


FUNDER = (
    "  - {email: land@ministerium.example, name: Land,"
    " memberships: [{role: funder, organisation: umweltministerium}]}\n"
)


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("name: Leitung,", "name: Leitung, deputy: land@ministerium.example,", "accounts[0].deputy"),
        (
            "recipients: [project_lead]",
            "people: [land@ministerium.example]",
            "programmes[0].reminder_steps[0].people[0]",
        ),
    ],
)
def test_whoever_only_reads_neither_stands_in_nor_is_reminded(old: str, new: str, path: str) -> None:
    text = changed(old, new).replace("programmes:\n", FUNDER + "programmes:\n", 1)
    assert found(only_finding(text)) == (
        path,
        "„land@ministerium.example“ ist nur Fördergeber und hat hier nichts zu tun.",
    )


def test_a_step_for_those_chosen_in_wegmarke_alone_is_worth_a_hint() -> None:
    reading = read_text(changed("recipients: [project_lead]", "recipients: []"))
    (finding,) = reading.findings
    assert (finding.level, reading.city is None) == ("warning", False)
    assert found(finding) == (
        "programmes[0].reminder_steps[0].recipients",
        "Ohne „people“ erinnert diese Stufe nur, wen jemand in Wegmarke dazu gewählt hat.",
    )


def test_two_may_stand_in_for_each_other() -> None:
    other = "  - {email: amt@musterstadt.example, name: Amt, deputy: leitung@musterstadt.example}\n"
    text = changed("name: Leitung,", "name: Leitung, deputy: amt@musterstadt.example,")
    assert read_text(text.replace("programmes:\n", other + "programmes:\n", 1)).findings == ()
