"""The demo's parts: supervisor, guard, private Redis, accounts."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from django.contrib.auth import authenticate, get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from annotation.models import Campaign, Label
from annotation.services.claiming import claim_next
from annotation.services.members import join_campaign
from annotation.services.submitting import Submission, submit_label
from medes_site.accounts.demo import demo_accounts
from medes_site.demo.__main__ import CannotStart, _port
from medes_site.demo.private_redis import PrivateRedis
from medes_site.environment import ROOT
from medes_site.kit.roles import has_role
from tests.kit.processes import wait_for

SUPERVISED = """
import sys, pathlib
from medes_site.demo import supervisor as rules
from medes_site.demo.supervisor import Program, ProgramFailed, StopAsked, Supervisor
rules.STOP_SECONDS = 1.0
folder = pathlib.Path(sys.argv[1])
supervisor = Supervisor(folder, folder / "logs", {"PATH": "/usr/bin:/bin"})
stubborn = "trap '' TERM; sleep 300 & echo $! > child; echo $$ > main; wait; sleep 300"
supervisor.start(Program("stubborn", ("sh", "-c", stubborn)))
if len(sys.argv) > 2:
    supervisor.start(Program("brief", ("sh", "-c", "until [ -s main ]; do sleep 0.1; done; echo last words; exit 3")))
(folder / "started").touch()
try:
    while True:
        supervisor.pause(0.1)
        supervisor.check()
except StopAsked:
    print("stopped")
except ProgramFailed as error:
    print(error)
finally:
    supervisor.stop()
"""


def supervise(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SUPERVISED, str(folder), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def pids_in(folder: Path) -> list[int]:
    wait_for(lambda: (folder / "main").is_file() and (folder / "main").read_text().strip())
    wait_for((folder / "started").exists)  # the guard knows of them
    return [int((folder / name).read_text()) for name in ("main", "child")]


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.one_database
@pytest.mark.slow
@pytest.mark.parametrize("wanted", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_program_outlives_the_supervisor(tmp_path: Path, wanted: signal.Signals) -> None:
    supervisor = supervise(tmp_path)
    pids = pids_in(tmp_path)
    begun = time.monotonic()
    supervisor.send_signal(wanted)
    output, _ = supervisor.communicate(timeout=60)
    wait_for(lambda: all(gone(pid) for pid in pids))
    assert time.monotonic() - begun < 10
    assert supervisor.returncode == (-signal.SIGKILL if wanted == signal.SIGKILL else 0)
    assert output == ("" if wanted == signal.SIGKILL else "stopped\n")


@pytest.mark.one_database
@pytest.mark.slow
def test_a_program_that_dies_ends_the_others_and_is_quoted(tmp_path: Path) -> None:
    output, _ = supervise(tmp_path, "with one that dies").communicate(timeout=60)
    assert "brief ended with code 3" in output and "last words" in output
    assert all(gone(pid) for pid in pids_in(tmp_path))


@pytest.mark.one_database
def test_private_redis_where_the_path_is_too_long_for_a_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    with PrivateRedis(deep) as server:
        assert len(os.fsencode(server.socket)) <= 100 and not server.socket.is_relative_to(tmp_path)
        with redis.Redis(unix_socket_path=str(server.socket)) as client:
            assert client.ping()
            assert client.config_get("save") == {"save": ""}
        process = server.process
    assert process is not None and process.poll() is not None
    assert not server.socket.parent.exists()


@pytest.mark.one_database
def test_ports(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=rf"Port {number} is not free.*MEDES_PORT="):
            _port(str(number))
    assert _port(str(number)) == number
    for bad in ("0", "65536", "-1", "8000x", "８０００"):
        with pytest.raises(CannotStart, match="MEDES_PORT"):
            _port(bad)


@pytest.mark.django_db
def test_demo_accounts_keep_their_passwords_and_a_change_of_them(settings, tmp_path: Path) -> None:
    settings.DEMO = True
    settings.MEDES_HOME = tmp_path
    accounts = demo_accounts()
    names = ["submitter", "expert", "expert2", "referee", "researcher"]
    assert [account.username for account in accounts] == names
    assert stat.S_IMODE((tmp_path / "demo_accounts.json").stat().st_mode) == 0o600
    for account in accounts:
        user = authenticate(username=account.username, password=account.password)
        assert has_role(user, account.role)
        assert not user.is_staff and not user.is_superuser
    changed = authenticate(username="expert", password=accounts[1].password)
    changed.set_password("another one entirely")
    changed.save()
    assert demo_accounts() == accounts
    assert authenticate(username="expert", password="another one entirely")


@pytest.mark.django_db
def test_an_older_demo_gets_the_new_account_and_keeps_its_passwords(settings, tmp_path: Path) -> None:
    settings.DEMO = True
    settings.MEDES_HOME = tmp_path
    before = {account.username: account.password for account in demo_accounts()}
    file = tmp_path / "demo_accounts.json"
    file.write_text(json.dumps({name: before[name] for name in before if name != "expert2"}), "utf-8")
    get_user_model().objects.get(username="expert2").delete()
    after = {account.username: account.password for account in demo_accounts()}
    assert {name: word for name, word in after.items() if name != "expert2"} == {
        name: word for name, word in before.items() if name != "expert2"
    }
    assert after["expert2"] != before["expert2"]
    for name, word in after.items():
        assert authenticate(username=name, password=word) is not None, name


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_a_second_preparation_skips_what_is_done_and_loses_nothing(
    settings: Any, tmp_path: Path, capsys: Any
) -> None:
    settings.DEMO = True
    settings.MEDES_HOME = tmp_path
    settings.STATIC_ROOT = tmp_path / "static"
    call_command("prepare_demo")
    assert "demo campaigns: done" in capsys.readouterr().out
    campaigns = list(Campaign.objects.order_by("slug"))
    assert [(campaign.slug, campaign.state) for campaign in campaigns] == [
        ("demo-clinic", "open"), ("demo-research", "open"),
    ]  # fmt: skip
    assert [campaign.tasks.count() for campaign in campaigns] == [100, 100]
    expert = get_user_model().objects.get(username="expert")
    join_campaign(actor=expert, campaign=campaigns[0])
    slot = claim_next(actor=expert, campaign=campaigns[0])
    answers = {"r1": 0, "r2": 0, "q1": 1, "q2": 0, "q3": 1, "q4": 1}
    submit_label(
        actor=expert, slot_id=slot.pk, fence=slot.fence, sent=Submission(answers=answers, key="kept")
    )
    (tmp_path / "stamps" / "load_demo_campaigns").unlink()  # as after a change of its sources
    call_command("prepare_demo")
    out = capsys.readouterr().out
    assert "demo campaigns: done" in out and "demo data: done" not in out
    assert Label.objects.exclude(key__startswith="demo:").get().key == "kept"
    assert Campaign.objects.count() == 2
    call_command("prepare_demo")
    assert "done" not in capsys.readouterr().out


@pytest.mark.django_db
def test_no_demo_accounts_outside_of_a_demo(settings) -> None:
    settings.DEMO = False
    with pytest.raises(ImproperlyConfigured):
        demo_accounts()
