"""What forms are called in public, for the page on which people see where they said yes."""

import pytest

from forms_intake.titles import form_titles
from tests.conftest import NOW
from tests.forms_intake import cast

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)


def test_a_version_has_its_own_title_and_an_unknown_one_none() -> None:
    form = cast.published(code=cast.CODE, now=NOW)
    key = (form["code"], form["version"])
    titles = form_titles(versions=[key, (cast.CODE, 99), ("never", 1)])
    assert titles == {key: {"fr": "Écrivez-nous", "en": "Write to us"}}
