"""The tables of customers."""

import django.db.models.deletion
from django.db import migrations, models

import tiski.kernel.clock


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Customer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(blank=True, default="", max_length=120)),
                (
                    "folded_name",
                    models.CharField(blank=True, default="", help_text="For finding by name.", max_length=120),
                ),
                ("language", models.CharField(blank=True, default="", max_length=8)),
                ("created_at", models.DateTimeField(default=tiski.kernel.clock.now)),
                (
                    "merged_into",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="merged",
                        to="customers.customer",
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.shop",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Identity",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("email", "Email"),
                            ("phone", "Phone"),
                            ("visitor", "Browser"),
                            ("shop_account", "Shop account"),
                            ("social", "Social media"),
                            ("bsuid", "WhatsApp user id"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "value",
                    models.CharField(help_text="Canonical; a visitor's is the hash of the token.", max_length=320),
                ),
                ("shown", models.CharField(blank=True, default="", help_text="As first written.", max_length=320)),
                ("verified_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(default=tiski.kernel.clock.now)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="identities", to="customers.customer"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.shop",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Merge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "carried",
                    models.JSONField(
                        default=list, help_text="Ids of customers that had been merged into `gone` before."
                    ),
                ),
                ("by_kind", models.CharField(max_length=16)),
                ("by_id", models.BigIntegerField(null=True)),
                ("created_at", models.DateTimeField(default=tiski.kernel.clock.now)),
                ("undone_at", models.DateTimeField(null=True)),
                (
                    "gone",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="customers.customer"
                    ),
                ),
                (
                    "kept",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="merges", to="customers.customer"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.shop",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                condition=models.Q(("merged_into__isnull", False)), fields=["merged_into"], name="customer_merged"
            ),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                fields=["shop", "folded_name"], name="customer_by_name", opclasses=["int8_ops", "varchar_pattern_ops"]
            ),
        ),
        migrations.AddConstraint(
            model_name="customer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("name__contains", "\n"), _negated=True), models.Q(("name__contains", "\r"), _negated=True)
                ),
                name="customer_name_is_one_line",
            ),
        ),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(
                condition=models.Q(("kind", "visitor"), _negated=True),
                fields=["shop", "kind", "value"],
                name="identity_by_beginning",
                opclasses=["int8_ops", "varchar_pattern_ops", "varchar_pattern_ops"],
            ),
        ),
        migrations.AddConstraint(
            model_name="identity",
            constraint=models.UniqueConstraint(fields=("shop", "kind", "value"), name="one_identity_per_address"),
        ),
        migrations.AddConstraint(
            model_name="identity",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("value", ""), _negated=True),
                    models.Q(("value__contains", "\n"), _negated=True),
                    models.Q(("value__contains", "\r"), _negated=True),
                ),
                name="identity_is_one_line",
            ),
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.UniqueConstraint(
                condition=models.Q(("undone_at__isnull", True)), fields=("gone",), name="one_standing_merge"
            ),
        ),
    ]
