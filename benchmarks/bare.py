"""The floor of `intake`: a Django view that does one INSERT, under the same server."""

import json
import os
from uuid import uuid4

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path
from psycopg.conninfo import conninfo_to_dict

_PARTS = conninfo_to_dict(os.environ["BARE_DSN"])
settings.configure(
    SECRET_KEY="bare",  # noqa: S106  # it signs nothing
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _PARTS["dbname"],
            "USER": _PARTS["user"],
            "PASSWORD": _PARTS["password"],
            "HOST": _PARTS["host"],
            "PORT": str(_PARTS["port"]),
            "CONN_MAX_AGE": 600,
        }
    },
)
django.setup()


def insert(request: HttpRequest) -> HttpResponse:
    from django.db import connection

    json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bare (id, body) VALUES (%s, %s)", [uuid4(), request.body])
    return HttpResponse(status=202, headers={"Content-Length": "0"})


urlpatterns = [path("bare", insert)]
application = WSGIHandler()
