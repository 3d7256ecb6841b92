"""What every installation starts with: purposes, assessments and the preference page's notice."""

from datetime import datetime

from consent.decisions import PREFERENCES_NOTICE
from consent.models import NoticeKind
from consent.notices import current_notice, publish_notice
from consent.purposes import seed_purposes as _seed_purposes

_PREFERENCES = {
    "fr": "Vos choix sont enregistrés avec la date et servent de preuve. Vous pouvez les changer"
    " à tout moment sur cette page, aussi facilement que vous les avez faits.",
    "en": "Your choices are recorded with their date and serve as proof. You can change them at"
    " any time on this page, as easily as you made them.",
}


def seed_purposes(*, now: datetime) -> None:
    """Write what is missing; what is there is left alone. Calling twice is safe."""
    _seed_purposes(now=now)
    # The officer's own words are there already, or these are: neither is published again.
    if not current_notice(code=PREFERENCES_NOTICE):
        publish_notice(
            code=PREFERENCES_NOTICE, kind=NoticeKind.PREFERENCES, texts=_PREFERENCES, now=now
        )
