"""The words a first notice starts from. An officer changes them; nothing here is a fact."""

from collections.abc import Mapping

STARTING_WORDS: Mapping[str, Mapping[str, str]] = {
    "fr": {
        "opening": "Vos données servent à vous répondre et, selon vos choix, à vous parler de nos"
        " produits. Voici l’essentiel.",
        "withdrawal": "Vous pouvez retirer un consentement à tout moment, aussi facilement que"
        " vous l’avez donné : par le lien au bas de chacun de nos messages.",
    },
    "en": {
        "opening": "Your data serves to answer you and, as you choose, to tell you about our"
        " products. Here is what matters.",
        "withdrawal": "You may withdraw a consent at any time, as easily as you gave it: by the"
        " link at the foot of each of our messages.",
    },
}
# Of a form only: somebody who wrote nothing was asked for nothing.
MANDATORY: Mapping[str, str] = {
    "fr": "Les champs sans la mention « facultatif » sont nécessaires : sans eux, nous ne pouvons"
    " pas donner suite. Les autres sont libres.",
    "en": "Fields without the mention “optional” are needed: without them we cannot follow up."
    " The others are up to you.",
}
# The purposes that a first notice speaks of, with the interest where they rest on one.
STARTING_INTERESTS: Mapping[str, Mapping[str, str]] = {
    "reply_to_request": {},
    "newsletter": {},
    "targeted_promotion": {
        "fr": "faire connaître nos produits aux professionnels qu’ils concernent",
        "en": "to make our products known to the professionals they concern",
    },
    "phone_prospecting": {
        "fr": "présenter nos produits de vive voix aux professionnels qu’ils concernent",
        "en": "to present our products in person to the professionals they concern",
    },
}
