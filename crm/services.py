"""The door of crm. Other floors import from here and from nowhere else in `crm`."""

from crm.access import account_of, api_page, staff_page, token_of
from crm.accounts.register import NewAccount, UsernameTaken, create_account, new_password
from crm.accounts.sign_ins import forget_sign_ins
from crm.accounts.tokens import seconds_to_wait
from crm.approval_kinds import ApprovalKind, Facts, Reference, register_approval_kind
from crm.approving import AboutYou, ApprovalUnknown, NotForYou
from crm.approving import decide as decide_approval
from crm.bell import accounts_in, notify, register_notice_kind
from crm.contact_panels import register_contact_panel
from crm.contacts import NotATag
from crm.exports.making import work_on_exports
from crm.free_text import FreeTextField
from crm.happenings import register_listener, register_mover
from crm.imports.running import work_on_imports
from crm.keyset import page_after, read_cursor
from crm.knowing import known_contact
from crm.lead_slots import LeadMessage, register_lead_action, register_lead_messages
from crm.leads import NotAContact, lead_answered, lead_contact, require_contact
from crm.merging import NotMergeable, absorbed_ids, kept_ids, merge_contacts, settle_merges
from crm.models import Account, Role
from crm.officer.notice_use import NoticeUse, register_notice_uses
from crm.officer.uses import PurposeUse, register_purpose_uses
from crm.pages.labels import BASES, LEDGER_STATES, METHODS
from crm.people import Person, Profile, profiles
from crm.picking import find_people, person_of, restricted_ids
from crm.problems import problem
from crm.reaching import last_signs, mark_reachable, note_reply
from crm.reception import Facets, receive_lead, receive_many
from crm.reminders import ring_reminders
from crm.scoring.reckoning import reckon_every_score
from crm.search.asking import NotASearch, SearchDown
from crm.segments.choices import STATUS_NAMES, Choice, choices_of, register_choices
from crm.segments.compile import membership
from crm.segments.facts import CAMPAIGN as CAMPAIGN_NUMBER
from crm.segments.facts import Fact, Kind, register_fact
from crm.segments.rules import InvalidRules
from crm.segments.store import (
    NameTaken,
    SegmentSummary,
    SegmentUnknown,
    archive_segment,
    change_segment,
    create_segment,
    opened_segment_rules,
    restore_segment,
    segment_rules,
    segments,
)
from crm.segments.uses import SegmentUse, register_segment_uses
from crm.segments.waterfall import Waterfall, WaterfallStep, count_members, waterfall
from crm.shell import (
    CardValue,
    ListRow,
    register_card,
    register_first_step,
    register_home_list,
    register_menu,
)
from crm.spreadsheets import as_text
from crm.support.tickets import close_overdue_tickets
from crm.system import Figure, register_figures
from crm.tagging import make_tag, tag_many, untag_many
from crm.timeline import add_timeline, mark_unreachable, record_sent, register_proof_link
from crm.traits import Traits, organisation_names, traits
from crm.webhooks.endpoints import forget_what_was_told
from crm.webhooks.publishing import (
    KindUnknown,
    publish_event,
    publish_events,
    register_event_kind,
)
from crm.webhooks.working import call_webhooks

__all__ = [
    "BASES",
    "CAMPAIGN_NUMBER",
    "LEDGER_STATES",
    "METHODS",
    "STATUS_NAMES",
    "AboutYou",
    "Account",
    "ApprovalKind",
    "ApprovalUnknown",
    "CardValue",
    "Choice",
    "Facets",
    "Fact",
    "Facts",
    "Figure",
    "FreeTextField",
    "InvalidRules",
    "Kind",
    "KindUnknown",
    "LeadMessage",
    "ListRow",
    "NameTaken",
    "NewAccount",
    "NotAContact",
    "NotASearch",
    "NotATag",
    "NotForYou",
    "NotMergeable",
    "NoticeUse",
    "Person",
    "Profile",
    "PurposeUse",
    "Reference",
    "Role",
    "SearchDown",
    "SegmentSummary",
    "SegmentUnknown",
    "SegmentUse",
    "Traits",
    "UsernameTaken",
    "Waterfall",
    "WaterfallStep",
    "absorbed_ids",
    "account_of",
    "accounts_in",
    "add_timeline",
    "api_page",
    "archive_segment",
    "as_text",
    "call_webhooks",
    "change_segment",
    "choices_of",
    "close_overdue_tickets",
    "count_members",
    "create_account",
    "create_segment",
    "decide_approval",
    "find_people",
    "forget_sign_ins",
    "forget_what_was_told",
    "kept_ids",
    "known_contact",
    "last_signs",
    "lead_answered",
    "lead_contact",
    "make_tag",
    "mark_reachable",
    "mark_unreachable",
    "membership",
    "merge_contacts",
    "new_password",
    "note_reply",
    "notify",
    "opened_segment_rules",
    "organisation_names",
    "page_after",
    "person_of",
    "problem",
    "profiles",
    "publish_event",
    "publish_events",
    "read_cursor",
    "receive_lead",
    "receive_many",
    "reckon_every_score",
    "record_sent",
    "register_approval_kind",
    "register_card",
    "register_choices",
    "register_contact_panel",
    "register_event_kind",
    "register_fact",
    "register_figures",
    "register_first_step",
    "register_home_list",
    "register_lead_action",
    "register_lead_messages",
    "register_listener",
    "register_menu",
    "register_mover",
    "register_notice_kind",
    "register_notice_uses",
    "register_proof_link",
    "register_purpose_uses",
    "register_segment_uses",
    "require_contact",
    "restore_segment",
    "restricted_ids",
    "ring_reminders",
    "seconds_to_wait",
    "segment_rules",
    "segments",
    "settle_merges",
    "staff_page",
    "tag_many",
    "token_of",
    "traits",
    "untag_many",
    "waterfall",
    "work_on_exports",
    "work_on_imports",
]
