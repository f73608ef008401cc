"""Objects from rows of a statement are those a queryset would have given."""

from __future__ import annotations

import pytest

from tiski.kernel.models import Blob
from tiski.kernel.reading import columns, fetch, made, marks


@pytest.mark.django_db
def test_an_object_of_a_row_is_the_one_a_queryset_gives() -> None:
    kept = Blob.unscoped.create(sha256="a" * 64, size=7, content_type="image/png", name="kuppi.png", width=3)
    [row] = fetch(f"SELECT {columns(Blob, 'b')} FROM kernel_blob b WHERE b.id IN ({marks([kept.pk])})", [kept.pk])
    same = made(Blob, row)
    assert same.created_at == kept.created_at
    assert same.created_at.tzinfo is not None
    assert (same.pk, same.size, same.name, same.width, same.height) == (kept.pk, 7, "kuppi.png", 3, None)
    assert not same._state.adding


def test_there_is_a_mark_for_each_value() -> None:
    assert marks([1, 2, 3]) == "%s, %s, %s"
