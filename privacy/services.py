"""The door of the privacy core."""

from privacy.models import IntakeModel, RetentionClass, TokenKind, VaultModel

__all__ = ["IntakeModel", "RetentionClass", "TokenKind", "VaultModel"]
