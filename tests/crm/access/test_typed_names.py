"""What somebody types as a username is in no statement that a server could log."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Account
from tests.crm.staff import make_account

pytestmark = pytest.mark.django_db


def test_an_account_is_found_by_its_name_and_its_name_only() -> None:
    account = make_account()
    with CaptureQueriesContext(connection) as queries:
        assert Account.objects.get_by_natural_key("camille") == account
        for typed in ("alice@example.org", "camille' OR 'a'='a", "", None):
            with pytest.raises(Account.DoesNotExist):
                Account.objects.get_by_natural_key(typed)
    assert not [one for one in queries.captured_queries if "camille" in one["sql"]]
    assert not [one for one in queries.captured_queries if "alice" in one["sql"]]
