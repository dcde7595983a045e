"""The archive: every answer as it came, with checksum, request, time and HTTP status, before any parsing.

One folder a delivery, on anything that fsspec reaches (a folder, `s3://`, `memory://`):

    <archive>/<dataset_id>/<delivery>/000001.csv      the bytes of an answer
    <archive>/<dataset_id>/<delivery>/000001.json     its request and checksum, until it is finished
    <archive>/<dataset_id>/<delivery>/manifest.json   all of them, written last: without it nothing counts

A fetch that broke off leaves a folder without a manifest; the next fetch that would ask the very same takes
over what is there. The caller holds a lock per dataset, so nobody else writes there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from io import BufferedIOBase
from typing import Any, BinaryIO
from urllib.parse import urlparse
from urllib.request import url2pathname

import fsspec

from planmark.errors import ArchiveError

MANIFEST = "manifest.json"
#: An unfinished delivery older than this is never taken over.
RESUME_WITHIN = timedelta(hours=12)

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class RequestMeta:
    """What was asked and how it was answered. Secrets are removed before they come here."""

    url: str
    method: str = "GET"
    #: Form body of a POST, as sent.
    body: str = ""
    status: int = 200
    content_type: str = ""
    retrieved_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    #: `data` counts for the checksum of the content; anything else (`codes`, `state`) is kept beside it.
    purpose: str = "data"
    suffix: str = "csv"


@dataclass(frozen=True)
class StoredAnswer:
    """One answer in the archive: its number from 1, its file and its checksum."""

    number: int
    request: RequestMeta
    file_name: str
    sha256: str
    bytes: int
    #: What the provider noted of the answer as it passed, for example its row count.
    facts: Facts = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the answer as it stands in the manifest."""
        out = asdict(self)
        out["request"]["retrieved_at"] = self.request.retrieved_at.isoformat()
        out["facts"] = dict(self.facts)
        return out

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> StoredAnswer:
        """Read what `to_json` wrote."""
        request = dict(kept["request"])
        request["retrieved_at"] = datetime.fromisoformat(request["retrieved_at"])
        return cls(**{**kept, "request": RequestMeta(**request)})


class Archive:
    """Where raw answers are kept, by dataset and delivery."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self.fs, root = fsspec.core.url_to_fs(_local_path(url))
        except (ImportError, ValueError) as error:
            raise ArchiveError(
                "the archive address is not usable", where=url, got=error,
                next_step="set PLANMARK_ARCHIVE_URL to a folder or an s3:// address",
            ) from error  # fmt: skip
        self.root = str(root).rstrip("/")

    def new_delivery(self, dataset_id: str) -> DeliveryWriter:
        """Return a writer for one fetch of a dataset. Nothing is created until the first answer comes."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        return DeliveryWriter(self, dataset_id, f"{stamp}_{secrets.token_hex(2)}")

    def open(self, path: str) -> DeliveryReader:
        """Open a finished delivery by its `path` (`<dataset_id>/<delivery>`).

        Raises: ArchiveError if it was never finished, or is gone.
        """
        return DeliveryReader(self, path)

    def unfinished(self, dataset_id: str) -> list[str]:
        """Return the paths of deliveries of a dataset that broke off, newest first."""
        folder = f"{self.root}/{dataset_id}"
        with storing(f"{self.url}/{dataset_id}"):
            self.fs.invalidate_cache()
            if not self.fs.isdir(folder):
                return []
            names = sorted(str(p).rstrip("/").rsplit("/", 1)[-1] for p in self.fs.ls(folder, detail=False))
            return [
                f"{dataset_id}/{name}"
                for name in reversed(names)
                if not self.fs.exists(f"{folder}/{name}/{MANIFEST}")
            ]

    def remove(self, path: str) -> None:
        """Remove a delivery and all its files; nothing happens if it is not there."""
        with storing(f"{self.url}/{path}"), contextlib.suppress(FileNotFoundError):
            self.fs.rm(f"{self.root}/{path}", recursive=True)


class DeliveryWriter:
    """Takes in the answers of one fetch, in order, and seals them with a manifest."""

    def __init__(self, archive: Archive, dataset_id: str, name: str) -> None:
        self.archive = archive
        self.dataset_id = dataset_id
        self.path = f"{dataset_id}/{name}"
        self.answers: list[StoredAnswer] = []
        self.facts: dict[str, Any] = {}
        self._resume_key = ""

    @property
    def _folder(self) -> str:
        return f"{self.archive.root}/{self.path}"

    def resume(self, key: str) -> tuple[StoredAnswer, ...]:
        """Take over the answers of a fetch that broke off, if it asked the very same not long ago.

        `key` stands for everything that is about to be asked; equal keys mean equal requests. Other
        unfinished deliveries of the dataset are removed. Returns the answers that need not be asked again.
        """
        self._resume_key = key
        for path in self.archive.unfinished(self.dataset_id):
            answers = () if self.answers else self._usable(path, key)
            if answers:
                self.path = path
                self.answers = list(answers)
            elif path != self.path:
                self.archive.remove(path)
        return tuple(self.answers)

    def write(
        self,
        request: RequestMeta,
        chunks: Iterable[bytes],
        *,
        describe: Callable[[], Facts] | None = None,
    ) -> StoredAnswer:
        """Stream one answer into the archive; `describe` is asked for its facts after the last chunk.

        Raises: ArchiveError if the bytes cannot be kept (a full disk); what `chunks` raises passes through.
        In both cases nothing of the answer stays.
        """
        number = len(self.answers) + 1
        name = f"{number:06d}.{request.suffix}"
        target = f"{self._folder}/{name}"
        digest, size = hashlib.sha256(), 0
        where = f"{self.archive.url}/{self.path}/{name}"
        with storing(where):
            self.archive.fs.makedirs(self._folder, exist_ok=True)
            file = self.archive.fs.open(target, "wb")
        try:
            for chunk in chunks:
                with storing(where):
                    file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
            with storing(where):
                file.close()
        except BaseException:
            self._drop(file, target)
            raise
        facts = describe() if describe else {}
        answer = StoredAnswer(number, request, name, digest.hexdigest(), size, facts)
        with storing(where):
            self._put(f"{number:06d}.json", {"key": self._resume_key, "answer": answer.to_json()})
        self.answers.append(answer)
        return answer

    def forget(self, keep: int = 0) -> None:
        """Remove all answers after the first `keep`, to ask for them anew."""
        for answer in self.answers[keep:]:
            for name in (f"{answer.number:06d}.json", answer.file_name):
                with storing(f"{self.archive.url}/{self.path}"), contextlib.suppress(FileNotFoundError):
                    self.archive.fs.rm_file(f"{self._folder}/{name}")
        del self.answers[keep:]

    def finish(self, *, state: str = "complete") -> DeliveryReader:
        """Write the manifest. `state` is `complete`, or `refused` for answers kept for inspection only."""
        with storing(f"{self.archive.url}/{self.path}"):
            self.archive.fs.makedirs(self._folder, exist_ok=True)
            self._put(
                MANIFEST,
                {
                    "dataset_id": self.dataset_id,
                    "state": state,
                    "finished_at": datetime.now(UTC).isoformat(),
                    "facts": self.facts,
                    "answers": [answer.to_json() for answer in self.answers],
                },
            )
            for answer in self.answers:
                with contextlib.suppress(FileNotFoundError):
                    self.archive.fs.rm_file(f"{self._folder}/{answer.number:06d}.json")
        return self.archive.open(self.path)

    def discard(self) -> None:
        """Remove everything that was written."""
        self.archive.remove(self.path)
        self.answers = []

    def _put(self, name: str, content: Mapping[str, Any]) -> None:
        text = json.dumps(content, indent=1, ensure_ascii=False, default=str)
        self.archive.fs.pipe_file(f"{self._folder}/{name}", text.encode())

    def _drop(self, file: BinaryIO, target: str) -> None:
        """Remove half an answer. The first fault is the one to report, so faults here are not."""
        with contextlib.suppress(Exception):
            file.close()
        with contextlib.suppress(Exception):
            self.archive.fs.rm_file(target)

    def _usable(self, path: str, key: str) -> tuple[StoredAnswer, ...]:
        """Return the unbroken run of answers of an unfinished delivery that asked the same and are whole."""
        found: list[StoredAnswer] = []
        fs, folder = self.archive.fs, f"{self.archive.root}/{path}"
        while True:
            number = len(found) + 1
            try:
                kept = json.loads(fs.cat_file(f"{folder}/{number:06d}.json"))
                answer = StoredAnswer.from_json(kept["answer"])
                if kept["key"] != key or datetime.now(UTC) - answer.request.retrieved_at > RESUME_WITHIN:
                    return tuple(found)
                with VerifiedStream(fs.open(f"{folder}/{answer.file_name}", "rb"), answer, path) as stream:
                    while stream.read(1 << 20):
                        pass
            except (OSError, ValueError, KeyError, TypeError, ArchiveError):
                return tuple(found)  # none there, or a kill cut it short: asked again
            found.append(answer)


class DeliveryReader:
    """Reads the answers of a finished delivery, and checks every byte against its checksum."""

    def __init__(self, archive: Archive, path: str) -> None:
        self.archive = archive
        self.path = path
        self.where = f"{archive.url}/{path}"
        try:
            manifest = json.loads(archive.fs.cat_file(f"{archive.root}/{path}/{MANIFEST}"))
        except FileNotFoundError as error:
            raise ArchiveError(
                "there is no finished delivery", where=self.where, expected=MANIFEST,
                next_step="fetch the dataset again: planmark refresh",
            ) from error  # fmt: skip
        except ValueError as error:
            raise ArchiveError("the manifest is not readable", where=self.where, got=error) from error
        self.dataset_id: str = manifest["dataset_id"]
        self.state: str = manifest["state"]
        self.facts: Facts = manifest["facts"]
        self.answers = tuple(StoredAnswer.from_json(kept) for kept in manifest["answers"])

    def __iter__(self) -> Iterator[StoredAnswer]:
        return iter(self.answers)

    @property
    def content_sha256(self) -> str:
        """Checksum of all data answers in order: equal means the same bytes again."""
        sums = "\n".join(answer.sha256 for answer in self.answers if answer.request.purpose == "data")
        return hashlib.sha256(sums.encode()).hexdigest()

    @property
    def content_bytes(self) -> int:
        """Size of all data answers."""
        return sum(answer.bytes for answer in self.answers if answer.request.purpose == "data")

    def open(self, answer: StoredAnswer) -> VerifiedStream:
        """Open the bytes of an answer. Reading to the end checks them.

        Raises: ArchiveError if the file is gone, or at its end if it is not what was stored.
        """
        with storing(f"{self.where}/{answer.file_name}"):
            file = self.archive.fs.open(f"{self.archive.root}/{self.path}/{answer.file_name}", "rb")
        return VerifiedStream(file, answer, self.where)

    def read(self, answer: StoredAnswer) -> bytes:
        """Return all bytes of an answer, checked. Raises: ArchiveError."""
        with self.open(answer) as stream:
            content = stream.read()
            stream.check_end()
        return content


class VerifiedStream:
    """A readable file that compares what it gave out with the stored checksum once it is at the end."""

    def __init__(self, file: BufferedIOBase, answer: StoredAnswer, where: str) -> None:
        self._file = file
        self._answer = answer
        self._where = where
        self._digest = hashlib.sha256()
        self._size = 0
        self._checked = False

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, all that is left if negative, and nothing at the end."""
        with storing(f"{self._where}/{self._answer.file_name}"):
            chunk = bytes(self._file.read(size))
        self._digest.update(chunk)
        self._size += len(chunk)
        if not chunk and size != 0:
            self.check_end()
        return chunk

    def readinto(self, buffer: memoryview) -> int:
        """Fill `buffer` as far as bytes come, and return how many; 0 at the end."""
        with storing(f"{self._where}/{self._answer.file_name}"):
            size = self._file.readinto(buffer)
        self._digest.update(buffer[:size])
        self._size += size
        if not size and len(buffer):
            self.check_end()
        return int(size)

    def check_end(self) -> None:
        """Raise ArchiveError if what was read is not what was stored."""
        if self._checked:
            return
        self._checked = True
        if self._digest.hexdigest() != self._answer.sha256:
            raise ArchiveError(
                "stored bytes have changed", where=f"{self._where}/{self._answer.file_name}",
                got=f"{self._size} bytes, sha256 {self._digest.hexdigest()}",
                expected=f"{self._answer.bytes} bytes, sha256 {self._answer.sha256}",
                next_step="restore the archive, or fetch again: planmark refresh",
            )  # fmt: skip

    def readable(self) -> bool:
        """Return True: this is a source."""
        return True

    def writable(self) -> bool:
        """Return False: the archive is never changed."""
        return False

    def seekable(self) -> bool:
        """Return False: the checksum needs one pass."""
        return False

    @property
    def closed(self) -> bool:
        """True once closed."""
        return bool(self._file.closed)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> VerifiedStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def storing(where: str) -> Iterator[None]:
    """Turn any fault of the storage into an ArchiveError that names the place."""
    try:
        yield
    except (ArchiveError, FileNotFoundError):
        raise
    except Exception as error:  # fsspec's back ends raise errors of their own kinds
        raise ArchiveError(
            "the archive cannot be read or written", where=where, got=f"{type(error).__name__}: {error}",
            next_step="check free space and rights, or set PLANMARK_ARCHIVE_URL",
        ) from error  # fmt: skip


def _local_path(url: str) -> str:
    """Undo the percent-encoding of a file:// address: fsspec takes it for part of the name."""
    return url2pathname(urlparse(url).path) if url.startswith("file://") else url
