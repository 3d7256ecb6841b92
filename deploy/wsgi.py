"""The WSGI application of the public and of the staff process (ACCORD_PROCESS selects)."""

import os

from django.core.wsgi import get_wsgi_application

from deploy.logs import keep_values_out_of_last_words

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")

keep_values_out_of_last_words()
application = get_wsgi_application()
