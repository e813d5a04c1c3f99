from __future__ import annotations

import json

import pytest
from flask import Flask

from tests.digests.arrange import add_recipient, add_update, mails, part_of
from tests.factories import City


def run(app: Flask, *words: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["digests", *words])
    return result.exit_code, result.output


def preview(app: Flask, city: City, *words: str) -> tuple[int, str]:
    return run(app, "preview", city.programme.key, "--funder", city.funder_organisation.key, *words)


def test_the_preview_comes_as_text_html_and_json(app: Flask, city: City) -> None:
    add_update(city.measure)
    code, text = preview(app, city)
    assert code == 0
    assert "Sachstand für 4. Quartal 2022" in text
    code, html = preview(app, city, "--format", "html", "--language", "en")
    assert code == 0
    assert html.lstrip().startswith("<!DOCTYPE html>")
    assert str(city.programme.name.en) in html
    code, written = preview(app, city, "--format", "json", "--until", "2023-02-01")
    assert code == 0
    assert json.loads(written)["span"]["until_on"] == "2023-02-01"
    assert not mails()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["preview", "nowhere", "--funder", "nobody"], "gibt es hier nicht"),
        (["preview", "nowhere"], "--funder"),
        (["preview", "nowhere", "--funder", "nobody", "--until", "tomorrow"], "tomorrow"),
        (["sweep", "--at", "tomorrow"], "tomorrow"),
        (["sweep", "--at", "2099-01-01"], "Zukunft"),
    ],
)
def test_bad_words_are_answered_with_a_sentence(app: Flask, city: City, words: list[str], message: str) -> None:
    code, output = run(app, *words)
    assert code != 0
    assert message in output
    assert "Traceback" not in output


def test_a_day_to_come_is_refused(app: Flask, city: City) -> None:
    code, output = preview(app, city, "--until", "2023-03-16")
    assert code != 0
    assert "Zukunft" in output


def test_a_sweep_sends_what_is_due_and_says_how_many(app: Flask, city: City) -> None:
    add_recipient(part_of(city))
    add_update(city.measure)
    part_of(city).digest_rhythm = "monthly"
    assert run(app, "sweep", "--at", "2023-03-01T06:59")[1].strip() == "0"
    assert run(app, "sweep", "--at", "2023-03-01T07:00")[1].strip() == "1"
    assert run(app, "sweep", "--at", "2023-03-01T07:00")[1].strip() == "0"
    assert len(mails()) == 1
