"""Photos on the disk: forgotten when nobody names them, in every backup, refused where none fit."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy.engine import Engine

from hub import backup, photos
from hub.database import for_writing
from hub.photos import NoPhoto, Photo
from hub.settings import Settings
from tests.fresh import fresh_engine

HOUR_MS = 3_600_000
NOW_MS = 1_772_413_200_000


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", photos_keep_days=30)


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    settings.data_dir.mkdir()
    opened = fresh_engine(settings.data_dir / "hub.db")
    yield opened
    opened.dispose()


def photo_of(settings: Settings, color: str) -> Photo:
    file = BytesIO()
    Image.new("RGB", (20, 10), color).save(file, "PNG")
    return photos.read_photo(file.getvalue(), settings)


def keep(engine: Engine, settings: Settings, color: str, at_ms: int = NOW_MS) -> Photo:
    photo = photo_of(settings, color)
    photos.write_file(photos.folder_of(settings), photo)
    with for_writing(engine).begin() as connection:
        photos.note(connection, photo, "li", at_ms)
    return photo


def on_disk(settings: Settings) -> set[str]:
    return {name for name, _file in photos.files(photos.folder_of(settings))}


def test_what_no_act_names_and_what_is_old_is_removed(engine: Engine, settings: Settings) -> None:
    named, unnamed = keep(engine, settings, "red"), keep(engine, settings, "blue")
    folder = photos.folder_of(settings)
    with for_writing(engine).begin() as connection:
        assert photos.unknown_of(connection, [named.id, "0" * 32]) == ["0" * 32]
        photos.use(connection, [named.id], 7)
        soon_ms = NOW_MS + 47 * HOUR_MS
        assert photos.forget(connection, folder, settings, soon_ms) == 0
        assert photos.forget(connection, folder, settings, NOW_MS + 49 * HOUR_MS) == 1
    assert on_disk(settings) == {named.id}
    assert unnamed.id != named.id
    with for_writing(engine).begin() as connection:
        assert photos.forget(connection, folder, settings, NOW_MS + 31 * 24 * HOUR_MS) == 1
    assert on_disk(settings) == set()


def test_a_photo_that_is_sent_again_is_looked_after_anew(
    engine: Engine, settings: Settings
) -> None:
    keep(engine, settings, "red")
    again = keep(engine, settings, "red", NOW_MS + 48 * HOUR_MS)
    with for_writing(engine).begin() as connection:
        folder = photos.folder_of(settings)
        assert photos.forget(connection, folder, settings, NOW_MS + 50 * HOUR_MS) == 0
    assert on_disk(settings) == {again.id}


def test_where_it_cannot_be_written_nothing_half_is_left(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    (tmp_path / "photos").write_text("in the way")
    with pytest.raises(NoPhoto) as no:
        photos.write_file(photos.folder_of(settings), photo_of(settings, "red"))
    assert no.value.code == "no_room"
    assert [one.name for one in tmp_path.iterdir()] == ["photos"]


def test_a_disk_with_little_room_is_left_to_the_journal(engine: Engine, settings: Settings) -> None:
    greedy = Settings(data_dir=settings.data_dir, photos_room_bytes_min=2**60)
    with engine.connect() as connection:
        photos.check_room(connection, settings)
        with pytest.raises(NoPhoto, match="No room"):
            photos.check_room(connection, greedy)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "1", "CMYK", "I;16", "L"])
def test_every_kind_of_picture_becomes_a_plain_one(settings: Settings, mode: str) -> None:
    file = BytesIO()
    image = Image.new(mode, (30, 20))
    image.save(file, "JPEG" if mode == "CMYK" else "PNG")
    kept = photos.read_photo(file.getvalue(), settings)
    shown = Image.open(BytesIO(kept.content))
    assert (shown.format, shown.mode, shown.size) == ("JPEG", "RGB", (30, 20))


def test_a_database_of_a_version_without_photos_is_backed_up_as_it_is(
    engine: Engine, settings: Settings, tmp_path: Path
) -> None:
    with for_writing(engine).begin() as connection:
        connection.exec_driver_sql("DROP TABLE photos")
    target = tmp_path / "hub.backup"
    backup.back_up(settings.data_dir / "hub.db", target, photos.folder_of(settings))
    with backup.reading(target) as copy:
        names = {row[0] for row in copy.execute("SELECT name FROM sqlite_master")}
    assert "journal" in names
    assert backup.PACKED not in names


def test_a_backup_is_one_file_with_all_photos(
    engine: Engine, settings: Settings, tmp_path: Path
) -> None:
    kept = [keep(engine, settings, color) for color in ("red", "blue")]
    folder, database = photos.folder_of(settings), settings.data_dir / "hub.db"
    target = tmp_path / "hub.backup"
    backup.back_up(database, target, folder)
    elsewhere = tmp_path / "other"
    restored = elsewhere / "hub.db"
    backup.restore(target, restored, "now", photos_folder=elsewhere / "photos")

    for photo in kept:
        assert photos.file_of(elsewhere / "photos", photo.id).read_bytes() == photo.content
    with backup.reading(restored) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        assert connection.execute("SELECT count(*) FROM photos").fetchone() == (2,)
    assert backup.PACKED not in tables
    assert backup.check(restored) == backup.newest_revision()
