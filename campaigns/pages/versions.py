"""The versions of a campaign's mail as a page chooses between them: ``0.en``, ``1.fr``."""

from typing import TypedDict

from campaigns.models import Campaign


class Version(TypedDict):
    """An empty language is the campaign's own."""

    variant: int
    language: str


def chosen_version(text: str) -> Version:
    """Return what a page chose; nothing or nonsense is the campaign's own words."""
    variant, _dot, language = text.partition(".")
    if variant.isascii() and variant.isdigit() and len(variant) < 3:
        return {"variant": int(variant), "language": language[:5]}
    return {"variant": 0, "language": ""}


def version_choices(campaign: Campaign) -> list[tuple[str, str]]:
    """Return every version of a campaign with its name, its own words first."""
    own = (0, campaign.language)
    known = campaign.versions.order_by("variant", "language").values_list("variant", "language")
    return [
        (f"{variant}.{language}", f"{'ABCDEFGH'[variant % 8]} · {language.upper()}")
        for variant, language in (own, *known)
    ]
