"""The closed lists that a purpose is described with: terms of DPV, in words for people.

DPV 2 (w3id.org/dpv) has hundreds of terms; these are the ones that a company which answers,
informs and advertises needs. Nothing sensitive (GDPR 9) is among the data: none of it is kept.
"""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from consent.models import Channel

DPV = "https://w3id.org/dpv#"
PD = "https://w3id.org/dpv/pd#"

PURPOSE_TERMS: Mapping[str, Promise] = {
    f"{DPV}RequestedServiceProvision": _("Do what the person asked for"),
    f"{DPV}ServiceProvision": _("Provide a service"),
    f"{DPV}EstablishContractualAgreement": _("Prepare a contract"),
    f"{DPV}AccountManagement": _("Manage accounts"),
    f"{DPV}CustomerRelationshipManagement": _("Look after the relation with customers"),
    f"{DPV}CustomerCare": _("Help customers"),
    f"{DPV}CommunicationForCustomerCare": _("Write to customers about their service"),
    f"{DPV}Marketing": _("Marketing in general"),
    f"{DPV}DirectMarketing": _("Direct marketing"),
    f"{DPV}Advertising": _("Advertising"),
    f"{DPV}PersonalisedAdvertising": _("Personalised advertising"),
    f"{DPV}TargetedAdvertising": _("Targeted advertising"),
    f"{DPV}PublicRelations": _("Public relations"),
    f"{DPV}Personalisation": _("Personalisation"),
    f"{DPV}ServicePersonalisation": _("Personalisation of a service"),
    f"{DPV}ProvideEventRecommendations": _("Suggest events"),
    f"{DPV}ProvideProductRecommendations": _("Suggest products"),
    f"{DPV}ServiceUsageAnalytics": _("Measure how a service is used"),
    f"{DPV}ImproveExistingProductsAndServices": _("Improve products and services"),
}
DATA_TERMS: Mapping[str, Promise] = {
    f"{PD}Name": _("Name"),
    f"{PD}EmailAddress": _("E-mail address"),
    f"{PD}EmailAddressWork": _("E-mail address at work"),
    f"{PD}TelephoneNumber": _("Telephone number"),
    f"{PD}PhysicalAddress": _("Postal address"),
    f"{PD}PostalCode": _("Postcode"),
    f"{PD}Country": _("Country"),
    f"{PD}Language": _("Language"),
    f"{PD}Job": pgettext_lazy("personal data", "Job"),
    f"{PD}Professional": _("Professional life"),
    f"{PD}Interest": _("Interests"),
    f"{PD}Preference": _("Preferences"),
    f"{PD}Communication": _("What was written to us"),
    f"{PD}LinkClicked": _("Links followed"),
}
# Without one of these, nobody can be reached over the channel.
DATA_OF_CHANNEL: Mapping[str, frozenset[str]] = {
    Channel.EMAIL: frozenset({f"{PD}EmailAddress", f"{PD}EmailAddressWork"}),
    Channel.PHONE: frozenset({f"{PD}TelephoneNumber"}),
    Channel.SMS: frozenset({f"{PD}TelephoneNumber"}),
    Channel.POST: frozenset({f"{PD}PhysicalAddress"}),
}
