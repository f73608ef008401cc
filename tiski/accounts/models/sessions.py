"""Login sessions as rows that know whose they are: listed, revocable, and useless to a reader of the database."""

from __future__ import annotations

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils.module_loading import import_string

from .people import Agent


class AgentSession(AbstractBaseSession):
    """One signed-in browser. `session_key` holds the hash of the cookie's value, never the value itself."""

    agent = models.ForeignKey(Agent, null=True, on_delete=models.CASCADE, related_name="sessions")
    user_agent = models.CharField(max_length=200, blank=True, default="")
    ip = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True)

    class Meta(AbstractBaseSession.Meta):
        abstract = False
        indexes = [models.Index(fields=["agent", "last_seen_at"], name="session_of_agent")]

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        """The configured store, which needs this model and so is named, not imported."""
        store: type[SessionBase] = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
        return store
