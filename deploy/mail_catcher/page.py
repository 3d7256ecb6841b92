"""The page that shows the mails: a WSGI application for the loopback address.

Two doors for whoever is not this person's browser on this page: a request must name us as its
host (a name of somebody else that resolves to 127.0.0.1 does not), and a change must come from
our own page (Origin).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode
from wsgiref.types import StartResponse, WSGIEnvironment

from django.template import Context, Engine

from deploy.mail_catcher import one_click
from deploy.mail_catcher.mailbox import Mailbox, NoSuchMail, header, parse
from deploy.mail_catcher.parts import html_of, is_attached, opened_elsewhere, text_of

HERE = Path(__file__).resolve().parent
PER_PAGE = 50
REFRESH_SECONDS = 5
LARGEST_FORM_BYTES = 64 * 1024

_CSP = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# A mail's own page: its inline styles and pictures in it, no script, nothing fetched. Its links
# open outside of the sandbox, as they do from a mail program.
_MAIL_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
_REASONS = {
    200: "OK",
    303: "See Other",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    421: "Misdirected Request",
}

Values = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    body: bytes
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    policy: str = _CSP
    extra: tuple[tuple[str, str], ...] = ()

    def headers(self) -> list[tuple[str, str]]:
        return [
            ("Content-Type", self.content_type),
            ("Content-Length", str(len(self.body))),
            ("Content-Security-Policy", self.policy),
            ("X-Content-Type-Options", "nosniff"),
            # "no-referrer" would send "Origin: null" with our own forms.
            ("Referrer-Policy", "same-origin"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Cache-Control", "no-store"),
            *self.extra,
        ]


class Refused(Exception):
    """The request is not answered; `status` and the text say why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Page:
    """The application. It reads from the mailbox and keeps nothing itself."""

    def __init__(self, mailbox: Mailbox, *, port: int, public_url: str) -> None:
        self._mailbox = mailbox
        self._public_url = public_url
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._engine = Engine(dirs=[str(HERE / "templates")])

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            answer = self._answer(environ)
        except Refused as refusal:
            answer = self._render("refused.html", {"why": str(refusal)}, status=refusal.status)
        status = f"{answer.status} {_REASONS[answer.status]}"
        start_response(status, answer.headers())
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        if environ.get("HTTP_HOST", "") not in self._hosts:
            raise Refused(421, "This is not an address of this page.")
        steps = [step for step in environ.get("PATH_INFO", "/").split("/") if step]
        method = environ["REQUEST_METHOD"]
        if method in ("GET", "HEAD"):
            query = {k: v[-1] for k, v in parse_qs(environ.get("QUERY_STRING", "")).items()}
            return self._show(steps, query)
        if method == "POST":
            self._check_origin(environ)
            environ["wsgi.input"].read(min(LARGEST_FORM_BYTES, _length(environ)))
            return self._change(steps)
        raise Refused(405, "This page reads (GET) and changes (POST), nothing else.")

    def _check_origin(self, environ: WSGIEnvironment) -> None:
        if environ.get("HTTP_ORIGIN", "") not in {f"http://{host}" for host in self._hosts}:
            raise Refused(403, "A change must come from this page itself.")

    # --- reading ------------------------------------------------------------------------

    def _show(self, steps: list[str], query: dict[str, str]) -> Answer:
        match steps:
            case []:
                return self._list(query)
            case ["mail.css"]:
                css = (HERE / "mail.css").read_bytes()
                return Answer(css, content_type="text/css; charset=utf-8")
            case ["mail", name]:
                return self._mail(name, query)
            case ["mail", name, "html"]:
                return self._html(name)
            case ["mail", name, "raw"]:
                return self._raw(name)
        raise Refused(404, "There is nothing at this address.")

    def _list(self, query: dict[str, str]) -> Answer:
        words, refresh = query.get("q", ""), query.get("refresh") == "on"
        found = self._mailbox.search(words)
        number = _page_number(query.get("page", "1"), len(found))
        first = (number - 1) * PER_PAGE
        kept = {"q": words, "refresh": "on" if refresh else ""}

        def link(**changes: Any) -> str:
            wanted = {k: v for k, v in {**kept, **changes}.items() if v}
            return "/?" + urlencode(wanted)

        values: Values = {
            "mails": found[first : first + PER_PAGE],
            "count": str(len(found)),
            "words": words,
            "refresh": str(REFRESH_SECONDS) if refresh else "",
            "refresh_link": link(refresh="" if refresh else "on"),
            "newer": link(page=number - 1) if number > 1 else "",
            "older": link(page=number + 1) if first + PER_PAGE < len(found) else "",
        }
        return self._render("list.html", values)

    def _mail(self, name: str, query: dict[str, str]) -> Answer:
        message = self._message(name)
        html, text = html_of(message), text_of(message)
        usual = "text" if html is None else "html"
        part = query.get("part", usual)
        facts = [(title, header(message, title)) for title in ("From", "To", "Date", "Message-ID")]
        values: Values = {
            "name": name,
            "part": part if part in ("html", "text", "headers") else usual,
            "has_html": html is not None,
            "text": text,
            "subject": header(message, "Subject") or "(no subject)",
            "facts": [fact for fact in facts if fact[1]],
            "headers": [(title, _raw_header(value)) for title, value in message.raw_items()],
            "attached": [part.get_filename() for part in message.walk() if is_attached(part)],
            "one_click": one_click.address_of(message, public_url=self._public_url),
            "answer": query.get("answer", "")[:40],
        }
        return self._render("mail.html", values)

    def _html(self, name: str) -> Answer:
        html = html_of(self._message(name))
        if html is None:
            raise Refused(404, "This mail has no HTML part.")
        return Answer(
            opened_elsewhere(html).encode("utf-8", "replace"),
            policy=_MAIL_CSP,
        )

    def _raw(self, name: str) -> Answer:
        disposition = ("Content-Disposition", f'attachment; filename="{name}.eml"')
        return Answer(
            self._read(name), content_type="application/octet-stream", extra=(disposition,)
        )

    # --- changing -----------------------------------------------------------------------

    def _change(self, steps: list[str]) -> Answer:
        match steps:
            case ["delete"]:
                self._mailbox.delete_all()
                return _see("/")
            case ["mail", name, "opt-out"]:
                return self._opt_out(name)
        raise Refused(404, "There is nothing to change at this address.")

    def _opt_out(self, name: str) -> Answer:
        try:
            status = one_click.post(self._message(name), public_url=self._public_url)
        except one_click.NotOffered:
            raise Refused(400, "This mail offers no one-click opt-out.") from None
        return _see(f"/mail/{name}?" + urlencode({"answer": str(status or "none")}))

    # --- parts --------------------------------------------------------------------------

    def _read(self, name: str) -> bytes:
        try:
            return self._mailbox.raw(name)
        except NoSuchMail:
            raise Refused(404, "There is no such mail: it was deleted, or pruned.") from None

    def _message(self, name: str) -> Any:
        return parse(self._read(name))

    def _render(self, template: str, values: Values, *, status: int = 200) -> Answer:
        # Without use_l10n=False the engine would ask for Django's settings; there are none here.
        context = Context(values, use_l10n=False, use_tz=False)
        return Answer(self._engine.get_template(template).render(context).encode(), status=status)


def _see(address: str) -> Answer:
    return Answer(b"", status=303, extra=(("Location", address),))


def _length(environ: WSGIEnvironment) -> int:
    text = environ.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isdecimal() else 0


def _page_number(text: str, count: int) -> int:
    last = max(1, -(-count // PER_PAGE))
    return min(last, max(1, int(text))) if text.isdecimal() and len(text) < 9 else 1


def _raw_header(value: Any) -> str:
    return " ".join(str(value).split())
