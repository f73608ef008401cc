"""Secrets at rest, and the redactor of logs."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
import time_machine
from django.db import connection, models, transaction
from pytest_django.fixtures import Settings

from tiski.kernel import keyfile
from tiski.kernel.ids import key as new_key
from tiski.kernel.models import ShopKey
from tiski.kernel.secrets import EncryptedField, SecretUnreadable, open_, redact, rotate, seal, set_on, unreadable_keys

pytestmark = pytest.mark.django_db
CANARY = "kanarialintu-4711"


class Mailbox(models.Model):
    """A row with a secret, made for these tests alone."""

    key = models.CharField(primary_key=True, max_length=10, default=new_key)
    number = models.IntegerField(default=1)
    shop_id = models.BigIntegerField()
    password = EncryptedField(blank=True, default="")

    objects: ClassVar[models.Manager[Mailbox]] = models.Manager()

    class Meta:
        app_label = "kernel"
        managed = False
        db_table = "tests_mailbox"


@pytest.fixture
def mailboxes() -> None:
    """A table inside the test's transaction, gone with it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE tests_mailbox "
            "(key varchar(10) PRIMARY KEY, number integer NOT NULL, shop_id bigint NOT NULL, password text NOT NULL)"
        )


@pytest.fixture
def mailbox(mailboxes: None) -> Mailbox:
    Mailbox.objects.create(shop_id=7, password=CANARY)
    return Mailbox.objects.get()


def column(box: Mailbox) -> str:
    """The password as it stands in the table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM tests_mailbox WHERE key = %s", [box.pk])
        return str(cursor.fetchone()[0])


def write_column(box: Mailbox, value: str) -> Mailbox:
    """Tamper with the table, and read the row again."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tests_mailbox SET password = %s WHERE key = %s", [value, box.pk])
    return Mailbox.objects.get(pk=box.pk)


def test_a_sealed_text_opens_in_its_place_only() -> None:
    sealed = seal(CANARY, shop=7, place="mailbox.password:1")

    assert CANARY not in sealed
    assert open_(sealed, shop=7, place="mailbox.password:1") == CANARY
    for shop, place in [(7, "mailbox.password:2"), (7, "mailbox.token:1"), (8, "mailbox.password:1")]:
        with pytest.raises(SecretUnreadable):
            open_(sealed, shop=shop, place=place)


@pytest.mark.parametrize("broken", ["", "v1", "v1.1.1", "v1.x.1.abc", "v9.1.1.abc", "v1.999.1.abc", CANARY])
def test_what_is_no_sealed_text_is_unreadable(broken: str) -> None:
    with pytest.raises(SecretUnreadable):
        open_(broken, shop=7, place="mailbox.password:1")


def test_every_character_of_a_sealed_text_counts() -> None:
    sealed = seal(CANARY, shop=7, place="mailbox.password:1")
    version, data_key, moment, raw = sealed.split(".")
    for changed in (
        f"{version}.{data_key}.{int(moment) + 1}.{raw}",
        f"{version}.{data_key}.{moment}.{raw[:-8]}{'A' if raw[-8] != 'A' else 'B'}{raw[-7:]}",
        f"{version}.{data_key}.{moment}.{'A' if raw[0] != 'A' else 'B'}{raw[1:]}",
    ):
        with pytest.raises(SecretUnreadable):
            open_(changed, shop=7, place="mailbox.password:1")


def test_a_shop_has_one_data_key_and_the_same_text_never_looks_the_same() -> None:
    first, second = (seal(CANARY, shop=7, place="a") for _ in range(2))
    seal(CANARY, shop=8, place="a")

    assert first != second
    assert sorted(ShopKey.objects.values_list("shop_id", flat=True)) == [7, 8]


def test_without_its_data_key_a_secret_is_gone() -> None:
    sealed = seal(CANARY, shop=7, place="a")
    ShopKey.objects.filter(shop_id=7).delete()
    seal("another", shop=7, place="a")

    with pytest.raises(SecretUnreadable):
        open_(sealed, shop=7, place="a")


def test_a_rotated_master_key_reads_old_secrets_and_wraps_every_data_key(settings: Settings, tmp_path: Path) -> None:
    settings.TISKI_KEY_FILE = tmp_path / "secret.key"
    sealed = [seal(CANARY, shop=shop, place="a") for shop in (7, 8)]

    assert rotate(tmp_path / "secret.key") == 2

    current = keyfile.load(tmp_path / "secret.key")[0]
    assert set(ShopKey.objects.values_list("master_key_id", flat=True)) == {current.id}
    assert [open_(each, shop=shop, place="a") for each, shop in zip(sealed, (7, 8), strict=True)] == [CANARY, CANARY]
    (tmp_path / "secret.key").write_text((tmp_path / "secret.key").read_text().splitlines()[0] + "\n")
    keyfile.load.cache_clear()
    assert open_(sealed[0], shop=7, place="a") == CANARY


def test_a_process_that_does_not_know_the_new_key_yet_reads_the_file_again(settings: Settings, tmp_path: Path) -> None:
    path = settings.TISKI_KEY_FILE = tmp_path / "secret.key"
    keyfile.load(path)
    before = path.read_text()
    rotate(path)
    sealed = seal(CANARY, shop=7, place="a")
    after = path.read_text()
    path.write_text(before)
    keyfile.load.cache_clear()
    keyfile.load(path)
    path.write_text(after)

    assert open_(sealed, shop=7, place="a") == CANARY


def test_a_foreign_key_file_is_noticed(settings: Settings, tmp_path: Path) -> None:
    sealed = seal(CANARY, shop=7, place="a")
    assert unreadable_keys() == 0
    settings.TISKI_KEY_FILE = tmp_path / "secret.key"

    assert unreadable_keys() == 1
    with pytest.raises(SecretUnreadable, match="put back the key file"):
        open_(sealed, shop=7, place="a")


def test_a60_a_field_never_stores_its_value_in_clear(mailbox: Mailbox) -> None:
    assert mailbox.password == CANARY
    assert CANARY not in column(mailbox)
    assert column(mailbox).startswith("v1.")
    assert CANARY not in str(list(Mailbox.objects.values()))


def test_a_ciphertext_copied_to_another_row_does_not_open(mailbox: Mailbox) -> None:
    other = Mailbox.objects.create(shop_id=7, number=2, password="another")
    other = write_column(other, column(mailbox))

    with pytest.raises(SecretUnreadable):
        assert other.password


def test_a_row_moved_to_another_shop_loses_its_secret(mailbox: Mailbox) -> None:
    Mailbox.objects.update(shop_id=8)
    ShopKey.objects.create(shop_id=8, wrapped=ShopKey.objects.get(shop_id=7).wrapped, master_key_id="x")

    with pytest.raises(SecretUnreadable):
        assert Mailbox.objects.get().password


def test_saving_something_else_leaves_the_ciphertext_as_it_was(mailbox: Mailbox) -> None:
    before = column(mailbox)
    mailbox.save()
    assert column(mailbox) == before

    mailbox.password = "new-one-4712"
    mailbox.save(update_fields=["password"])
    assert column(mailbox) != before
    assert Mailbox.objects.get().password == "new-one-4712"


def test_a_deferred_secret_is_read_when_asked_for(mailbox: Mailbox) -> None:
    assert Mailbox.objects.defer("password").get().password == CANARY


def test_an_empty_secret_stays_empty_and_costs_no_key(mailboxes: None) -> None:
    Mailbox.objects.create(shop_id=7)

    assert column(Mailbox.objects.get()) == ""
    assert Mailbox.objects.get().password == ""
    assert Mailbox.objects.filter(password="").count() == 1
    assert not ShopKey.objects.exists()


def test_clear_text_does_not_reach_the_database_by_a_side_road(mailbox: Mailbox) -> None:
    with pytest.raises(TypeError, match="is encrypted"), transaction.atomic():
        Mailbox.objects.update(password=CANARY)
    with pytest.raises(TypeError, match="is encrypted"):
        Mailbox.objects.filter(password=CANARY).exists()
    with pytest.raises(TypeError, match="is encrypted"), transaction.atomic():
        Mailbox.objects.bulk_update([mailbox], ["password"])
    Mailbox.objects.bulk_create([Mailbox(shop_id=7, number=2, password=CANARY)])
    assert [each.password for each in Mailbox.objects.order_by("number")] == [CANARY, CANARY]


def test_the_page_learns_when_a_secret_was_set_and_not_the_secret(mailboxes: None) -> None:
    with time_machine.travel(datetime(2026, 5, 3, 9, tzinfo=UTC), tick=False):
        Mailbox.objects.create(shop_id=7, password=CANARY)
    Mailbox.objects.create(shop_id=7, number=2)

    first, second = Mailbox.objects.order_by("number")
    assert set_on(first, "password") == datetime(2026, 5, 3, 9, tzinfo=UTC)
    assert set_on(second, "password") is None
    assert CANARY not in repr(first.__dict__)


def test_a_model_without_anything_to_be_bound_to_is_refused() -> None:
    class Loose(models.Model):
        password = EncryptedField(row="serial")

        class Meta:
            app_label = "kernel"
            managed = False

    assert [found.id for found in Loose.check()] == ["tiski.kernel.E001"]
    assert [found.id for found in Mailbox.check()] == []


def test_a_row_must_be_known_before_its_secret_is_sealed(mailboxes: None) -> None:
    with pytest.raises(ValueError, match=r"Mailbox\.key must be set"):
        Mailbox.objects.create(shop_id=7, key="", password=CANARY)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("smtp://mia:tee-aika-1@mail.example.fi:587", "smtp://mia:[hidden]@mail.example.fi:587"),
        ("Authorization: Bearer abcdefgh12345678", "Authorization: [hidden]"),
        ("curl -H 'bearer abcdefgh12345678'", "curl -H 'bearer [hidden]'"),
        ("Cookie: __Host-session=abc; csrf=def", "Cookie: [hidden]"),
        ("a1 LOGIN mia@teepuoti.fi tee-aika", "a1 LOGIN mia@teepuoti.fi [hidden]"),
        ('a1 LOGIN "mia" "tee \\" aika"', 'a1 LOGIN "mia" [hidden]'),
        ("AUTH PLAIN AG1pYQB0ZWUtYWlrYQ==", "AUTH PLAIN [hidden]"),
        ("AUTHENTICATE XOAUTH2 dXNlcj1taWE=", "AUTHENTICATE XOAUTH2 [hidden]"),
        ('{"access_token": "abc123", "id": 7}', '{"access_token": [hidden], "id": 7}'),
        ("password=tee-aika&user=mia", "password=[hidden]&user=mia"),
        ("client_secret='a b c' next", "client_secret=[hidden] next"),
        ("Mia answered Ada in 4 s", "Mia answered Ada in 4 s"),
    ],
)
def test_the_redactor_hides_what_looks_like_a_secret(text: str, redacted: str) -> None:
    assert redact(text) == redacted


def test_the_redactor_hides_every_secret_this_process_has_opened(mailbox: Mailbox) -> None:
    secret = mailbox.password

    assert redact(f"[AUTHENTICATIONFAILED] invalid {secret}!") == "[AUTHENTICATIONFAILED] invalid [hidden]!"


def test_the_redactor_takes_long_hostile_lines_in_its_stride() -> None:
    began = time.process_time()
    for line in ("password" * 50_000, 'LOGIN "' * 50_000, "https://a" * 50_000, "token=" * 50_000):
        assert redact(line)

    assert time.process_time() - began < 5
