"""The file of channels: a name, a kind, an address, limits, and where each secret lies.

    channels:
      wecom-grid-1:
        kind: wecom
        url_file: secrets/wecom-grid-1     # the robot's whole address is its secret
      mail:
        kind: email
        host: smtp.example.com
        sender: hub@example.com
        user: hub@example.com
        password_env: MAIL_PASSWORD
        private: true                      # residents' names and phones may stand in it

A secret never stands in the file: it lies in a file of its own (beside this one, if its path is
relative) or in an environment variable. Every mistake is told at once, with file and line.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml.comments import CommentedMap

from hub import mistakes
from hub.mistakes import Mistakes, Wrong, nearest, shown
from hub.notifiers.kind import Entry, Kind
from hub.notifiers.limiter import Limits, Window
from hub.notifiers.wording import LANGUAGES, ZH
from hub.yaml_file import Keys, YamlFile, as_text, line_of, read_map

MINUTE_S = 60.0
SECRET_BYTES_MAX = 16_384
PER_MINUTE_MAX = 100_000


class WrongChannels(Mistakes):
    """A channels file that cannot be used: one line per mistake, with file and line."""


class Found(NamedTuple):
    """An entry, the line on which it begins, and where its secrets lie: `(how, where)`."""

    entry: Entry
    line: int
    secrets: Mapping[str, tuple[str, str]]


def read_entries(
    file: str, kinds: Mapping[str, Kind], taken: Sequence[str] = ()
) -> tuple[Found, ...]:
    """The channels of a file; of no file none. `taken`: names of the hub's own channels.

    Secrets are not read yet. Raises `WrongChannels`.
    """
    if not file:
        return ()
    reading = YamlFile(Path(file), WrongChannels, "channels")
    tree = reading.load()
    values = read_map(reading, tree, {"channels": (True, _channels)})
    found = [
        one
        for name, row in values.get("channels", {}).items()
        if (one := _entry(reading, values["channels"], str(name), row, kinds, taken)) is not None
    ]
    reading.check()
    return tuple(found)


def _channels(value: Any) -> CommentedMap:
    if not isinstance(value, CommentedMap):
        raise Wrong("expected a table of channels, each with its name: and kind: below it")
    return value


def _entry(
    reading: YamlFile,
    table: CommentedMap,
    name: str,
    row: Any,
    kinds: Mapping[str, Kind],
    taken: Sequence[str],
) -> Found | None:
    line = line_of(table, name)
    try:
        mistakes.name(name)
    except Wrong as error:
        reading.note(line, f"the channel's name: {error}")
    if name in taken:
        reading.note(line, f"{name} is a channel of the hub's own; give this one another name")
    if not isinstance(row, CommentedMap):
        reading.note(line, f"{name}: expected kind: and what belongs to it, not {shown(str(row))}")
        return None
    kind = _kind_of(reading, row, kinds)
    return None if kind is None else _of_kind(reading, name, line, row, kind)


def _kind_of(reading: YamlFile, row: CommentedMap, kinds: Mapping[str, Kind]) -> Kind | None:
    word = row.get("kind")
    if word is None:
        reading.note(row.lc.line + 1, "the key kind is missing")
    elif word not in kinds:
        expected = f"expected {', '.join(sorted(kinds))}"
        what = f"kind: {expected}, not {shown(str(word))}{nearest(str(word), kinds)}"
        reading.note(line_of(row, "kind"), what)
    return kinds.get(word) if isinstance(word, str) else None


def _of_kind(reading: YamlFile, name: str, line: int, row: CommentedMap, kind: Kind) -> Found:
    words = [f"{secret}_{how}" for secret in kind.secrets for how in ("file", "env")]
    values = read_map(reading, row, {**_COMMON, **kind.keys}, [*words, *kind.secrets])
    secrets = dict(_where_secrets_lie(reading, row, kind))
    complaint = kind.check(values)
    if complaint is not None:
        reading.note(line, f"{name}: {complaint}")
    own = {key: value for key, value in values.items() if key in kind.keys}
    entry = Entry(
        name,
        kind.name,
        own,
        language=values.get("language", ZH),
        private=values.get("private", False),
        limits=_limits(kind.limits, values),
    )
    return Found(entry, line, secrets)


def _where_secrets_lie(
    reading: YamlFile, row: CommentedMap, kind: Kind
) -> Iterator[tuple[str, tuple[str, str]]]:
    for secret, required in kind.secrets.items():
        if secret in row:
            what = f"{secret}: a secret does not stand here: {secret}_file or {secret}_env"
            reading.note(line_of(row, secret), f"{what} says where it lies")
            continue
        given = [how for how in ("file", "env") if f"{secret}_{how}" in row]
        if len(given) > 1:
            what = f"{secret}_file and {secret}_env: one of them is enough"
            reading.note(line_of(row, f"{secret}_env"), what)
        elif given:
            where = row[f"{secret}_{given[0]}"]
            if isinstance(where, str) and where:
                yield secret, (given[0], where)
            else:
                line = line_of(row, f"{secret}_{given[0]}")
                reading.note(line, f"{secret}_{given[0]}: expected text, not {where!r}")
        elif required:
            what = f"the key {secret}_file (or {secret}_env) is missing"
            reading.note(row.lc.line + 1, what)


def _limits(plain: Limits, values: Mapping[str, Any]) -> Limits:
    windows = {one.within_s: one for one in plain.windows}
    for key, within_s in (("per_minute", MINUTE_S), ("per_second", 1.0)):
        if key in values:
            windows[within_s] = Window(values[key], within_s)
    return replace(plain, windows=tuple(windows.values()))


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise Wrong(f"expected true or false, not {value!r}")
    return value


def whole(low: int, high: int) -> Any:
    """A whole number within bounds."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Wrong(f"expected a whole number from {low} to {high}, not {value!r}")
        return value

    return read


_COMMON: Keys = {
    "kind": (True, as_text(mistakes.name)),
    "language": (False, as_text(mistakes.one_of(LANGUAGES))),
    "private": (False, flag),
    "per_minute": (False, whole(1, PER_MINUTE_MAX)),
    "per_second": (False, whole(1, PER_MINUTE_MAX)),
}


def with_secrets(
    file: str, found: Sequence[Found], environment: Mapping[str, str] | None = None
) -> tuple[Entry, ...]:
    """The entries with their secrets, read now. Raises `WrongChannels`; never says a secret."""
    environment = os.environ if environment is None else environment
    wrong: list[str] = []
    entries = []
    for one in found:
        secrets: dict[str, str] = {}
        for secret, (how, where) in one.secrets.items():
            try:
                secrets[secret] = (
                    _from_file(Path(file).parent / where)
                    if how == "file"
                    else _from_environment(environment, where)
                )
            except Wrong as error:
                wrong.append(f"{file}:{one.line}: {one.entry.name}: {secret}_{how}: {error}")
        entries.append(replace(one.entry, secrets=secrets))
    if wrong:
        raise WrongChannels(wrong)
    return tuple(entries)


def _from_file(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as opened:
            return _one_line(opened.read(SECRET_BYTES_MAX), str(path))
    except OSError as error:
        raise Wrong(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Wrong(f"{path}: not UTF-8 (byte {error.start})") from error


def _from_environment(environment: Mapping[str, str], name: str) -> str:
    if name not in environment:
        raise Wrong(f"there is no environment variable {name}")
    return _one_line(environment[name], name)


def _one_line(text: str, where: str) -> str:
    secret = text.strip()
    if not secret or not secret.isprintable():
        raise Wrong(f"{where}: expected one line with the secret")
    return secret
