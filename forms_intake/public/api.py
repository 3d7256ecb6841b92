"""The JSON API of forms, for the company's own sites and servers."""

import logging
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from forms_intake.abuse import Remembered, count_challenge, count_post
from forms_intake.proof_of_work import check_proof, make_challenge
from forms_intake.public import openapi
from forms_intake.public.body import digest_of, incoming_of, is_trapped, read_body
from forms_intake.public.problems import MEDIA_TYPE, answer_of, not_found
from forms_intake.public.published import published_form
from forms_intake.public.refusals import (
    REFUSED,
    KeyMissing,
    KeyReused,
    OriginNotAllowed,
)
from forms_intake.submissions import KIND, api_envelope_id, validate
from privacy.services import IntakeClosed, drop_envelope, network_of

logger = logging.getLogger("forms_intake.public")
Document = dict[str, Any]
PREFLIGHT_SECONDS = 600
# What this process received lately: envelope id -> digest of the body.
_RECEIVED: Remembered[bytes] = Remembered()


class FormApiView(APIView):
    """What the addresses of one form share: the form, its origins, problems as RFC 9457 says."""

    document: Document | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.document = published_form(code=kwargs["code"])
        if self.document is None:
            raise Http404

    def perform_content_negotiation(
        self, request: Request, force: bool = False
    ) -> tuple[BaseRenderer, str]:
        """Everybody gets JSON, whatever they accept: there is nothing else."""
        renderer = self.renderer_classes[0]()
        return renderer, renderer.media_type

    @property
    def form(self) -> Document:
        if self.document is None:
            raise Http404
        return self.document

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, REFUSED):
            if isinstance(exc, IntakeClosed):
                logger.error("the API is closed: the intake cannot be reached")
            return answer_of(exc)
        if isinstance(exc, Http404):
            return not_found()
        response = super().handle_exception(exc)
        if response.status_code >= 400 and isinstance(response.data, dict):
            response.data = {
                "type": "about:blank",
                "title": response.status_text,
                "status": response.status_code,
                "detail": str(response.data.get("detail", "")),
            }
            response.content_type = MEDIA_TYPE
        return response

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        response["Vary"] = "Origin, Accept-Language"
        origin = request.headers.get("Origin", "")
        if self.document is not None and origin in self.document["origins"]:
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Expose-Headers"] = "Retry-After"
        return response

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        """The preflight of browsers; without the header of the origin they go no further."""
        headers = {
            "Access-Control-Allow-Methods": ", ".join(self.allowed_methods),
            "Access-Control-Allow-Headers": "Content-Type, Idempotency-Key, Accept-Language",
            "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
        }
        return Response(status=204, headers=headers)


class FormView(FormApiView):
    @extend_schema(**openapi.FORM)
    def get(self, request: Request, code: str) -> Response:
        return Response(openapi.public_form(self.form))


class ChallengeView(FormApiView):
    @extend_schema(**openapi.CHALLENGE)
    def get(self, request: Request, code: str) -> Response:
        if not self.form["has_proof_of_work"]:
            raise Http404
        now = datetime.now(UTC)
        count_challenge(network=network_of(request), now=now)
        return Response(make_challenge(form=code, now=now))


class SubmissionsView(FormApiView):
    @extend_schema(**openapi.SUBMIT)
    def post(self, request: Request, code: str) -> Response:
        now = datetime.now(UTC)
        _check_origin(request, self.form)
        count_post(form=code, network=network_of(request), now=now)
        number = api_envelope_id(form=code, key=_key(request))
        body = read_body(request)
        if not _is_repeated(number, body) and not is_trapped(body):
            self._keep(request, body, number, now)
            _RECEIVED.remember(str(number), digest_of(body))
        # Nothing in the answer depends on the address: this side could not look it up.
        return Response({"submission": str(number), "status": "received"}, status=202)

    def _keep(self, request: Request, body: Document, number: UUID, now: datetime) -> None:
        content = validate(document=self.form, incoming=incoming_of(body, request))
        if self.form["has_proof_of_work"]:
            check_proof(proof=body.get("altcha"), form=self.form["code"], now=now)
        drop_envelope(
            kind=KIND, context=self.form["code"], envelope_id=number, document=content, now=now
        )


def _check_origin(request: Request, document: Document) -> None:
    """A server sends no Origin; a browser's must be one that the form allows."""
    origin = request.headers.get("Origin")
    if origin is not None and origin not in {settings.PUBLIC_URL, *document["origins"]}:
        raise OriginNotAllowed(OriginNotAllowed.__doc__)


def _key(request: Request) -> UUID:
    try:
        # The draft of the IETF writes the value as a quoted string.
        return UUID(request.headers.get("Idempotency-Key", "").strip('"'))
    except ValueError:
        raise KeyMissing(KeyMissing.__doc__) from None


def _is_repeated(number: UUID, body: Document) -> bool:
    """Answer a retry as the first time; the envelope could not be read back to compare."""
    before = _RECEIVED.recall(str(number))
    if before is not None and before != digest_of(body):
        raise KeyReused(KeyReused.__doc__)
    return before is not None
