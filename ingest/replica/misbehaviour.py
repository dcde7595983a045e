"""How the replica misbehaves on request, so that a client's checks can be tested against a real server."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Callable
from dataclasses import dataclass

#: Kinds that spoil the rows of a CSV or TSV answer.
ROW_KINDS = (
    "header-only",
    "header-changed",
    "missing-column",
    "extra-column",
    "record-count-changes",
    "record-count-not-reached",
    "cut",
    "duplicate-keys",
    "bad-value",
    "unknown-status",
    "non-utf8",
    "bom",
)
#: Kinds that change which codes a query finds.
QUERY_KINDS = ("unknown-codes-as-total", "dropped-measure")
#: Kinds that replace or break the whole answer.
ANSWER_KINDS = (
    "0-byte",
    "html",
    "json-error-200",
    "truncated-gzip",
    "wrong-length",
    "slow",
    "reset-mid-page",
    "redirect-loop",
    "429",
    "500",
    "502",
    "504",
)
#: Kinds that last until they are cleared: the source itself has changed.
LASTING_KINDS = ("revise", "vanish")
KINDS = (*ROW_KINDS, *QUERY_KINDS, *ANSWER_KINDS, *LASTING_KINDS)


@dataclass
class Wish:
    """One misbehaviour asked for. `detail` is what follows a colon: `bad-value:NaN`, `slow:3`, `429:2`.

    `times` counts down; None lasts until cleared. It applies where the address, form included, holds `path`;
    without a path, to answers that hold data.
    """

    kind: str
    detail: str
    times: int | None
    path: str

    def fits(self, address: str, is_data: bool) -> bool:
        """Tell whether this answer is to be spoilt."""
        return self.path.lower() in address.lower() if self.path else is_data


class Wishes:
    """The misbehaviours asked for, first come first served."""

    def __init__(self) -> None:
        self._wishes: list[Wish] = []
        self._lock = threading.Lock()

    def add(self, kind: str, times: int | None = 1, path: str = "") -> None:
        """Ask for a misbehaviour; `none` clears all.

        Raises: ValueError for a kind that does not exist or a count below 1.
        """
        name, _, detail = kind.partition(":")
        if name == "none":
            with self._lock:
                self._wishes.clear()
            return
        if name not in KINDS:
            raise ValueError(f"unknown kind {kind!r}; known: none, {', '.join(KINDS)}")
        if times is not None and times < 1:
            raise ValueError(f"times is {times}; it must be 1 or more, or null for until cleared")
        if name in LASTING_KINDS:
            times = None
        with self._lock:
            self._wishes.append(Wish(name, detail, times, path))

    def take(self, address: str, is_data: bool, is_table: bool) -> Wish | None:
        """Return the first misbehaviour for an answer and count it; None if it is to be right.

        Kinds that spoil rows or codes wait for an answer that is a table.
        """
        with self._lock:
            for wish in self._wishes:
                needs_table = wish.kind in ROW_KINDS or wish.kind in QUERY_KINDS
                if wish.kind in LASTING_KINDS or (needs_table and not is_table):
                    continue
                if wish.fits(address, is_data):
                    self._count(wish)
                    return wish
        return None

    def _count(self, wish: Wish) -> None:
        if wish.times is None:
            return
        wish.times -= 1
        if wish.times == 0:
            self._wishes.remove(wish)

    def revision(self, address: str) -> int:
        """Return 0, or the number of the revision in force for an address: the last one asked for."""
        with self._lock:
            found = [w for w in self._wishes if w.kind == "revise" and w.fits(address, True)]
        return max((int(wish.detail or len(found)) for wish in found), default=0)

    def vanished(self, address: str) -> list[str]:
        """Return the periods withheld from an address; an empty text stands for the newest."""
        with self._lock:
            return [w.detail for w in self._wishes if w.kind == "vanish" and w.fits(address, True)]


# --- spoiling rows ------------------------------------------------------------------------------------

_Table = list[list[str]]


def spoil(body: bytes, wish: Wish, separator: str) -> bytes:
    """Return a CSV or TSV answer, spoilt as asked."""
    if wish.kind == "bom":
        return b"\xef\xbb\xbf" + body
    lines = body.split(b"\n")
    if wish.kind == "header-only":
        return lines[0] + b"\n"
    if wish.kind == "header-changed":
        renamed = lines[0].replace(b"OBS_VALUE", b"OBSERVATION").replace(b"observation", b"observed")
        return b"\n".join([renamed, *lines[1:]])
    if wish.kind == "non-utf8":
        return _with_foreign_byte(lines)
    table = list(csv.reader(io.StringIO(body.decode()), delimiter=separator))
    _SPOILERS[wish.kind](table, wish)
    return _written(table, body, separator)


def _with_foreign_byte(lines: list[bytes]) -> bytes:
    place = 1 if len(lines) > 2 else 0
    first, quote, rest = lines[place].rpartition(b'","')
    lines[place] = first + b"\xe9" + quote + rest
    return b"\n".join(lines)


def _column(table: _Table, name: str) -> int:
    return table[0].index(name) if name in table[0] else len(table[0]) - 1


def _drop_column(table: _Table, wish: Wish) -> None:
    place = _column(table, wish.detail or "OBS_STATUS")
    for row in table:
        del row[place]


def _add_column(table: _Table, wish: Wish) -> None:
    for number, row in enumerate(table):
        row.append("OBS_NOTE" if number == 0 else "new")


def _change_count(table: _Table, wish: Wish) -> None:
    place = _column(table, "RECORD_COUNT")
    for row in table[1:]:
        row[place] = str(int(row[place]) + 7)


def _drop_last(table: _Table, wish: Wish) -> None:
    del table[max(1, len(table) - 1) :]


def _cut(table: _Table, wish: Wish) -> None:
    del table[1 + (len(table) - 1) // 2 :]


def _repeat_key(table: _Table, wish: Wish) -> None:
    if len(table) > 2:
        place = _column(table, "RECORD_OFFSET")
        table[2] = [*table[1][:place], table[2][place], *table[1][place + 1 :]]


def _set_value(table: _Table, wish: Wish) -> None:
    if len(table) > 1:
        table[1][_column(table, "OBS_VALUE")] = wish.detail or "n/a"


def _set_status(table: _Table, wish: Wish) -> None:
    if len(table) > 1:
        table[1][_column(table, "OBS_STATUS")] = wish.detail or "Z9"


_SPOILERS: dict[str, Callable[[_Table, Wish], None]] = {
    "missing-column": _drop_column,
    "extra-column": _add_column,
    "record-count-changes": _change_count,
    "record-count-not-reached": _drop_last,
    "cut": _cut,
    "duplicate-keys": _repeat_key,
    "bad-value": _set_value,
    "unknown-status": _set_status,
}


def _written(table: _Table, body: bytes, separator: str) -> bytes:
    """Write the table as it was quoted.

    All of it where the original quotes its heading, else only where needed.
    """
    quoting = csv.QUOTE_ALL if body.startswith(b'"') else csv.QUOTE_MINIMAL
    written = io.StringIO()
    bare = {"OBS_VALUE", "RECORD_OFFSET", "RECORD_COUNT"} | {
        name for name in table[0] if name.endswith(("_TYPECODE", "_SORTORDER"))
    }
    if quoting == csv.QUOTE_MINIMAL:
        csv.writer(written, delimiter=separator, lineterminator="\n").writerows(table)
        return written.getvalue().encode()
    lines = [separator.join(f'"{name}"' for name in table[0])]
    for row in table[1:]:
        fields = [
            text if name in bare else '"' + text.replace('"', '""') + '"'
            for name, text in zip(table[0], row, strict=True)
        ]
        lines.append(separator.join(fields))
    return ("\n".join(lines) + "\n").encode()
