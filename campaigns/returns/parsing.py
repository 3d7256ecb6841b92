"""One message that came back: raw bytes in, what it is out. It asks nobody and keeps nothing.

The formal ways first: delivery reports (RFC 3464), complaints (RFC 5965), read receipts (RFC 8098),
automatic answers (RFC 3834). Then the reports of servers that have a form of their own, by
flufl.bounce and by their words. What remains and comes from a person is a reply; what nobody
recognises is `unknown` and waits for a person. It is never a bounce by default: a program that
takes a letter of complaint for a full mailbox loses the letter, and the mailbox later.
"""

import re
from dataclasses import dataclass, field
from email.message import Message

from flufl.bounce import all_failures

from campaigns.returns import judging, phrases
from campaigns.returns.kinds import Kind, Why
from campaigns.returns.reading import Letter, NotReadable, fields_of, read, text_of
from campaigns.returns.tokens import Reference, references_in

_CAMPAIGN = re.compile(r"(?im)^feedback-id:\s*([0-9a-f]{32}):")


@dataclass(frozen=True, slots=True)
class Return:
    """What came back. It has no address: whose message it is about, its references say."""

    kind: Kind
    why: Why = Why.NONE
    # The enhanced status code, or the reply code where there is no other.
    status: str = ""
    references: tuple[Reference, ...] = ()
    # The campaign of the message, in hexadecimal, as its Feedback-ID says; proves nothing.
    campaign: str = ""
    # Its own words ask for something: to hear no more, to be erased. A person has to read it.
    is_wish: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    kind: Kind
    why: Why = Why.NONE
    status: str = field(default="")


def parse(raw: bytes, *, recipients: tuple[str, ...] = ()) -> Return:
    """Return what a message is. Raises NotReadable, and nothing else.

    `recipients` are the addresses that it was delivered to: a return path among them says by
    itself which message it is about. Only the first 256 KiB are looked at.
    """
    letter = read(raw)
    found = _find(letter)
    texts = _raw_texts(letter)
    envelope = " ".join(recipients).encode("utf-8", "replace") + b" "
    return Return(
        found.kind,
        found.why,
        found.status,
        tuple(references_in(envelope, raw, *texts)),
        _campaign(raw, texts),
        found.kind in _IN_WORDS and _has_wish(letter),
    )


def _raw_texts(letter: Letter) -> list[bytes]:
    """The parts as they read once they are decoded: a token may be folded or in base64."""
    encoded = ("base64", "quoted-printable")
    return [
        text_of(part).encode("utf-8", "replace")
        for part in letter.parts
        if str(part.get("Content-Transfer-Encoding", "")).strip().lower() in encoded
    ]


def _campaign(raw: bytes, texts: list[bytes]) -> str:
    for text in (raw, *texts):
        if found := _CAMPAIGN.search(text.decode("latin-1")):
            return found[1]
    return ""


def _find(letter: Letter) -> _Found:
    # A "stop" comes before what its subject or its quotation look like: those are our own words.
    for look in (_complaint, _report, _receipt, _opt_out, _challenge, _auto_reply, _of_a_daemon):
        found = look(letter)
        if found is not None:
            return found
    return _Found(Kind.REPLY if _is_from_a_person(letter) else Kind.UNKNOWN)


# --- complaints ------------------------------------------------------------------------------


def _complaint(letter: Letter) -> _Found | None:
    """RFC 5965, and the form of its own that Microsoft's programme had before it."""
    part = letter.part("message/feedback-report")
    if part is not None:
        fields = {name: value for block in fields_of(part) for name, value in block.items()}
        kind = fields.get("feedback-type", "").strip().lower()
        if kind in ("abuse", "fraud", "virus", "other", "complaint"):
            return _Found(Kind.COMPLAINT)
        return _Found(Kind.OPT_OUT if kind.startswith("opt-out") else Kind.NOTICE)
    is_theirs = any("X-HmXmrOriginalRecipient" in part for part in letter.parts)
    subject = letter.header("Subject").lower()
    if is_theirs or subject.startswith("complaint about message from "):
        return _Found(Kind.COMPLAINT)
    return None


# --- reports ---------------------------------------------------------------------------------

_ACTIONS = {"delivered": Kind.DELIVERED, "relayed": Kind.NOTICE, "expanded": Kind.NOTICE}


def _report(letter: Letter) -> _Found | None:
    """RFC 3464. One message of ours has one recipient, so the first that failed speaks for all."""
    part = letter.part("message/delivery-status") or letter.part("message/global-delivery-status")
    if part is None:
        return None
    blocks = [block for block in fields_of(part) if "action" in block]
    order = {"failed": 0, "delayed": 1}
    blocks.sort(key=lambda block: order.get(_action(block), 2))
    if not blocks:
        return None
    return _judged(blocks[0], letter.text)


def _action(block: dict[str, str]) -> str:
    words = block.get("action", "").lower().split()
    return words[0].strip(";()") if words else ""


def _judged(block: dict[str, str], text: str) -> _Found | None:
    diagnostic = block.get("diagnostic-code", "")
    status = judging.status_in(block.get("status", "")) or judging.status_in(diagnostic)
    # A service says 5.0.0 or 5.5.0 in the field and the real code in its words.
    inner = judging.status_in(diagnostic)
    if status in ("", "5.0.0", "5.5.0", "4.0.0") and inner.count(".") == 2:
        status = inner
    action = _action(block)
    words = diagnostic if len(diagnostic) > 12 else f"{diagnostic} {text}"
    if action == "failed":
        kind, why = judging.failed(status, words)
        if why == Why.OTHER:
            kind, why = judging.failed(status, text)
        return _Found(kind, why, status)
    if action == "delayed":
        return _Found(Kind.DELAYED, judging.why_of(status, words), status)
    if action in _ACTIONS:
        return _Found(_ACTIONS[action], status=status)
    return None


def _receipt(letter: Letter) -> _Found | None:
    """RFC 8098: it was read, or deleted unread. That is measured with consent only: not kept."""
    kind = letter.message.get_param("report-type")
    is_receipt = str(kind or "").lower() == "disposition-notification"
    if is_receipt or letter.part("message/disposition-notification") is not None:
        return _Found(Kind.NOTICE)
    return None


# --- machines that answer --------------------------------------------------------------------


def _challenge(letter: Letter) -> _Found | None:
    """By its own words: what it quotes, and the subject of an answer, are ours."""
    if any(name in letter.message for name in _PROOF_WANTED):
        return _Found(Kind.CHALLENGE)
    own = phrases.without_quotes(letter.text)[:4_000]
    words = f"{letter.header('From')}\n{_own_subject(letter)}\n{own}"
    if phrases.CHALLENGE.search(words) and not _is_daemon(letter):
        return _Found(Kind.CHALLENGE)
    return None


_PROOF_WANTED = ("X-Mailinblack-Id", "X-Boxbe-Challenge")
_ANSWERS = (
    "X-Autoreply",
    "X-Autorespond",
    "X-Autoresponder",
    "X-Autogenerated",
    "X-AutoReply-From",
)


def _auto_reply(letter: Letter) -> _Found | None:
    """RFC 3834 and its forerunners. X-Auto-Response-Suppress is none: people's mail has it too."""
    if _is_daemon(letter):
        return None
    precedence = {letter.header(n).lower() for n in ("Precedence", "X-Precedence")}
    if _says_it_is_automatic(letter) or precedence & {"auto_reply", "bulk", "junk", "list"}:
        return _Found(Kind.AUTO_REPLY)
    # RFC 3834 3.3: an answer of a machine has no return path. "Re:" of our own subject says
    # nothing of who wrote it.
    has_none = letter.header("Return-Path") == "<>"
    subject = letter.header("Subject") if has_none else _own_subject(letter)
    return _Found(Kind.AUTO_REPLY) if phrases.ABSENT.search(subject) else None


def _says_it_is_automatic(letter: Letter) -> bool:
    submitted = letter.header("Auto-Submitted").lower()
    return (bool(submitted) and not submitted.startswith("no")) or any(
        name in letter.message for name in _ANSWERS
    )


def _own_subject(letter: Letter) -> str:
    """The subject, unless it is the one of a message that was answered."""
    subject = letter.header("Subject")
    return "" if phrases.ANSWER.match(subject) else subject


def _is_daemon(letter: Letter) -> bool:
    """Whether it comes from a mail server: by the empty return path, or by its name."""
    if letter.header("Return-Path") == "<>":
        return not phrases.ABSENT.search(letter.header("Subject")) and (
            bool(phrases.DAEMON.search(letter.header("From")))
            or bool(phrases.UNDELIVERED.search(letter.header("Subject")))
        )
    return bool(phrases.DAEMON.search(letter.header("From")))


def _of_a_daemon(letter: Letter) -> _Found | None:
    """A report in a form of its own: by flufl.bounce, or by its words."""
    if not _is_daemon(letter):
        return None
    text = f"{letter.header('Subject')}\n{letter.text}"
    status = judging.status_in(letter.text)
    temporary, permanent = _by_form(letter.message)
    if phrases.NOT_YET.search(text) or (temporary and not permanent):
        return _Found(Kind.DELAYED, judging.why_of(status, text), status)
    kind, why = judging.failed(status, letter.text)
    if why != Why.OTHER and (permanent or phrases.UNDELIVERED.search(text)):
        return _Found(kind, why, status)
    if permanent or (status.startswith("5") and phrases.UNDELIVERED.search(text)):
        return _Found(Kind.SOFT_BOUNCE, Why.OTHER, status)
    return _Found(Kind.UNKNOWN, status=status)


def _by_form(message: Message) -> tuple[bool, bool]:
    """Whether flufl.bounce sees a temporary and a permanent failure."""
    try:
        temporary, permanent = all_failures(message)
    except Exception as error:
        # Its detectors read what they expect to find; anything else may come out of them.
        raise NotReadable(type(error).__name__) from None
    return bool(temporary), bool(permanent)


# --- people ----------------------------------------------------------------------------------


def _opt_out(letter: Letter) -> _Found | None:
    """A few words that say no and nothing else: as the subject, or as the whole answer.

    Not of a machine that says that it is one: what it repeats need not be its owner's wish.
    """
    is_machine = _says_it_is_automatic(letter) or any(n in letter.message for n in _PROOF_WANTED)
    if is_machine or _is_daemon(letter):
        return None
    own = phrases.without_quotes(letter.text)
    subject = phrases.bare(letter.header("Subject"))
    if subject in phrases.NO or (len(own) <= 60 and phrases.bare(own) in phrases.NO):
        return _Found(Kind.OPT_OUT)
    return None


# A machine's answer among them: it may be a person's, and its look an accident.
_IN_WORDS = (Kind.REPLY, Kind.AUTO_REPLY, Kind.CHALLENGE, Kind.UNKNOWN)


def _has_wish(letter: Letter) -> bool:
    """Whether somebody's own words, or a subject of their own, ask to be left alone or erased."""
    words = f"{_own_subject(letter)}\n{phrases.without_quotes(letter.text)}"
    return not _is_daemon(letter) and phrases.has_wish(words)


def _is_from_a_person(letter: Letter) -> bool:
    """An answer to something, written by somebody: nothing else counts as a person's act."""
    if not letter.header("From") or _is_daemon(letter):
        return False
    answers = letter.header("In-Reply-To") or letter.header("References")
    is_answer = bool(answers) or bool(phrases.ANSWER.match(letter.header("Subject")))
    is_forward = bool(phrases.FORWARD.match(letter.header("Subject")))
    return is_answer and not is_forward and bool(phrases.without_quotes(letter.text).strip())


__all__ = ["NotReadable", "Return", "parse"]
