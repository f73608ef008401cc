"""The index over what was said, and how far it has got.

A row's terms carry the shop before the word, so that each shop's words are lists of their own. On SQLite the rowid is
the message's id, and the beginnings of words of three to six letters are indexed too: the shop takes five signs.
"""

from django.db import migrations, models

SQLITE = (
    """
CREATE VIRTUAL TABLE conversations_terms USING fts5(
    terms, content='', contentless_delete=1, detail=none, prefix='8 9 10 11', tokenize="ascii tokenchars '-:'")
""",
    # Merged in small parts by who writes: by itself SQLite would merge much at once and keep everyone waiting.
    "INSERT INTO conversations_terms(conversations_terms, rank) VALUES ('automerge', 0)",
)
POSTGRESQL = (
    "CREATE TABLE conversations_terms (message_id bigint PRIMARY KEY, shop_id bigint NOT NULL, terms tsvector NOT NULL)",
    "CREATE INDEX terms_newest ON conversations_terms (shop_id, message_id)",
    # Without a list of what is pending, which each question would have to read.
    "CREATE INDEX terms_of_messages ON conversations_terms USING gin (terms) WITH (fastupdate = off)",
)


def make_the_index(apps, editor):
    """Its table differs between the databases, so no model describes it."""
    for statement in POSTGRESQL if editor.connection.vendor == "postgresql" else SQLITE:
        editor.execute(statement)


def drop_the_index(apps, editor):
    """With all that SQLite keeps beside it."""
    editor.execute("DROP TABLE conversations_terms")


class Migration(migrations.Migration):
    dependencies = [("conversations", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="SearchIndex",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "analyser",
                    models.PositiveSmallIntegerField(help_text="Which version of the analyser made its terms."),
                ),
                (
                    "position",
                    models.BigIntegerField(help_text="The last fact it has followed, in the publish sequence."),
                ),
                ("filled_to", models.BigIntegerField()),
                ("fill_until", models.BigIntegerField()),
            ],
        ),
        migrations.RunPython(make_the_index, drop_the_index),
    ]
