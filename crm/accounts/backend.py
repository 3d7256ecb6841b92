"""Which accounts may sign in and stay: the open ones, until their last day."""

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from crm.models import Account


class StaffBackend(ModelBackend):
    """Asked at the sign-in and by every request of a session: a leaver's ends with the next one."""

    def user_can_authenticate(self, user: Account | AnonymousUser | None) -> bool:
        return isinstance(user, Account) and user.is_of_staff_on(timezone.localdate())
