-- A campaign that is over: none goes on from a copy.
INSERT INTO campaigns_campaign (id, name, state, purpose_id, language, subject, preheader,
    sender_name, sender_address, reply_to, mjml, created_at, updated_at, launched_at, finished_at,
    halted_reason)
VALUES (gen_random_uuid(), %(name)s, CASE WHEN %(launched)s THEN 'finished' ELSE 'cancelled' END,
    %(purpose)s, 'fr', %(name)s, '', 'Copy', 'copy@copy.example', '',
    '<mjml><mj-body><mj-section><mj-column><mj-text>Copy</mj-text></mj-column></mj-section></mj-body></mjml>',
    %(at)s, %(at)s, CASE WHEN %(launched)s THEN %(at)s::timestamptz END, %(at)s, '')
