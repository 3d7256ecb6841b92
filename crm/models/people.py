"""Contacts, organisations, leads, tags, timeline, segments, and tickets of customer service."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from crm.models.accounts import Account


class Organisation(models.Model):
    """A company. Its name is in the vault: a sole trader's company name is a person's name.

    So are its account and card numbers, fax, address and notes: one document, under its own id.
    """

    id = models.UUIDField(primary_key=True)
    country = models.CharField(max_length=2, blank=True)
    # In clear: retention counts from it.
    contract_ends_on = models.DateField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-created_at", "-id"], name="organisation_newest")]


class NumberShown(models.Model):
    """Somebody saw account and card numbers of an organisation in full: who, when and why."""

    id = models.UUIDField(primary_key=True)
    organisation_id = models.UUIDField()
    account_id = models.UUIDField()
    shown_at = models.DateTimeField()
    reason = models.CharField(max_length=16)

    class Meta:
        indexes = [models.Index(fields=["organisation_id", "-shown_at"], name="numbershown_of_one")]


class NumberChange(models.Model):
    """Bank details of an organisation were changed: who, when, and which, by its last four.

    Only ever added to, and before the change itself.
    """

    id = models.UUIDField(primary_key=True)
    organisation_id = models.UUIDField()
    account_id = models.UUIDField()
    changed_at = models.DateTimeField()
    # iban_added, iban_forgotten, card_added, card_forgotten, bic_changed
    what = models.CharField(max_length=16)
    last_four = models.CharField(max_length=4, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["organisation_id", "-changed_at"], name="numberchange_of_one")
        ]


class Contact(models.Model):
    """The pseudonymous skeleton of a person: facets for segments; identity is in the vault."""

    id = models.UUIDField(primary_key=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    language = models.CharField(max_length=5)
    country = models.CharField(max_length=2, blank=True)
    # new, engaged, customer, former, unreachable
    status = models.CharField(max_length=16, default="new")
    source = models.CharField(max_length=64)
    is_professional = models.BooleanField(default=True)
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.SET_NULL)
    has_email = models.BooleanField()
    has_phone = models.BooleanField()
    # The person's own last act (a form, a click, a reply): an open is not an act.
    last_act_at = models.DateTimeField()
    restricted_at = models.DateTimeField(null=True)
    # The address bounced for good: nothing is sent until it is corrected.
    unreachable_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="contact_newest"),
            models.Index(fields=["last_act_at"], name="contact_last_act"),
        ]


class Tag(models.Model):
    slug = models.SlugField(primary_key=True, max_length=40)
    title = models.CharField(max_length=60)


class ContactTag(models.Model):
    pk = models.CompositePrimaryKey("contact_id", "tag_id")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE)
    tagged_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["tag", "contact"], name="contacttag_by_tag")]


class Lead(models.Model):
    """One arrival of a person through a form; its id is the submission's."""

    id = models.UUIDField(primary_key=True)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE)
    form_code = models.CharField(max_length=64)
    form_version = models.PositiveIntegerField()
    received_at = models.DateTimeField()
    # new, in_progress, answered, closed
    state = models.CharField(max_length=16, default="new")
    assigned_to = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL)
    has_message = models.BooleanField(default=False)
    # The contact's points, to sort by; 0 for whoever has none.
    score = models.SmallIntegerField(db_default=0)

    class Meta:
        indexes = [
            models.Index(fields=["-received_at", "-id"], name="lead_newest"),
            models.Index(fields=["state", "-received_at", "-id"], name="lead_by_state"),
            models.Index(fields=["-score", "-id"], name="lead_by_score"),
            models.Index(fields=["state", "-score", "-id"], name="lead_by_state_and_score"),
            models.Index(
                fields=["assigned_to", "state", "-received_at", "-id"], name="lead_of_account"
            ),
            models.Index(fields=["form_code", "contact"], name="lead_by_form"),
        ]


class TimelineEntry(models.Model):
    """What happened with a contact: kinds and ids, never words about the person."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE)
    at = models.DateTimeField()
    kind = models.CharField(max_length=32)
    reference = models.JSONField(default=dict)
    actor_id = models.UUIDField(null=True)

    class Meta:
        indexes = [models.Index(fields=["contact", "-at"], name="timeline_of_contact")]


class Segment(models.Model):
    """A saved rule tree over facets, tags, forms, dates and past campaigns."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    rules = models.JSONField()
    created_by = models.UUIDField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=Q(archived_at__isnull=True), name="segment_name"
            )
        ]


class ContactCampaign(models.Model):
    """A campaign a contact was sent: written by campaigns through the door, read by segments."""

    pk = models.CompositePrimaryKey("contact_id", "campaign_id")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE)
    campaign_id = models.UUIDField()
    sent_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["campaign_id", "contact"], name="contactcampaign_campaign"),
            # Written in the order of time, one per message sent: a summary of its blocks is enough
            # to ask for the last few days, and costs the sending next to nothing.
            BrinIndex(fields=["sent_at"], name="contactcampaign_sent"),
        ]


class ContactMerge(models.Model):
    """Two contacts were one person: which was kept, and who said so."""

    id = models.UUIDField(primary_key=True)
    kept_id = models.UUIDField(db_index=True)
    absorbed_id = models.UUIDField(unique=True)
    merged_at = models.DateTimeField()
    merged_by = models.UUIDField(null=True)


class SupportTicket(models.Model):
    """What customer service may see one person for, while it is open."""

    id = models.UUIDField(primary_key=True)
    # The number that the help desk gave it; its form leaves no room for words.
    reference = models.CharField(max_length=20)
    contact_id = models.UUIDField(null=True)
    opened_by = models.UUIDField()
    opened_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    # Nobody, if its time was over.
    closed_by = models.UUIDField(null=True)
    # Addresses that were typed: a ticket is no place to try them out.
    searches = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["-opened_at", "-id"], name="ticket_newest"),
            models.Index(fields=["opened_by", "-opened_at", "-id"], name="ticket_of_account"),
            models.Index(
                fields=["closes_at"], condition=Q(closed_at__isnull=True), name="ticket_open"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(reference__regex=r"^[A-Z]{0,8}-?[0-9]{1,8}$"),
                name="ticket_reference_is_a_number",
            ),
            models.CheckConstraint(
                condition=Q(closes_at__gt=models.F("opened_at")), name="ticket_ends"
            ),
        ]
