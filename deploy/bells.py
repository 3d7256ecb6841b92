"""What beat rings, and how often."""

# Seconds between two rings. A bell that was not answered by the next ring is worth nothing: it
# expires, so that a worker that was away does not answer the same bell a thousand times.
SWEEPS = {
    "privacy.refresh_sealing_key": 3600,
    "privacy.renew_key_token": 3600,
    "privacy.rotate_index": 10,
    "privacy.forget_readings": 86400,
    "privacy.keep_keys": 3600,
    "privacy.audit_keys": 24 * 3600,
    "forms_intake.receive": 1,
    "forms_intake.project": 5,
    # A "no" takes effect within a second: three rings fit, one may be missed.
    "consent.apply_decisions": 0.3,
    "consent.refresh_cards": 1,
    "consent.rekey_suppressions": 10,
    "consent.make_receipts": 1,
    "consent.seal_ledger": 10,
    "consent.settle_informed": 3600,
    "crm.settle_merges": 5,
    "crm.close_tickets": 3600,
    "crm.work_on_imports": 5,
    "crm.forget_sign_ins": 3600,
    "crm.work_on_exports": 5,
    "crm.ring_reminders": 20,
    "crm.reckon_scores": 10,
    "crm.call_webhooks": 2,
    "crm.forget_notices": 86400,
    "campaigns.send_letters": 2,
    "campaigns.send_single": 2,
    "campaigns.sweep": 5,
    "campaigns.resolve_doubts": 15,
    "campaigns.start_due": 5,
    "campaigns.decide_due": 15,
    "campaigns.receive_measures": 2,
    "campaigns.forget_measures": 120,
    "campaigns.take_returns": 2,
    "campaigns.forget_returns": 3600,
    "campaigns.publish_links": 3600,
    "campaigns.count_results": 5,
    "campaigns.publish_issues": 60,
    "campaigns.run_sequences": 2,
    "campaigns.watch_sequences": 60,
    "campaigns.send_notices": 5,
    "campaigns.publish_images": 5,
    "campaigns.publish_missing_images": 3600,
    "campaigns.look_before_launch": 5,
}
SCHEDULE = {
    name: {"task": name, "schedule": seconds, "options": {"expires": seconds + 1}}
    for name, seconds in SWEEPS.items()
}
