"""The spool: durable before it is announced, and never outside its folder."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from screener.domain.errors import FileUnavailable, SpoolFull, UnreadableInstance
from screener.storage.spool import Spool


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path / "spool")
    made.prepare()
    return made


def test_what_was_put_is_read_back_and_digested_without_its_prefix(spool: Spool) -> None:
    stored = spool.put(b"prefix", b"data set")

    assert spool.read(stored.key) == b"prefixdata set"
    assert stored.size_bytes == 14
    assert stored.sha256 == hashlib.sha256(b"data set").hexdigest()


def test_the_same_key_is_replaced_as_a_whole(spool: Spool) -> None:
    spool.put(b"first and longer", key="0a/1.dcm")

    spool.put(b"second", key="0a/1.dcm")

    assert spool.read("0a/1.dcm") == b"second"
    assert [path.name for path in (spool.folder / "0a").iterdir()] == ["1.dcm"]


def test_a_spool_without_room_refuses_and_leaves_nothing_behind(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", min_free_bytes=1 << 60)
    spool.prepare()

    with pytest.raises(SpoolFull, match=r"min_free_mb"):
        spool.put(b"film")

    assert not [path for path in spool.folder.rglob("*") if path.is_file()]


def test_a_disk_that_refuses_is_a_full_spool(spool: Spool) -> None:
    (spool.folder / "0a").rmdir()

    with pytest.raises(SpoolFull, match="cannot write"):
        spool.put(b"film", key="0a/1.dcm")


@pytest.mark.parametrize("key", ["../outside", "0a/../../outside", "/etc/hostname"])
def test_a_key_cannot_point_outside(spool: Spool, key: str) -> None:
    with pytest.raises(UnreadableInstance, match="outside"):
        spool.path(key)


def test_missing_bytes_are_unreadable(spool: Spool) -> None:
    with pytest.raises(UnreadableInstance, match="missing"):
        spool.read("0a/none.dcm")


def test_only_old_files_are_orphans(spool: Spool) -> None:
    old, young = spool.put(b"old"), spool.put(b"young")
    path = spool.path(old.key)
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 100))

    assert list(spool.older_than(50)) == [old.key]
    assert young.key in set(spool.older_than(-50))


def test_data_is_synced_before_it_is_named_and_the_folder_after(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def traced_fsync(descriptor: int) -> None:
        kind = "folder" if Path(f"/proc/self/fd/{descriptor}").is_dir() else "file"
        calls.append(f"fsync {kind}")
        fsync(descriptor)

    def traced_replace(self: Path, target: Path) -> Path:
        calls.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", traced_fsync)
    monkeypatch.setattr(Path, "replace", traced_replace)

    spool.put(b"film")

    assert calls == ["fsync file", "rename", "fsync folder"]


def test_bytes_that_are_gone_are_unreadable_for_good(spool: Spool) -> None:
    with pytest.raises(UnreadableInstance, match="missing"):
        spool.read("0a/1.dcm")


def test_a_file_that_the_disk_does_not_give_may_be_read_later(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = spool.put(b"film")

    def broken(_: Path) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", broken)

    with pytest.raises(FileUnavailable, match="Input/output error"):
        spool.read(stored.key)
