"""Django's PostgreSQL, which asks a kept connection whether it still works only when there is reason to."""
