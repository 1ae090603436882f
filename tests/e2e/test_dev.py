"""The laptop loop, as a person has it: clone, edit, push, and the answer has changed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.publishing import features, files
from tests.servers.dev import BURGEE, Running, burgee, dev, running, wait_for
from tests.servers.git_cli import ENVIRON, attempt, commit, git

ROOT = Path(__file__).parent.parent.parent
OFF, ON = features("a", "b", percentage=0), features("a", "b", percentage=100)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A plain folder with flags that are off."""
    top = tmp_path / "shop"
    for name, text in files(OFF, OFF).items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    return top


@pytest.fixture
def host(folder: Path, tmp_path: Path) -> Iterator[Running]:
    with dev(folder, tmp_path / "state") as run:
        yield run


def clone(host: Running, place: Path, name: str = "shop") -> Path:
    git(place.parent, "clone", "--quiet", f"{host.url}/git/{name}", str(place))
    return place


def push(place: Path, changes: dict[str, str]) -> subprocess.CompletedProcess[str]:
    commit(place, changes)
    return attempt(place, "push")


def test_a_push_shows_each_environments_release_and_changes_the_answer_within_a_second(
    host: Running, tmp_path: Path
) -> None:
    place = clone(host, tmp_path / "clone")
    assert host.enabled("a") is False
    pushed = push(place, {"flags/staging/features.yaml": ON})
    finished = time.monotonic()
    assert wait_for(lambda: host.enabled("a"), 5)
    assert time.monotonic() - finished < 1.0
    assert pushed.returncode == 0
    assert "remote: staging: release 2 sha256:" in pushed.stderr
    assert "remote:   ~ flag default/a: rollout 1: 0% -> true => 100% -> true" in pushed.stderr
    assert "remote: production: unchanged, stays at release 1" in pushed.stderr
    assert " ms)" in pushed.stderr


def test_a_push_with_mistakes_is_rejected_with_every_one_of_them(host: Running, tmp_path: Path) -> None:
    place = clone(host, tmp_path / "clone")
    wrong = ON.replace("BOOLEAN_FLAG_TYPE", "BOOLEAN_FLAG", 1).replace("key: b", "kye: b")
    pushed = push(place, {"flags/staging/features.yaml": wrong})
    assert pushed.returncode != 0
    assert "flags/staging/features.yaml:5:11:" in pushed.stderr
    assert "did you mean" in pushed.stderr
    assert "flags/staging/features.yaml:8:" in pushed.stderr
    assert "push rejected: " in pushed.stderr
    assert host.enabled("a") is False
    assert git(place, "ls-remote", "origin", "main").split()[0] != git(place, "rev-parse", "HEAD")


def test_a_push_that_leaves_old_mistakes_alone_is_taken(folder: Path, tmp_path: Path) -> None:
    (folder / "flags/production/features.yaml").write_text("flags: [{key: broken}]\n")
    with dev(folder, tmp_path / "state") as host:
        place = clone(host, tmp_path / "clone")
        pushed = push(place, {"flags/staging/features.yaml": ON})
        assert pushed.returncode == 0
        assert "mistakes that were there before remain" in pushed.stderr
        assert wait_for(lambda: host.enabled("a"), 5)


def test_a_push_that_would_remove_most_flags_is_rejected(host: Running, tmp_path: Path) -> None:
    place = clone(host, tmp_path / "clone")
    pushed = push(place, {"flags/staging/features.yaml": "flags: []\n"})
    assert pushed.returncode != 0
    assert "more than half" in pushed.stderr
    assert "git push -o allow-removal" in pushed.stderr
    assert host.said("push rejected: 1 thing to correct")


def test_a_push_option_allows_the_removal(host: Running, tmp_path: Path) -> None:
    place = clone(host, tmp_path / "clone")
    commit(place, {"flags/staging/features.yaml": "flags: []\n"})
    assert "unknown push option 'yes'" in attempt(place, "push", "-o", "yes").stderr
    pushed = attempt(place, "push", "-o", "allow-removal")
    assert pushed.returncode == 0
    assert "- flag default/a" in pushed.stderr


def test_push_options_say_when_a_release_becomes_active_and_break_a_freeze(
    host: Running, folder: Path, tmp_path: Path
) -> None:
    place, store = clone(host, tmp_path / "clone"), (tmp_path / "state/store").as_uri()
    commit(place, {"flags/staging/features.yaml": ON})
    near = attempt(place, "push", "-o", "at=2020-01-01T00:00:00Z")
    assert "push rejected: 1 thing to correct" in near.stderr and "`git push -o now`" in near.stderr
    pushed = attempt(place, "push", "-o", "at=2090-01-01T00:00:00Z")
    assert "staging: release 2" in pushed.stderr and "active from 2090-01-01T00:00:00.000Z" in pushed.stderr
    assert host.enabled("a") is False
    frozen = burgee({}, "freeze", "staging", "--reason", "sale", "--store", store)
    assert "pending 2 will not become active" in frozen.stdout
    commit(place, {"flags/staging/features.yaml": ON + "  # again\n"})
    pushed = attempt(place, "push", "-o", "now", "-o", "break-glass=it burns")
    assert "staging: release 4" in pushed.stderr and "it breaks through the freeze" in pushed.stderr
    assert wait_for(lambda: host.enabled("a"), 5)


def test_what_a_freeze_kept_back_is_queued_for_the_one_who_pushed(host: Running, tmp_path: Path) -> None:
    place, store = clone(host, tmp_path / "clone"), (tmp_path / "state/store").as_uri()
    burgee({}, "freeze", "staging", "--reason", "sale", "--store", store)
    pushed = push(place, {"flags/staging/features.yaml": ON})
    assert pushed.returncode == 0
    assert "remote: staging: queued, frozen: sale" in pushed.stderr


def test_a_page_of_another_site_cannot_reach_it_by_a_name_of_its_own(host: Running) -> None:
    request = urllib.request.Request(host.url + "/status", headers={"Host": "evil.example:80"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=5)
    with caught.value as answer:
        assert answer.code == 421


def test_another_branch_is_taken_and_changes_no_environment(host: Running, tmp_path: Path) -> None:
    place = clone(host, tmp_path / "clone")
    git(place, "checkout", "--quiet", "-b", "idea")
    commit(place, {"flags/staging/features.yaml": ON})
    pushed = attempt(place, "push", "--set-upstream", "origin", "idea")
    assert pushed.returncode == 0
    assert "staging: unchanged" in pushed.stderr
    assert host.enabled("a") is False


def test_a_restart_goes_on_with_the_same_release_log(folder: Path, tmp_path: Path) -> None:
    with dev(folder, tmp_path / "state") as first:
        push(clone(first, tmp_path / "clone"), {"flags/staging/features.yaml": ON})
        assert first.interrupt() == 0
        assert "Traceback" not in "".join(first.lines)
    with dev(folder, tmp_path / "state") as second:
        assert second.enabled("a") is True
        revisions = {one["environment"]: one["revision"] for one in second.get("/status")["environments"]}
        assert revisions == {"staging": 2, "production": 1}


def test_a_second_host_of_the_same_state_is_refused(host: Running, folder: Path, tmp_path: Path) -> None:
    command = [str(BURGEE), "dev", str(folder), "--dir", str(tmp_path / "state"), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "another burgee dev uses the state folder" in done.stderr


def test_a_port_that_is_taken_is_named(folder: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [str(BURGEE), "dev", str(folder), "--dir", str(tmp_path / "state"), "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert port in done.stderr and "--port" in done.stderr


def test_the_hosted_folder_cannot_be_the_state_folder(folder: Path) -> None:
    command = [str(BURGEE), "dev", str(folder), "--dir", str(folder), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, "name another --dir" in done.stderr) == (2, True)


def test_without_git_on_the_path_it_says_so(folder: Path, tmp_path: Path) -> None:
    command = [str(BURGEE), "dev", str(folder), "--dir", str(tmp_path / "state"), "--port", "0"]
    environ = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=environ)
    assert done.returncode == 2
    assert "git" in done.stderr and "PATH" in done.stderr


def test_only_this_machine_can_reach_it(host: Running) -> None:
    port = int(host.url.rpartition(":")[2])
    with socket.socket() as other:
        other.settimeout(2)
        assert other.connect_ex(("127.0.0.2", port)) != 0


def test_a_saved_file_becomes_a_commit_and_an_answer(folder: Path, tmp_path: Path) -> None:
    with dev(folder, tmp_path / "state", "--watch") as host:
        (folder / "flags/staging/features.yaml").write_text(ON)
        assert wait_for(lambda: host.enabled("a"))
        place = clone(host, tmp_path / "clone")
        assert (place / "flags/staging/features.yaml").read_text() == ON
        assert git(place, "log", "--format=%s").splitlines()[0] == "Save flags/staging/features.yaml"


def test_a_saved_mistake_is_told_and_not_committed(folder: Path, tmp_path: Path) -> None:
    with dev(folder, tmp_path / "state", "--watch") as host:
        (folder / "flags/staging/features.yaml").write_text(ON.replace("key: b", "kye: b"))
        assert host.said("not committed: ")
        assert host.said("flags/staging/features.yaml:8:")
        assert host.enabled("a") is False
        (folder / "flags/staging/features.yaml").write_text(ON)
        assert wait_for(lambda: host.enabled("a"))


def test_a_push_updates_the_clean_folder_and_the_next_push_works_too(folder: Path, tmp_path: Path) -> None:
    with dev(folder, tmp_path / "state", "--watch") as host:
        place = clone(host, tmp_path / "clone")
        for text in (ON, OFF, ON):
            pushed = push(place, {"flags/staging/features.yaml": text})
            assert pushed.returncode == 0, pushed.stderr
            assert "the folder has these files now" in pushed.stderr
            assert (folder / "flags/staging/features.yaml").read_text() == text


def test_a_dirty_folder_refuses_a_push(folder: Path, tmp_path: Path) -> None:
    with dev(folder, tmp_path / "state", "--watch") as host:
        place = clone(host, tmp_path / "clone")
        (folder / "flags/staging/features.yaml").write_text("flags: [")
        assert host.said("not committed: ")
        pushed = push(place, {"flags/production/features.yaml": ON})
        assert pushed.returncode != 0
        assert "has changes that are not committed (flags/staging/features.yaml)" in pushed.stderr
        assert (folder / "flags/staging/features.yaml").read_text() == "flags: ["


def test_a_git_work_tree_is_hosted_with_its_history(folder: Path, tmp_path: Path) -> None:
    git(folder, "init", "--quiet", "--initial-branch=trunk")
    commit(folder, {}, message="first")
    commit(folder, {"burgee.yaml": files(OFF, OFF)["burgee.yaml"].replace("{", "{ref: trunk, ")}, message="second")
    with dev(folder, tmp_path / "state") as host:
        place = clone(host, tmp_path / "clone")
        assert git(place, "log", "--format=%s").splitlines() == ["second", "first"]
        assert host.enabled("a") is False


def test_make_run_starts_the_local_system_on_the_sample_repository(tmp_path: Path) -> None:
    port = os.environ.get("BURGEE_TEST_PORT") or str(_free_port())
    with running("make", "--silent", "run", f"PORT={port}", f"BURGEE_DIR={tmp_path / 'state'}", cwd=ROOT) as host:
        assert wait_for(lambda: _answers(host))
        place = clone(host, tmp_path / "clone", "samplerepo")
        assert (place / "burgee.yaml").is_file()
        assert f"git clone http://127.0.0.1:{port}/git/samplerepo" in "".join(host.lines)
        os.kill(int(subprocess.check_output(["pgrep", "-P", str(host.process.pid), "-f", "burgee"]).split()[0]), 2)
        host.process.wait(20)
    assert shutil.which("git", path=ENVIRON["PATH"])


def _answers(host: Running) -> bool:
    try:
        return bool(host.get("/readyz")["ready"])
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
