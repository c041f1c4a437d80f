"""Files are there whole or not at all, their sums beside them, on a disk and in S3."""

import subprocess
from pathlib import Path

import pytest

from bisae.files import (
    AnyPath,
    any_path,
    below,
    checksum_file,
    copy,
    create,
    is_local,
    listing,
    local_copy,
    matches_checksum,
    names,
    remove,
    replace,
    write_with_checksum,
)


@pytest.fixture(params=["folder", "object store"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> AnyPath:
    """A folder, and a prefix in an object store."""
    if request.param == "folder":
        return any_path(tmp_path)
    return any_path(request.getfixturevalue("bucket"))


def may_write() -> None:
    """Nobody else writes here."""


def test_a_file_is_replaced(home: AnyPath) -> None:
    replace(home / "file", "one")
    replace(home / "file", b"two")
    assert (home / "file").read_text() == "two"
    assert names(home) == ["file"]


def test_a_file_is_created_once(home: AnyPath) -> None:
    create(home / "sub" / "file", "one")
    with pytest.raises(FileExistsError):
        create(home / "sub" / "file", "two")
    assert (home / "sub" / "file").read_text() == "one"


def test_a_written_file_has_its_sum(home: AnyPath) -> None:
    file = home / "table" / "rows"
    for text in ("one", "two"):
        with write_with_checksum(file, may_write) as content:
            content.write_text(text)
        assert file.read_text() == text
        assert matches_checksum(file)
    assert sorted(names(file.parent)) == ["rows", "rows.sha256"]
    file.write_text("twO")
    assert not matches_checksum(file)


def test_its_sum_is_one_that_sha256sum_checks(tmp_path: Path) -> None:
    with write_with_checksum(any_path(tmp_path / "rows"), may_write) as content:
        content.write_text("one")
    command = ["sha256sum", "-c", "rows.sha256"]
    message = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert message.stdout == "rows: OK\n"


def test_while_it_is_exchanged_either_is_whole(tmp_path: Path) -> None:
    """A kill between the sum and the file leaves the old file, with its sum."""
    file = any_path(tmp_path / "rows")
    with write_with_checksum(file, may_write) as content:
        content.write_text("old")
    old = checksum_file(file).read_text()
    with write_with_checksum(file, may_write) as content:
        content.write_text("new")
    new = checksum_file(file).read_text()
    replace(checksum_file(file), new + old)
    assert matches_checksum(file)
    file.write_text("old")
    assert matches_checksum(file)


def test_a_write_that_fails_leaves_what_was_there(home: AnyPath) -> None:
    with write_with_checksum(home / "rows", may_write) as content:
        content.write_text("old")

    def fail() -> None:
        with write_with_checksum(home / "rows", may_write) as content:
            content.write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert matches_checksum(home / "rows")
    assert (home / "rows").read_text() == "old"
    assert sorted(names(home)) == ["rows", "rows.sha256"]


def test_what_is_below_a_folder(home: AnyPath) -> None:
    for name in ("b", "a/two", "a/one"):
        create(home / name, name)
    assert [str(item)[len(str(home)) + 1 :] for item in below(home)] == [
        "a/one",
        "a/two",
        "b",
    ]
    is_there = listing(home)
    assert is_there(home / "a" / "one")
    assert not is_there(home / "a" / "three")
    assert sorted(names(home)) == ["a", "b"]
    assert names(home / "c") == []


def test_files_and_folders_are_removed(home: AnyPath) -> None:
    for name in ("b", "a/two", "a/one"):
        create(home / name, name)
    for item in (home / "a", home / "b", home / "c"):
        remove(item)
    assert names(home) == []


def test_a_file_is_copied_and_lent(home: AnyPath, tmp_path: Path) -> None:
    create(home / "one", "text")
    copy(home / "one", home / "sub" / "two")
    copy(home / "one", any_path(tmp_path / "out" / "three"))
    assert (home / "sub" / "two").read_text() == "text"
    assert (tmp_path / "out" / "three").read_text() == "text"
    with local_copy(home / "one") as content:
        assert content.read_text() == "text"
    assert content.exists() == is_local(home)
