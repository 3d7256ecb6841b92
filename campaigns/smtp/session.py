"""Handing one message after another to a relay, and knowing each time who holds it.

The hand-over is in two steps so that the caller can commit its intent between the relay's 354
and the body: ``open_message`` stops after 354, ``send_body`` writes the body and the final dot.

What a lost connection means:

* before the final dot was written: the relay cannot have taken the message (``ConnectionLost``);
* after it, before the reply: nobody can tell (``HandOverInDoubt``), RFC 1047;
* a 4xx or 5xx reply to the dot: definitely not taken (``Refused``).

PIPELINING (RFC 2920) sends MAIL, RCPT and DATA in one write; a relay that does not offer it gets
them one by one. ``send_body_then_open`` also puts the next envelope behind the dot: RFC 2920 3.1
allows message content as the first "command" of a group. Replies come in order, so the outcome
of message N is known before anything about N+1, and N+1 still waits at its own 354.
"""

import re
import smtplib
import socket
import ssl
from types import TracebackType

from campaigns.smtp.addresses import RelayAddress, needs_smtputf8, wire_address
from campaigns.smtp.outcomes import (
    Accepted,
    Closed,
    ConnectionLost,
    HandOver,
    HandOverInDoubt,
    Ready,
    Refused,
    RelayUnavailable,
    Stage,
    UnsafeBody,
)

_ADDRESS = re.compile(r"[^\s<>\"(,;:]+@[^\s<>\"),;:]+")
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")
_QUEUE_IDS = (  # Postfix, Exim, Amazon SES
    re.compile(r"queued as <?([\w.+-]{4,80})", re.I),
    re.compile(r"\bid=([\w.+-]{4,80})", re.I),
    re.compile(r"^(?:2\.\d\.\d )?Ok:? ([\w.+-]{12,80})$", re.I),
)
_DOT = b".\r\n"
_STAGES: dict[bytes, Stage] = {
    b"RSET": "session",
    b"MAIL": "mail",
    b"RCPT": "recipient",
    b"DATA": "data",
}


def wire_body(message: bytes, *, eight_bit: bool = False) -> bytes:
    """Dot-stuffed, with the final dot. Raises UnsafeBody: a bare CR or LF lets a relay that is
    lenient about line ends see a second message inside the first (SMTP smuggling)."""
    lines = message.count(b"\r\n")
    if message.count(b"\n") != lines or message.count(b"\r") != lines or b"\0" in message:
        raise UnsafeBody("Every line must end in CR LF, and NUL is not allowed.")
    if not eight_bit and not message.isascii():
        raise UnsafeBody("The message has 8-bit bytes; open it with eight_bit=True.")
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return stuffed if stuffed.endswith(b"\r\n") or not stuffed else stuffed + b"\r\n"


class RelaySession(smtplib.SMTP):
    """One connection to one relay. Not for several threads."""

    def __init__(self, address: RelayAddress) -> None:
        """Connects, encrypts and authenticates. Raises RelayUnavailable."""
        self._address = address
        self._tls = _tls_context(address)
        self._must_reset = False
        self._open = False
        # Between a write and the last of its replies. If a signal (a task's time limit) ends
        # the step in between, the next reply would be taken for another message's.
        self._in_step = False
        self._eight_bit = False
        try:
            super().__init__(
                address.host,
                address.port,
                local_hostname=address.ehlo_name or _own_name(),
                timeout=address.timeout_seconds,
            )
            self._greet()
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise RelayUnavailable(_reason(error)) from None

    # --- the session ---------------------------------------------------------------------------

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = socket.create_connection((host, port), timeout)
        # Small commands must not wait for the acknowledgement of the body before them.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._address.security == "tls":
            return self._tls.wrap_socket(connection, server_hostname=host)
        return connection

    def _greet(self) -> None:
        self.ehlo_or_helo_if_needed()
        wants = self._address.security
        if wants == "starttls" or (wants == "opportunistic" and self.has_extn("starttls")):
            # smtplib throws away what was buffered before the handshake, so nothing that was
            # injected in clear is read as a reply under TLS.
            self.starttls(context=self._tls)
            self.ehlo()
        if self._address.username:
            self.login(self._address.username, self._address.password)

    @property
    def pipelines(self) -> bool:
        return self.has_extn("pipelining")

    @property
    def is_usable(self) -> bool:
        return self.sock is not None and not self._open and not self._in_step

    def set_debuglevel(self, debuglevel: object) -> None:
        raise NotImplementedError("A wire trace would print addresses.")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """Says QUIT if no message is open, and closes. Never raises; safe to call twice."""
        try:
            if self.is_usable:
                self.docmd("QUIT")
        except (OSError, smtplib.SMTPException):
            self.close()
        self.close()

    def close(self) -> None:
        self._open = self._in_step = False
        super().close()

    # --- one message ---------------------------------------------------------------------------

    def open_message(
        self, mail_from: str, rcpt_to: str, *, eight_bit: bool = False
    ) -> Ready | Refused:
        """Stops after 354. An empty ``mail_from`` is the null sender.

        Raises ConnectionLost (not accepted) and BadAddress (nothing was sent).
        """
        commands = self._envelope(mail_from, rcpt_to, eight_bit=eight_bit)
        if isinstance(commands, Refused):
            return commands
        if not self.is_usable:
            self.close()
            raise ConnectionLost("The session is closed or in the middle of a message.")
        self._in_step = True
        try:
            if self.pipelines:
                self.send(b"".join(commands))
                return self._envelope_replies(commands)
            return self._one_by_one(commands)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise ConnectionLost(_reason(error)) from None

    def send_body(self, message: bytes) -> Accepted | Refused:
        """Writes the body and the dot, and waits for the reply.

        Raises UnsafeBody (the connection was closed, nothing was written), ConnectionLost (not
        accepted) or HandOverInDoubt.
        """
        self._write_body(message, b"")
        return self._final_reply()

    def send_body_then_open(
        self, message: bytes, mail_from: str, rcpt_to: str, *, eight_bit: bool = False
    ) -> HandOver:
        """``send_body`` and the next ``open_message`` in one round trip.

        Raises what ``send_body`` raises; then the next message was not accepted either.
        """
        if not self.pipelines:
            outcome = self.send_body(message)
            return HandOver(outcome, self._open_or_closed(mail_from, rcpt_to, eight_bit))
        declared = self._eight_bit
        commands = self._envelope(mail_from, rcpt_to, eight_bit=eight_bit)
        if isinstance(commands, Refused):
            return HandOver(self.send_body(message), commands)
        self._eight_bit, following = declared, self._eight_bit
        self._write_body(message, b"".join(commands))
        self._eight_bit = following
        outcome = self._final_reply()
        return HandOver(outcome, self._following(commands))

    def abandon(self) -> None:
        """Closes without the body. After 354 there is no other way to take a message back."""
        self.close()

    # --- inside --------------------------------------------------------------------------------

    def _envelope(self, mail_from: str, rcpt_to: str, *, eight_bit: bool) -> list[bytes] | Refused:
        sender = wire_address(mail_from) if mail_from else ""
        recipient = wire_address(rcpt_to)
        unicode_needed = needs_smtputf8(sender) or needs_smtputf8(recipient)
        if unicode_needed and not self.has_extn("smtputf8"):
            text = "The relay does not offer SMTPUTF8."
            return Refused(553, "5.6.7", text, permanent=True, stage="session")
        self._eight_bit = (eight_bit or unicode_needed) and self.has_extn("8bitmime")
        options = " BODY=8BITMIME" if self._eight_bit else ""
        options += " SMTPUTF8" if unicode_needed else ""
        reset = [b"RSET\r\n"] if self._must_reset else []
        return [
            *reset,
            f"MAIL FROM:<{sender}>{options}\r\n".encode(),
            f"RCPT TO:<{recipient}>\r\n".encode(),
            b"DATA\r\n",
        ]

    def _one_by_one(self, commands: list[bytes]) -> Ready | Refused:
        for command in commands:
            self.send(command)
            code, text = self._reply()
            if refused := self._refusal(command, code, text):
                self._in_step = False
                return refused
        return self._opened()

    def _envelope_replies(self, commands: list[bytes]) -> Ready | Refused:
        """Reads every reply of the group; the first refusal is the answer."""
        refused: Refused | None = None
        code = 0
        for command in commands:
            code, text = self._reply()
            refused = refused or self._refusal(command, code, text)
            if code == 421:
                break
        if refused is None:
            return self._opened()
        if code == 354:
            self._end_empty_message()
        self._in_step = False
        return refused

    def _opened(self) -> Ready:
        self._must_reset = self._in_step = False
        self._open = True
        return Ready()

    def _end_empty_message(self) -> None:
        # RFC 2920 3.1: a relay may say 354 although it took no recipient. A message to nobody
        # is ended by a lone dot, which it must refuse.
        self.send(_DOT)
        self._reply()

    def _refusal(self, command: bytes, code: int, text: str) -> Refused | None:
        if code == (354 if command == b"DATA\r\n" else 250):
            return None
        if command.startswith(b"RCPT") and code == 251:
            return None
        self._must_reset = True
        return self._refused(code, text, _STAGES[command[:4]])

    def _refused(self, code: int, text: str, stage: Stage) -> Refused:
        if code == 421 or code < 400:  # closing, or not speaking SMTP: this session is over
            self.close()
        found = _ENHANCED.match(text)
        return Refused(
            code=code,
            enhanced=found[0] if found else "",
            text=text[found.end() :].strip() if found else text,
            permanent=code >= 500,
            stage=stage,
        )

    def _reply(self) -> tuple[int, str]:
        code, text = self.getreply()
        if code < 0:
            raise smtplib.SMTPServerDisconnected("The relay's reply was not SMTP.")
        return code, _masked(text)

    def _write_body(self, message: bytes, behind: bytes) -> None:
        connection = self.sock
        if not self._open or connection is None:
            raise ConnectionLost("No message is open.")
        body = self._checked_body(message)
        self._open, self._in_step = False, True
        # In clear and with nothing behind it one write will do: if it fails, its last bytes,
        # the dot, never left this machine. Otherwise a failed write may have sent the dot (a
        # whole TLS record, or the dot without what is behind it): so the dot has its own.
        alone = self._address.security == "none" and not behind
        try:
            connection.sendall(body + _DOT if alone else body)
        except OSError as error:
            self.close()
            raise ConnectionLost(_reason(error)) from None
        if not alone:
            self._write_dot(connection, behind)

    def _write_dot(self, connection: socket.socket, behind: bytes) -> None:
        try:
            connection.sendall(_DOT + behind)
        except OSError as error:
            self.close()
            raise HandOverInDoubt(_reason(error)) from None

    def _checked_body(self, message: bytes) -> bytes:
        try:
            return wire_body(message, eight_bit=self._eight_bit)
        except UnsafeBody:
            self.close()
            raise

    def _final_reply(self) -> Accepted | Refused:
        try:
            if self.sock is not None:
                self.sock.settimeout(self._address.final_timeout_seconds)
            code, text = self._reply()
            if self.sock is not None:
                self.sock.settimeout(self._address.timeout_seconds)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise HandOverInDoubt(_reason(error)) from None
        self._in_step = False
        if 200 <= code < 300:
            return Accepted(queue_id=_queue_id(text), reply=text)
        if code < 400:
            self.close()
            raise HandOverInDoubt("The reply to the final dot made no sense.")
        return self._refused(code, text, "body")

    def _following(self, commands: list[bytes]) -> Ready | Refused | Closed:
        if self.sock is None:
            return Closed()
        self._in_step = True
        try:
            return self._envelope_replies(commands)
        except (OSError, smtplib.SMTPException):
            self.close()
            return Closed()

    def _open_or_closed(
        self, mail_from: str, rcpt_to: str, eight_bit: bool
    ) -> Ready | Refused | Closed:
        try:
            return self.open_message(mail_from, rcpt_to, eight_bit=eight_bit)
        except ConnectionLost:
            return Closed()


def _queue_id(text: str) -> str:
    found = next(filter(None, (shape.search(text) for shape in _QUEUE_IDS)), None)
    return found[1] if found else ""


def _own_name() -> str:
    # Not socket.getfqdn(): it asks the DNS, which can take seconds for a name we do not need.
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _tls_context(address: RelayAddress) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=address.ca_file or None)
    if not address.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _masked(text: bytes) -> str:
    """A relay likes to repeat the recipient in its refusals; our records must not."""
    return _ADDRESS.sub("[address]", text.decode("utf-8", "replace"))[:500]


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        raw = text if isinstance(text, bytes) else str(text).encode()
        return f"{error.smtp_code} {_masked(raw)}"
    if isinstance(error, TimeoutError):
        return "The relay did not answer in time."
    return type(error).__name__
