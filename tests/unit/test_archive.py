"""The archive keeps bytes as they came, whole or not at all, and notices when they change."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest import archive as archive_module
from ingest.archive import Archive, DeliveryWriter, RequestMeta
from planmark.errors import ArchiveError


@pytest.fixture(params=["folder", "memory"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    if request.param == "folder":
        return Archive((tmp_path / "with a space").as_uri())
    return Archive(f"memory://archive-{tmp_path.name}")


def stored(delivery: DeliveryWriter, *bodies: bytes) -> None:
    for body in bodies:
        delivery.write(RequestMeta(url="https://publisher.example/data?offset=0"), [body[:3], body[3:]])


def test_bytes_request_and_checksum_come_back(archive: Archive) -> None:
    delivery = archive.new_delivery("nomis_x")
    stored(delivery, b"DATE\n2024\n", b"DATE\n2025\n")
    delivery.facts["latest"] = "2025"
    reader = archive.open(delivery.finish().path)
    assert [reader.read(answer) for answer in reader] == [b"DATE\n2024\n", b"DATE\n2025\n"]
    assert reader.answers[0].sha256 == hashlib.sha256(b"DATE\n2024\n").hexdigest()
    assert reader.answers[0].bytes == 10
    assert reader.answers[0].request.url == "https://publisher.example/data?offset=0"
    assert reader.facts == {"latest": "2025"}
    assert reader.content_bytes == 20


def test_a_folder_with_a_space_is_that_folder(tmp_path: Path) -> None:
    delivery = Archive((tmp_path / "with a space").as_uri()).new_delivery("nomis_x")
    stored(delivery, b"abc")
    assert (tmp_path / "with a space" / delivery.path / "000001.csv").read_bytes() == b"abc"


def test_the_same_bytes_have_the_same_checksum_and_codelists_do_not_count(archive: Archive) -> None:
    sums = []
    for with_codes in (False, True):
        delivery = archive.new_delivery("nomis_x")
        stored(delivery, b"page 1", b"page 2")
        if with_codes:
            delivery.write(RequestMeta(url="u", purpose="codes", suffix="json"), [b"{}"])
        sums.append(delivery.finish().content_sha256)
    assert sums[0] == sums[1]
    other = archive.new_delivery("nomis_x")
    stored(other, b"page 2", b"page 1")
    assert other.finish().content_sha256 != sums[0]


def test_changed_bytes_are_noticed(archive: Archive) -> None:
    delivery = archive.new_delivery("nomis_x")
    stored(delivery, b"DATE\n2024\n")
    reader = delivery.finish()
    archive.fs.pipe_file(f"{archive.root}/{reader.path}/000001.csv", b"DATE\n2025\n")
    with pytest.raises(ArchiveError, match="stored bytes have changed"):
        reader.read(reader.answers[0])
    with reader.open(reader.answers[0]) as stream, pytest.raises(ArchiveError, match="sha256"):
        while stream.read(4):
            pass


def test_an_answer_that_breaks_off_leaves_nothing(archive: Archive) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionResetError("peer")

    delivery = archive.new_delivery("nomis_x")
    with pytest.raises(ConnectionResetError):
        delivery.write(RequestMeta(url="u"), broken())
    assert delivery.answers == []
    assert not archive.fs.exists(f"{archive.root}/{delivery.path}/000001.csv")


def test_a_full_disk_is_an_archive_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive(str(tmp_path))
    real_open = archive.fs.open

    class FullDisk:
        def __init__(self, file: object) -> None:
            self.file = file

        def write(self, _: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None:
            self.file.close()

    monkeypatch.setattr(archive.fs, "open", lambda path, mode: FullDisk(real_open(path, mode)))
    delivery = archive.new_delivery("nomis_x")
    with pytest.raises(ArchiveError, match=r"No space left on device[\s\S]*check free space"):
        delivery.write(RequestMeta(url="u"), [b"bytes"])
    assert list((tmp_path / delivery.path).iterdir()) == []


def test_without_a_manifest_there_is_no_delivery(archive: Archive) -> None:
    delivery = archive.new_delivery("nomis_x")
    stored(delivery, b"page")
    with pytest.raises(ArchiveError, match="no finished delivery"):
        archive.open(delivery.path)


def test_a_fetch_that_broke_off_is_taken_over_when_it_asks_the_same(archive: Archive) -> None:
    first = archive.new_delivery("nomis_x")
    assert first.resume("the same questions") == ()
    stored(first, b"page 1", b"page 2")
    second = archive.new_delivery("nomis_x")
    assert [a.bytes for a in second.resume("the same questions")] == [6, 6]
    stored(second, b"page 3")
    reader = second.finish()
    assert [reader.read(answer) for answer in reader] == [b"page 1", b"page 2", b"page 3"]
    assert archive.new_delivery("nomis_x").resume("the same questions") == ()  # finished: not taken twice


def test_other_questions_take_nothing_over_and_clear_the_remains(archive: Archive) -> None:
    first = archive.new_delivery("nomis_x")
    first.resume("yesterday's questions")
    stored(first, b"page 1")
    second = archive.new_delivery("nomis_x")
    assert second.resume("today's questions") == ()
    assert not archive.fs.exists(f"{archive.root}/{first.path}")


def test_a_damaged_or_old_page_is_asked_again(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    first = archive.new_delivery("nomis_x")
    first.resume("k")
    stored(first, b"page 1", b"page 2")
    archive.fs.pipe_file(f"{archive.root}/{first.path}/000002.csv", b"pag")
    second = archive.new_delivery("nomis_x")
    assert [a.number for a in second.resume("k")] == [1]
    monkeypatch.setattr(archive_module, "RESUME_WITHIN", timedelta(0))
    assert archive.new_delivery("nomis_x").resume("k") == ()


def test_forgotten_and_discarded_answers_are_gone(archive: Archive) -> None:
    delivery = archive.new_delivery("nomis_x")
    stored(delivery, b"page 1", b"page 2")
    delivery.forget(keep=1)
    assert [a.number for a in delivery.answers] == [1]
    assert not archive.fs.exists(f"{archive.root}/{delivery.path}/000002.csv")
    delivery.discard()
    assert not archive.fs.exists(f"{archive.root}/{delivery.path}")
    delivery.discard()  # twice is once


def test_an_unusable_address_says_which_setting() -> None:
    with pytest.raises(ArchiveError, match="PLANMARK_ARCHIVE_URL"):
        Archive("no-such-protocol://bucket")


def test_the_time_of_retrieval_is_kept(archive: Archive) -> None:
    at = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
    delivery = archive.new_delivery("nomis_x")
    delivery.write(RequestMeta(url="u", retrieved_at=at), [b"x"])
    assert delivery.finish().answers[0].request.retrieved_at == at
