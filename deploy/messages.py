"""`make messages`: collects the words of the interface and compiles their French.

Written with Babel, which Accord needs anyway: no gettext tools from the system. Django's own
`templatize` reads the templates, so that `{% blocktranslate trimmed count %}` means here exactly
what it means on a page. Run it after any change of words: it adds what is new, drops what is gone,
keeps every translation, and ends with 1 while one is missing or broken. Twice changes nothing.
"""

import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("privacy", "consent", "crm", "forms_intake", "campaigns", "deploy")
FRENCH_PO = ROOT / "deploy" / "locale" / "fr" / "LC_MESSAGES" / "django.po"
FRENCH_MO = FRENCH_PO.with_suffix(".mo")

# The names under which Python and `templatize` call gettext, with the places of their words.
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
# What a translation must carry over as it is: values to fill in, merge fields, HTML tags.
_KEPT = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\{.*?\}\}|\{\w*\}|</?[a-z]+")


def collect() -> Catalog:
    """Every word marked for translation, with the files that say it but no line numbers."""
    words = Catalog(charset="utf-8")
    for path in _sources():
        place = path.relative_to(ROOT).as_posix()
        for _line, message, notes, context in _marked_in(path):
            words.add(message, None, [(place, 0)], auto_comments=notes, context=context)
    return words


def _sources() -> Iterator[Path]:
    for floor in FLOORS:
        for path in sorted((ROOT / floor).rglob("*")):
            is_page = path.suffix in {".html", ".txt"} and "templates" in path.parts
            if is_page or path.suffix == ".py":
                yield path


def _marked_in(path: Path) -> Iterator[tuple[int, str | tuple[str, ...], list[str], str | None]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        # Inside brackets Python's reader does not mind how the lines are indented.
        text = f"({templatize(text, origin=str(path))}\n)"
    source = BytesIO(text.encode())
    return extract("python", source, KEYWORDS, ("Translators:",), strip_comment_tags=True)


def read_french() -> Catalog:
    """The French of the repository; empty before the first run."""
    if not FRENCH_PO.exists():
        return Catalog(locale="fr", project="Accord", charset="utf-8", fuzzy=False)
    with FRENCH_PO.open("rb") as source:
        return read_po(source, locale="fr", abort_invalid=True)


def bring_up_to_date(french: Catalog, words: Catalog) -> None:
    """Leave `french` with exactly the messages of `words`; nothing is guessed from likeness."""
    # The date in the header stays: a run that changes no words changes no file.
    french.update(words, no_fuzzy_matching=True, update_creation_date=False)
    french.obsolete.clear()


def as_po(french: Catalog) -> bytes:
    """Sorted by message, so that moving code moves no translation."""
    target = BytesIO()
    write_po(target, french, width=100, sort_output=True, include_lineno=False)
    return target.getvalue()


def as_mo(french: Catalog) -> bytes:
    target = BytesIO()
    write_mo(target, french)
    return target.getvalue()


def faults(french: Catalog) -> list[str]:
    """One line per message without confirmed French, or whose placeholders were not kept."""
    found = []
    for message in french:
        if not message.id:
            continue
        if message.fuzzy or not all(_translations(message)):
            found.append(f"not translated: {message.id!r}")
        elif not _keeps_placeholders(message):
            found.append(f"placeholders differ: {message.id!r}")
    return found


def _translations(message: Message) -> tuple[str, ...]:
    said = message.string or ""
    return (said,) if isinstance(said, str) else tuple(said)


def _keeps_placeholders(message: Message) -> bool:
    # Of a plural, the second English form: French says 0 and 1 alike, so each form needs all.
    english = message.id if isinstance(message.id, str) else message.id[-1]
    wanted = sorted(_KEPT.findall(english))
    return all(sorted(_KEPT.findall(said)) == wanted for said in _translations(message))


def main() -> int:
    french = read_french()
    bring_up_to_date(french, collect())
    FRENCH_PO.parent.mkdir(parents=True, exist_ok=True)
    FRENCH_PO.write_bytes(as_po(french))
    FRENCH_MO.write_bytes(as_mo(french))
    found = faults(french)
    sys.stdout.writelines(f"{fault}\n" for fault in found)
    sys.stdout.write(f"{len(french)} messages, {len(found)} to mend in {FRENCH_PO}\n")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
