"""A real relay (aiosmtpd) that misbehaves on demand."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from campaigns.smtp.addresses import RelayAddress

DROP = "drop"


@dataclass
class Script:
    """What the relay answers instead of yes: one text per stage, or DROP to hang up."""

    mail: str = ""
    rcpt: str = ""
    data: str = ""
    dot: str = ""
    silent_dot: bool = False
    features: tuple[str, ...] = ("PIPELINING",)
    bodies: list[bytes] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    options: list[list[str]] = field(default_factory=list)

    @classmethod
    def answering(
        cls, stage: str, answer: str, features: tuple[str, ...] = ("PIPELINING",)
    ) -> "Script":
        script = cls(features=features)
        setattr(script, stage, answer)
        return script


def hang_up(server: SMTP) -> None:
    assert isinstance(server.transport, asyncio.WriteTransport)
    server.transport.abort()


class Handler:
    def __init__(self, script: Script) -> None:
        self.script = script

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: Any
    ) -> Any:
        session.host_name = hostname
        extra = [f"250-{feature}" for feature in self.script.features]
        return [*responses[:-1], *extra, responses[-1]]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.script.options.append(options)
        if answer := self._answer(server, self.script.mail):
            return answer
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := self._answer(server, self.script.rcpt):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.script.silent_dot:
            await asyncio.Event().wait()
        if answer := self._answer(server, self.script.dot):
            return answer
        assert isinstance(envelope.original_content, bytes)
        self.script.bodies.append(envelope.original_content)
        self.script.senders.append(str(envelope.mail_from))
        return f"250 2.0.0 Ok: queued as Q{len(self.script.bodies):05d}"

    def _answer(self, server: SMTP, answer: str) -> str:
        if answer != DROP:
            return answer
        hang_up(server)
        return "421 never seen"


class ScriptedSMTP(SMTP):
    """Adds what hooks cannot do: answers to DATA itself, and silence about addresses."""

    script: Script

    async def smtp_DATA(self, arg: str | None) -> None:
        if self.script.data == DROP:
            await self.push("354 go")
            hang_up(self)
        elif self.script.data:
            await self.push(self.script.data)
        else:
            await super().smtp_DATA(arg)


class ScriptedController(Controller):
    def __init__(self, script: Script, **options: Any) -> None:
        self._script = script
        super().__init__(Handler(script), hostname="127.0.0.1", port=0, **options)

    def factory(self) -> SMTP:
        smtp = ScriptedSMTP(self.handler, **self.SMTP_kwargs)
        smtp.script = self._script
        return smtp

    def _trigger_server(self) -> None:
        """The system chose the port: tell the base class before it pokes it."""
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd has half its types


@contextmanager
def relay(
    script: Script,
    *,
    tls: ssl.SSLContext | None = None,
    authenticator: Callable[..., AuthResult] | None = None,
    smtputf8: bool = True,
) -> Iterator[RelayAddress]:
    controller = ScriptedController(
        script,
        enable_SMTPUTF8=smtputf8,
        tls_context=tls,
        authenticator=authenticator,
        auth_require_tls=tls is not None,
        data_size_limit=50_000_000,
    )
    controller.start()
    try:
        yield RelayAddress(
            host="127.0.0.1",
            port=controller.port,
            security="none",
            timeout_seconds=5,
            final_timeout_seconds=5,
        )
    finally:
        controller.stop()
