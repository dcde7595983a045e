"""The archive on an S3 address, against an S3 server on loopback."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import boto3
import pytest
import s3fs
from moto.server import ThreadedMotoServer

from ingest.archive import Archive, RequestMeta
from planmark.errors import ArchiveError

_numbers = itertools.count(1)


@pytest.fixture()
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    where = {"LocationConstraint": "eu-west-2"}
    name = f"planmark-{next(_numbers)}"  # the server keeps its buckets from test to test
    boto3.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=where)
    s3fs.S3FileSystem.clear_instance_cache()
    yield f"s3://{name}/archive"
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def test_a_delivery_is_kept_resumed_checked_and_removed(bucket: str) -> None:
    first = Archive(bucket).new_delivery("nomis_x")
    first.resume("same questions")
    first.write(RequestMeta(url="https://publisher.example/1"), [b"page ", b"1"])

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        first.write(RequestMeta(url="https://publisher.example/2"), broken())

    archive = Archive(bucket)
    second = archive.new_delivery("nomis_x")
    assert [answer.number for answer in second.resume("same questions")] == [1]
    second.write(RequestMeta(url="https://publisher.example/2"), [b"page 2"])
    reader = second.finish()
    assert [reader.read(answer) for answer in reader] == [b"page 1", b"page 2"]
    assert archive.unfinished("nomis_x") == []

    archive.fs.pipe_file(f"{archive.root}/{reader.path}/000001.csv", b"page 9")
    with pytest.raises(ArchiveError, match="stored bytes have changed"):
        reader.read(reader.answers[0])
    archive.remove(reader.path)
    with pytest.raises(ArchiveError, match="no finished delivery"):
        archive.open(reader.path)


def test_a_bucket_that_is_not_there_is_named(bucket: str) -> None:
    delivery = Archive("s3://elsewhere/archive").new_delivery("nomis_x")
    with pytest.raises(ArchiveError, match=r"s3://elsewhere/archive/nomis_x[\s\S]*PLANMARK_ARCHIVE_URL"):
        delivery.write(RequestMeta(url="u"), [b"bytes"])
