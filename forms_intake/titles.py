"""What forms are called in public, for the page on which people see where they said yes."""

from collections.abc import Sequence

from forms_intake.models import FormVersion


def form_titles(*, versions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], dict[str, str]]:
    """Return the titles by language of the versions (code, number) that are known."""
    rows = FormVersion.objects.filter(form_id__in={code for code, _number in versions})
    known = {(row.form_id, row.number): row.texts for row in rows}
    return {
        key: {language: texts["title"] for language, texts in known[key].items()}
        for key in versions
        if key in known
    }
