"""The Celery application. A task is a doorbell: it carries ids, PostgreSQL holds the truth."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")

app = Celery("accord")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["privacy", "consent", "crm", "forms_intake", "campaigns"])
