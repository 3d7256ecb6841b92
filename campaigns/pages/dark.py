"""A mail as programs show it in the dark. They do one of two things, and both are worth a look.

Apple Mail and Thunderbird apply the rules that the mail itself has for
``prefers-color-scheme: dark``, and leave it as it is where it has none. Gmail on telephones and
Outlook turn the colours round by themselves. Neither can be asked for in a frame, so the server
writes the page as it would be: the first exactly, the second as the usual approximation (all
colours inverted, hues turned back, pictures left alone).
"""

import re
from typing import Literal

Darkness = Literal["own", "inverted"]
_DARK = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)", re.IGNORECASE)
_LIGHT = re.compile(r"\(\s*prefers-color-scheme\s*:\s*light\s*\)", re.IGNORECASE)
_HEAD_END = re.compile(r"</head\s*>", re.IGNORECASE)
# Always true, and never: a condition in the place of another, whatever else the rule asks.
_ALWAYS, _NEVER = "(min-width: 0px)", "(max-width: 0px)"
_OWN = '<meta name="color-scheme" content="dark">'
_INVERTED = (
    "<style>html { background: #fff; filter: invert(1) hue-rotate(180deg); } "
    "img { filter: invert(1) hue-rotate(180deg); }</style>"
)


def in_the_dark(page: str, darkness: Darkness) -> str:
    """The page as one kind of mail program shows it in the dark."""
    if darkness == "inverted":
        return _with_head(page, _INVERTED)
    return _with_head(_LIGHT.sub(_NEVER, _DARK.sub(_ALWAYS, page)), _OWN)


def _with_head(page: str, more: str) -> str:
    return _HEAD_END.sub(lambda end: more + end[0], page, count=1)
