"""Django as a WSGI application: pages and forms."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiski.config.settings")
application = get_wsgi_application()
