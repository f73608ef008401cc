"""Every message writes a fact: its indexes hold only the rows that are looked for by them."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

UNPUBLISHED = "CREATE INDEX fact_unpublished ON kernel_fact (id) WHERE position IS NULL AND key IS NULL"


def index_the_unpublished(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """On SQLite nothing is ever published by position, and the index would hold every fact."""
    if editor.connection.vendor == "postgresql":
        editor.execute(UNPUBLISHED)


class Migration(migrations.Migration):
    dependencies = [("kernel", "0002_drop_fact_subject")]

    operations = [
        migrations.RemoveIndex(model_name="fact", name="fact_unpublished"),
        migrations.AlterField(
            model_name="fact",
            name="key",
            field=models.CharField(help_text="Makes a schedule's tick unique.", max_length=120, null=True),
        ),
        migrations.AlterField(
            model_name="fact",
            name="position",
            field=models.BigIntegerField(help_text="Publish sequence; PostgreSQL only.", null=True),
        ),
        migrations.AddConstraint(
            model_name="fact",
            constraint=models.UniqueConstraint(condition=models.Q(key__isnull=False), fields=("key",), name="fact_key"),
        ),
        migrations.AddConstraint(
            model_name="fact",
            constraint=models.UniqueConstraint(
                condition=models.Q(position__isnull=False), fields=("position",), name="fact_position"
            ),
        ),
        migrations.RunPython(index_the_unpublished, migrations.RunPython.noop),
    ]
