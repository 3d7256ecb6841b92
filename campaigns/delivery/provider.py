"""A relay that is a provider's web API: one request per message, behind the same gate."""

import time

from campaigns.delivery import outcomes as means
from campaigns.delivery.carrier import Carrier, Step
from campaigns.delivery.preparing import Prepared
from campaigns.delivery.statements import Outcome
from campaigns.providers.addresses import ProviderAddress
from campaigns.providers.session import ProviderSession
from campaigns.smtp.outcomes import Accepted, HandOverInDoubt, RelayUnavailable

# Kept connections are closed by the other side after a while; a request on a dead one is doubt.
_IDLE_SECONDS = 4.0


class Provider(Carrier):
    """The connection to a provider of one task."""

    def __init__(self, address: ProviderAddress) -> None:
        super().__init__()
        self.backend = address.backend
        self._address = address
        self._session: ProviderSession | None = None

    def leave(self) -> None:
        self.is_proven = False
        if self._session is not None:
            self._session.leave()
            self._session = None

    def connect(self) -> ProviderSession:
        """Return a connection that is not old. Raises RelayUnavailable."""
        if self._session is not None and time.monotonic() - self.used_at > _IDLE_SECONDS:
            self._session.leave()
            self._session = None
        if self._session is None:
            self._session = ProviderSession(self._address)
        self.used_at = time.monotonic()
        return self._session

    def reach(self) -> None:
        self.connect()

    def step(self) -> "_Request":
        return _Request(self)


class _Request(Step):
    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._session: ProviderSession

    def drop_envelope(self) -> None:
        """A request is a whole message: nothing is begun before its turn."""

    def begin(self, current: Prepared) -> Outcome | None:
        self._session = self._provider.connect()
        return None

    def finish(self, current: Prepared, following: Prepared | None) -> Outcome:
        claimed, backend = current.claimed, self._provider.backend
        try:
            answer = self._session.send(current.message, return_path=current.mail_from)
        except HandOverInDoubt:
            self._provider.leave()
            return means.in_doubt(claimed)
        except RelayUnavailable:
            self._provider.leave()
            raise
        if isinstance(answer, Accepted):
            return means.taken_by_provider(claimed, backend=backend, message_id=answer.queue_id)
        if answer.stage == "data":
            return means.refused_by_provider(claimed, f"{answer.code}")
        return means.refused(claimed, answer)
