"""Which config.ini is taken: none that another user may have laid there, unless it is named."""

import os
from pathlib import Path

import pytest

from homemon.config.place import doubtful, find
from homemon.core.errors import ConfigError
from homemon.core.files import make_private_dir
from homemon.storage.database import FILE
from tests.commands import ENVIRONMENT, homemon

NOBODY = 65534
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0 and not os.environ.get("CI"), reason="only root can give files away")


def shared(tmp_path: Path, mode: int = 0o1777) -> Path:
    """A folder for everybody with a config.ini of ours."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(mode)
    (folder / "config.ini").write_text(f"[store]\ndir = {tmp_path}/store\n")
    (folder / "config.ini").chmod(0o600)
    return folder


def give(path: Path) -> None:
    os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


@ROOT_ONLY
def test_another_users_file_is_refused_and_can_be_named(tmp_path: Path) -> None:
    folder = shared(tmp_path)
    assert homemon("export", cwd=folder).returncode == 0
    give(folder / "config.ini")
    run = homemon("export", cwd=folder)
    assert run.returncode == 2
    assert f"{folder}/config.ini was found, but not read: {folder}/config.ini belongs to nobody" in run.stderr
    assert f"homemon -c {folder}/config.ini" in run.stderr
    assert homemon("-c", "config.ini", "export", cwd=folder).returncode == 0


@ROOT_ONLY
def test_under_sudo_the_file_of_who_called_it_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shared(tmp_path)
    give(folder / "config.ini")
    monkeypatch.setitem(ENVIRONMENT, "SUDO_UID", "1234")
    assert homemon("export", cwd=folder).returncode == 2
    monkeypatch.setitem(ENVIRONMENT, "SUDO_UID", str(NOBODY))
    assert homemon("export", cwd=folder).returncode == 0


@ROOT_ONLY
@pytest.mark.parametrize("part", ["folder", "link", "target", "target's folder"])
def test_no_way_to_the_file_may_be_another_users(tmp_path: Path, part: str) -> None:
    folder = shared(tmp_path)
    (folder / "config.ini").unlink()
    real = tmp_path / "real"
    real.mkdir()
    (real / "config.ini").touch(0o600)
    (folder / "config.ini").symlink_to(real / "config.ini")
    assert doubtful(folder / "config.ini") == ""
    places = {"folder": folder, "link": folder / "config.ini", "target": real / "config.ini", "target's folder": real}
    give(places[part])
    assert doubtful(folder / "config.ini") == f"{places[part]} belongs to nobody"


@pytest.mark.parametrize(
    ("folder_mode", "file_mode", "safe"),
    [
        (0o1777, 0o600, True),
        (0o755, 0o644, True),
        (0o777, 0o600, False),
        (0o755, 0o666, False),
        (0o755, 0o602, False),
        (0o700, 0o646, False),
    ],
)
def test_what_others_may_write_is_not_taken(tmp_path: Path, folder_mode: int, file_mode: int, safe: bool) -> None:
    folder = shared(tmp_path, folder_mode)
    (folder / "config.ini").chmod(file_mode)
    assert (doubtful(folder / "config.ini") == "") == safe


@ROOT_ONLY
def test_a_group_that_is_the_owners_own_is_no_other(tmp_path: Path) -> None:
    folder = shared(tmp_path, 0o755)
    (folder / "config.ini").chmod(0o660)
    assert doubtful(folder / "config.ini") == ""  # root's own group
    os.chown(folder / "config.ini", 0, NOBODY)
    assert "others may write" in doubtful(folder / "config.ini")


def test_a_named_file_that_others_may_write_is_a_warning(tmp_path: Path) -> None:
    folder = shared(tmp_path)
    (folder / "config.ini").chmod(0o666)
    run = homemon("-c", "config.ini", "export", cwd=folder)
    assert (run.returncode, run.stderr) == (
        0,
        "homemon: others may write config.ini (mode 666), and with it where readings go\n",
    )
    assert homemon("-q", "-c", "config.ini", "export", cwd=folder).stderr == ""


def test_where_it_was_looked_for_is_shown_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/of-a-user")
    with pytest.raises(ConfigError) as error:
        find(None, {})
    looked = f"{tmp_path}/config.ini, /home/of-a-user/.config/homemon/config.ini, /etc/homemon/config.ini"
    assert looked in str(error.value)


def test_the_folder_that_xdg_names_comes_before_the_usual_one_which_is_found_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    usual, own = (tmp_path / name / "homemon/config.ini" for name in (".config", "xdg"))
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    for path in (usual, own):
        path.parent.mkdir(parents=True)
        path.touch(0o600)
        assert find(None, environment) == path
    assert find(None, {"XDG_CONFIG_HOME": "xdg"}) == usual  # a relative one does not count
    assert find(None, {}) == usual


def test_the_store_lies_where_xdg_says_unless_only_the_usual_folder_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.ini").write_text("")
    for name, value in {"HOME": tmp_path, "XDG_STATE_HOME": tmp_path / "xdg"}.items():
        monkeypatch.setitem(ENVIRONMENT, name, str(value))
    usual, own = tmp_path / ".local/state/homemon", tmp_path / "xdg/homemon"
    usual.mkdir(mode=0o700, parents=True)
    homemon("status", cwd=tmp_path)
    assert (usual / FILE).exists()
    assert not own.exists()
    usual.rename(tmp_path / "elsewhere")
    homemon("status", cwd=tmp_path)
    assert (own / FILE).exists()
    assert not usual.exists()


def test_a_fault_names_which_of_several_files_it_is_in(tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text("[store]\nkeep_days = x\n")
    run = homemon("export", cwd=tmp_path)
    assert run.stderr.startswith(f"{tmp_path}/config.ini:2: [store] keep_days: must be")


@ROOT_ONLY
def test_a_store_folder_that_another_user_laid_for_others_is_refused(tmp_path: Path) -> None:
    folder = shared(tmp_path)
    (folder / "store").mkdir(mode=0o700)
    (folder / "config.ini").write_text(f"[store]\ndir = {folder}/store\n")
    make_private_dir(folder / "store")
    give(folder / "store")
    run = homemon("status", cwd=folder)
    assert run.returncode == 1
    assert f"the store's folder {folder}/store belongs to nobody" in run.stderr
    folder.chmod(0o755)  # where nobody but us can make folders, it is there because we gave it
    assert homemon("status", cwd=folder).returncode == 0
