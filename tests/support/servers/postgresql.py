"""A PostgreSQL server of a test's own, made of the packages that `make .stores` installs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from adbc_driver_postgresql import dbapi

from tests.support.names import free_address
from tests.support.waiting import wait_until

OWNER, READER = "owner", "reader"  # the second may read the table `sales` alone
PASSWORD = "hunter 2/of a test"  # noqa: S105 - nobody's; a password in an address is encoded
DEBIAN = Path("/usr/lib/postgresql")  # its programs are in no path of a user's


class Database(NamedTuple):
    """A server that asks everybody for a password."""

    address: str  # host:port

    def url(self, user: str = READER, password: str = PASSWORD, name: str = "postgres") -> str:
        """Return what DATABASE_URL may be."""
        return f"postgresql://{user}:{quote(password, safe='')}@{self.address}/{name}"

    def run(self, *statements: str) -> None:
        """Run statements as the owner of the database."""
        with dbapi.connect(self.url(OWNER)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            connection.commit()


@contextmanager
def postgresql(host: str = "127.0.0.1") -> Iterator[Database]:
    """Yield a new server with an empty table `sales` (x, y); it listens on an address of ours."""
    port = free_address().partition(":")[2]
    with tempfile.TemporaryDirectory() as folder:
        data, password, log = (Path(folder, name) for name in ("data", "password", "log"))
        password.write_text(PASSWORD)
        account: dict[str, Any] = {"cwd": folder}
        if os.geteuid() == 0:  # as which PostgreSQL does not run
            account |= {"user": "postgres", "group": "postgres", "extra_groups": []}
            for path in (folder, password):
                shutil.chown(path, "postgres", "postgres")
        subprocess.run(
            [program("initdb"), "--no-sync", "--auth=scram-sha-256", f"--username={OWNER}",
             f"--pwfile={password}", "--encoding=UTF8", "--locale=C", data],
            check=True, capture_output=True, **account,
        )  # fmt: skip
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all all scram-sha-256\n")
        settings = {"port": port, "listen_addresses": host, "unix_socket_directories": folder}
        options = [f"--{name}={value}" for name, value in settings.items()]
        with (
            log.open("w") as opened,
            subprocess.Popen([program("postgres"), "-D", data, "--fsync=off", *options],
                             stdout=opened, stderr=opened, **account) as process,
        ):  # fmt: skip
            try:
                wait_until(lambda: "ready to accept" in log.read_text(), "the start of PostgreSQL")
                database = Database(f"{host}:{port}")
                database.run(
                    "CREATE TABLE sales (x double precision, y text)",
                    f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'",
                    f"GRANT SELECT ON sales TO {READER}",
                )
                yield database
            finally:
                process.terminate()


def program(name: str) -> str:
    """Return the path of a program of PostgreSQL."""
    folders = map(str, sorted(DEBIAN.glob("*/bin"), reverse=True))
    path = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *folders]))
    assert path, f"{name} must be there: make .stores"
    return path
