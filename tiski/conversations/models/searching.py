"""How far the message index has got. The index itself is no model: its table differs between the databases."""

from __future__ import annotations

from django.db import models


class SearchIndex(models.Model):
    """The one row of the message index's progress; without it the index is emptied and built anew.

    It follows the facts after `position`, and beside that reads what was there before it began: messages up to
    `fill_until`, of which those up to `filled_to` are done.
    """

    analyser = models.PositiveSmallIntegerField(help_text="Which version of the analyser made its terms.")
    position = models.BigIntegerField(help_text="The last fact it has followed, in the publish sequence.")
    filled_to = models.BigIntegerField()
    fill_until = models.BigIntegerField()

    def __str__(self) -> str:
        return f"message index at {self.position}"
