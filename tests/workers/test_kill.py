"""Mails survive their worker: killed in the middle of its work, it loses none and repeats but the one in flight."""

from __future__ import annotations

import time
from collections import Counter
from functools import partial

import pytest
from sqlalchemy import func, select

from app.core.database import db
from app.core.transaction import reading
from app.mail.models import Mail, MailState
from tests.mail.conftest import a_mail
from tests.workers.conftest import Site
from tests.workers.processes import PATIENCE, kill, wait_until, worker
from workers import nudge

MAILS = 200
KILLED_AFTER = (50, 120)


def fill_outbox(count: int) -> set[str]:
    mails = [a_mail() for _ in range(count)]
    db.session.add_all(mails)
    ids = {mail.message_id for mail in mails}
    db.session.commit()
    return ids


def is_empty() -> bool:
    with reading():
        waiting = db.session.scalar(select(func.count()).select_from(Mail).where(Mail.state != MailState.SENT))
    return waiting == 0


def have_arrived(site: Site, count: int) -> bool:
    return len(site.sink.arrived) >= count


@pytest.mark.timeout(300)
def test_peer_1_a_worker_killed_while_mails_go_out_loses_none_and_repeats_only_the_one_in_flight(site: Site) -> None:
    ids = fill_outbox(MAILS)
    site.sink.seconds = 0.03  # the mail is taken, the answer is still to come: where a kill hurts most
    for enough in KILLED_AFTER:
        with worker(site.flask.config["SETTINGS"]) as process:
            nudge.after_commit(frozenset({"mail"}))
            wait_until(partial(have_arrived, site, enough), f"the arrival of {enough} mails", site.var_dir)
            kill(process)
            assert process.returncode == -9
            assert not is_empty(), "killed too late to prove anything"
    with worker(site.flask.config["SETTINGS"]):
        nudge.after_commit(frozenset({"mail"}))
        wait_until(is_empty, "the outbox emptied", site.var_dir)

    arrived = Counter(mail["Message-ID"] for mail in site.sink.arrived)
    assert set(arrived) == ids
    repeated = sum(count - 1 for count in arrived.values())
    assert repeated <= len(KILLED_AFTER)


@pytest.mark.timeout(300)
def test_two_processes_at_once_send_each_mail_once(site: Site) -> None:
    ids = fill_outbox(60)
    site.sink.seconds = 0.05
    for _ in range(4):
        nudge.after_commit(frozenset({"mail"}))
    with worker(site.flask.config["SETTINGS"], processes=2):
        wait_until(is_empty, "the outbox emptied", site.var_dir)
    assert site.sink.connections >= 2, "only one took part"
    assert Counter(mail["Message-ID"] for mail in site.sink.arrived) == dict.fromkeys(ids, 1)


@pytest.mark.timeout(300)
def test_a_trial_without_servers_sends_its_mail_too(embedded_site: Site) -> None:
    ids = fill_outbox(20)
    with worker(embedded_site.flask.config["SETTINGS"]):
        nudge.after_commit(frozenset({"mail"}))
        wait_until(is_empty, "the outbox emptied", embedded_site.var_dir)
    assert Counter(mail["Message-ID"] for mail in embedded_site.sink.arrived) == dict.fromkeys(ids, 1)


@pytest.mark.timeout(300)
def test_peer_11_a_mail_on_its_way_is_nobody_else_s_however_long_the_server_takes(site: Site) -> None:
    """Nothing expires: what holds the mail is the transaction that sends it, and it ends with its process."""
    ids = fill_outbox(2)
    site.sink.seconds = 6
    with worker(site.flask.config["SETTINGS"], processes=2):
        ends = time.monotonic() + PATIENCE
        while not is_empty():
            assert time.monotonic() < ends, "the outbox was not emptied"
            nudge.after_commit(frozenset({"mail"}))
            time.sleep(0.5)
    assert Counter(mail["Message-ID"] for mail in site.sink.arrived) == dict.fromkeys(ids, 1)
