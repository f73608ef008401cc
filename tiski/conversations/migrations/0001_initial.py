"""The tables of conversations."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tiski.kernel.clock
import tiski.kernel.ids
import tiski.kernel.secrets.field


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("accounts", "__first__"),
        ("customers", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="InboundRaw",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "dedupe_key",
                    models.CharField(
                        help_text="The same item gives the same key, from wherever it comes.", max_length=100
                    ),
                ),
                ("received_at", models.DateTimeField(default=tiski.kernel.clock.now)),
                (
                    "envelope",
                    models.JSONField(
                        default=dict, help_text="What the transport said about it: folder, recipient, address."
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("received", "Received"),
                            ("threaded", "Threaded"),
                            ("new", "New"),
                            ("automatic", "Automatic"),
                            ("duplicate", "Duplicate"),
                            ("bounce", "Bounce"),
                            ("quarantined", "Quarantined"),
                            ("ignored", "Ignored"),
                        ],
                        default="received",
                        max_length=12,
                    ),
                ),
                ("rule", models.CharField(blank=True, default="", help_text="Which rule decided.", max_length=80)),
                ("reason", models.CharField(blank=True, default="", max_length=500)),
                ("deaths", models.PositiveSmallIntegerField(default=0, help_text="How often the parser died on it.")),
                ("size", models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="ChannelAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(help_text="Which registered channel carries it.", max_length=16)),
                ("key", models.CharField(default=tiski.kernel.ids.key, editable=False, max_length=40, unique=True)),
                ("name", models.CharField(max_length=80)),
                ("settings", models.JSONField(default=dict)),
                (
                    "secret",
                    tiski.kernel.secrets.field.EncryptedField(
                        blank=True, default="", help_text="Credentials as JSON, encrypted.", row="key"
                    ),
                ),
                ("health", models.JSONField(default=dict, help_text="What the channel last found out about itself.")),
                ("created_at", models.DateTimeField(default=tiski.kernel.clock.now)),
                ("enabled_at", models.DateTimeField(null=True)),
                ("disabled_at", models.DateTimeField(null=True)),
                (
                    "shop",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.shop"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Conversation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=tiski.kernel.ids.uuid7, editable=False, unique=True)),
                ("subject", models.CharField(blank=True, default="", max_length=250)),
                ("language", models.CharField(blank=True, default="", max_length=8)),
                ("last_seq", models.BigIntegerField(default=0)),
                ("customer_seq", models.BigIntegerField(default=0)),
                ("customer_read_seq", models.BigIntegerField(default=0, help_text="How far the customer has read.")),
                ("last_message_at", models.DateTimeField(default=tiski.kernel.clock.now)),
                ("waiting_since", models.DateTimeField(null=True)),
                ("opened_at", models.DateTimeField(default=tiski.kernel.clock.now)),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "assignee",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "channel_account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="conversations.channelaccount"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
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
            name="Closure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("closed_at", models.DateTimeField(default=tiski.kernel.clock.now)),
                ("closed_by_kind", models.CharField(max_length=16)),
                ("closed_by_id", models.BigIntegerField(null=True)),
                ("reopened_at", models.DateTimeField(null=True)),
                ("reopened_by_kind", models.CharField(blank=True, default="", max_length=16)),
                ("reopened_by_id", models.BigIntegerField(null=True)),
                (
                    "shop",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.shop",
                    ),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="closures",
                        to="conversations.conversation",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Assignment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("by_kind", models.CharField(max_length=16)),
                ("by_id", models.BigIntegerField(null=True)),
                ("created_at", models.DateTimeField(default=tiski.kernel.clock.now)),
                (
                    "agent",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="assignments",
                        to="conversations.conversation",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Draft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("mode", models.CharField(choices=[("reply", "Reply"), ("note", "Note")], max_length=8)),
                ("body", models.TextField(blank=True, default="")),
                ("files", models.JSONField(default=list, help_text="Blob ids of uploaded files.")),
                ("version", models.PositiveIntegerField(default=0)),
                ("updated_at", models.DateTimeField(default=tiski.kernel.clock.now)),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drafts",
                        to="conversations.conversation",
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
            name="RawBytes",
            fields=[
                (
                    "item",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="kept",
                        serialize=False,
                        to="conversations.inboundraw",
                    ),
                ),
                ("data", models.BinaryField()),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="inboundraw",
            name="channel_account",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="conversations.channelaccount",
            ),
        ),
        migrations.AddField(
            model_name="inboundraw",
            name="conversation",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="conversations.conversation",
            ),
        ),
        migrations.AddField(
            model_name="inboundraw",
            name="shop",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.shop"
            ),
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seq", models.BigIntegerField()),
                ("client_id", models.UUIDField()),
                ("kind", models.CharField(choices=[("message", "Message")], default="message", max_length=12)),
                ("author_kind", models.CharField(max_length=16)),
                ("body", models.TextField(blank=True, default="")),
                ("html", models.TextField(help_text="Clean HTML, where the sender formatted.", null=True)),
                (
                    "html_version",
                    models.PositiveSmallIntegerField(default=0, help_text="Which sanitiser made the HTML clean."),
                ),
                (
                    "source_id",
                    models.CharField(blank=True, default="", help_text="Its name at the source.", max_length=998),
                ),
                ("is_automatic", models.BooleanField(default=False)),
                ("meta", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(default=tiski.kernel.clock.now)),
                ("withdrawn_at", models.DateTimeField(help_text="Taken back before it was sent.", null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "channel_account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="conversations.channelaccount",
                    ),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="conversations.conversation",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="customers.customer",
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.shop",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="inboundraw",
            name="message",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="conversations.message"
            ),
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("client_id", models.UUIDField()),
                ("body", models.TextField()),
                ("created_at", models.DateTimeField(default=tiski.kernel.clock.now)),
                (
                    "agent",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notes",
                        to="conversations.conversation",
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
            name="Attachment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("blob_id", models.CharField(max_length=32)),
                (
                    "uploader",
                    models.CharField(help_text="`agent-7`, or `visitor-` and the hash of the token.", max_length=80),
                ),
                ("name", models.CharField(max_length=255)),
                ("size", models.BigIntegerField()),
                ("content_type", models.CharField(max_length=100)),
                ("width", models.PositiveIntegerField(null=True)),
                ("height", models.PositiveIntegerField(null=True)),
                ("created_at", models.DateTimeField(default=tiski.kernel.clock.now)),
                (
                    "shop",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.shop",
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attachments",
                        to="conversations.message",
                    ),
                ),
                (
                    "note",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attachments",
                        to="conversations.note",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="OutboxItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("recipient", models.CharField(max_length=320)),
                ("stable_id", models.CharField(max_length=998)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("held", "Held"),
                            ("claimed", "Claimed"),
                            ("accepted", "Accepted"),
                            ("delivered", "Delivered"),
                            ("bounced", "Bounced"),
                            ("failed", "Failed"),
                            ("unknown", "Unknown"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=12,
                    ),
                ),
                ("send_after", models.DateTimeField(default=tiski.kernel.clock.now, null=True)),
                ("created_at", models.DateTimeField(default=tiski.kernel.clock.now)),
                (
                    "first_due_at",
                    models.DateTimeField(default=tiski.kernel.clock.now, help_text="From when its age counts."),
                ),
                ("owner", models.CharField(blank=True, default="", max_length=60)),
                ("claimed_until", models.DateTimeField(null=True)),
                ("fence", models.PositiveIntegerField(default=0)),
                ("tries", models.PositiveIntegerField(default=0)),
                ("uncertain", models.PositiveSmallIntegerField(default=0)),
                ("provider_id", models.CharField(blank=True, default="", max_length=998)),
                ("error", models.CharField(blank=True, default="", max_length=500)),
                ("accepted_at", models.DateTimeField(null=True)),
                (
                    "channel_account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="conversations.channelaccount",
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="outbox", to="conversations.message"
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
            name="ReadMark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seq", models.BigIntegerField()),
                ("updated_at", models.DateTimeField(default=tiski.kernel.clock.now)),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="conversations.conversation",
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
            name="Tag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40)),
                (
                    "shop",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.shop"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Tagging",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "conversation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="taggings",
                        to="conversations.conversation",
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
                (
                    "tag",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="conversations.tag"
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="channelaccount",
            index=models.Index(fields=["kind"], name="channel_account_kind"),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", True)),
                fields=["shop", "-last_message_at", "-id"],
                name="conversation_open",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", True)),
                fields=["shop", "assignee", "-last_message_at", "-id"],
                name="conversation_open_of",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", False)),
                fields=["shop", "-last_message_at", "-id"],
                name="conversation_closed",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["customer"], name="conversation_of_customer"),
        ),
        migrations.AddConstraint(
            model_name="conversation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("subject__contains", "\n"), _negated=True),
                    models.Q(("subject__contains", "\r"), _negated=True),
                ),
                name="subject_is_one_line",
            ),
        ),
        migrations.AddConstraint(
            model_name="closure",
            constraint=models.UniqueConstraint(
                condition=models.Q(("reopened_at__isnull", True)),
                fields=("conversation",),
                name="closed_once_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.UniqueConstraint(fields=("conversation", "agent", "mode"), name="one_draft_per_mode"),
        ),
        migrations.AddField(
            model_name="rawbytes",
            name="shop",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.shop"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("source_id", ""), _negated=True),
                fields=["channel_account", "source_id"],
                name="message_by_source",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(fields=("conversation", "seq"), name="message_seq"),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(fields=("conversation", "client_id"), name="message_stored_once"),
        ),
        migrations.AddIndex(
            model_name="inboundraw",
            index=models.Index(fields=["shop", "state", "-id"], name="raw_by_state"),
        ),
        migrations.AddConstraint(
            model_name="inboundraw",
            constraint=models.UniqueConstraint(fields=("channel_account", "dedupe_key"), name="received_once"),
        ),
        migrations.AddIndex(
            model_name="note",
            index=models.Index(fields=["conversation", "created_at"], name="note_in_time"),
        ),
        migrations.AddConstraint(
            model_name="note",
            constraint=models.UniqueConstraint(fields=("conversation", "client_id"), name="note_stored_once"),
        ),
        migrations.AddIndex(
            model_name="attachment",
            index=models.Index(fields=["blob_id"], name="attachment_of_blob"),
        ),
        migrations.AddIndex(
            model_name="attachment",
            index=models.Index(
                condition=models.Q(("message__isnull", False)), fields=["message"], name="attachment_of_message"
            ),
        ),
        migrations.AddIndex(
            model_name="attachment",
            index=models.Index(condition=models.Q(("note__isnull", False)), fields=["note"], name="attachment_of_note"),
        ),
        migrations.AddIndex(
            model_name="outboxitem",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "held", "unknown"])),
                fields=["send_after"],
                name="outbox_due",
            ),
        ),
        migrations.AddIndex(
            model_name="outboxitem",
            index=models.Index(
                condition=models.Q(("state", "claimed")), fields=["claimed_until"], name="outbox_claimed"
            ),
        ),
        migrations.AddIndex(
            model_name="outboxitem",
            index=models.Index(fields=["channel_account", "stable_id"], name="outbox_by_stable_id"),
        ),
        migrations.AddConstraint(
            model_name="outboxitem",
            constraint=models.UniqueConstraint(fields=("message", "recipient", "channel_account"), name="sent_once"),
        ),
        migrations.AddConstraint(
            model_name="outboxitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("recipient__contains", "\n"), _negated=True),
                    models.Q(("recipient__contains", "\r"), _negated=True),
                ),
                name="recipient_is_one_line",
            ),
        ),
        migrations.AddConstraint(
            model_name="readmark",
            constraint=models.UniqueConstraint(fields=("conversation", "agent"), name="one_read_mark"),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.UniqueConstraint(fields=("shop", "name"), name="tag_name_in_shop"),
        ),
        migrations.AddConstraint(
            model_name="tagging",
            constraint=models.UniqueConstraint(fields=("conversation", "tag"), name="tagged_once"),
        ),
        migrations.AddField(
            model_name="conversation",
            name="last_message",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="conversations.message",
            ),
        ),
    ]
