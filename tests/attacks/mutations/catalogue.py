"""Edits that each break one choke point of security.md section 2, and the tests that must then fail."""

from __future__ import annotations

from dataclasses import dataclass

SWEEP = "tests/attacks/test_sweep.py"
LIVE = "tests/attacks/test_live_doors.py"
WIDGET = "tests/attacks/test_widget_identity.py"
KERNEL = "tiski/kernel/tests"
KERNEL_LIVE = "tiski/kernel/live/tests"
MIDDLEWARE = f"{KERNEL}/test_middleware.py"
MAILBOXES = "tests/faults/test_mailboxes.py"
READING = "tiski/channels/email/tests/test_reading.py"


@dataclass(frozen=True, slots=True)
class Mutation:
    """Replace `old`, which occurs once in `file`, by `new`: then at least one of the tests fails."""

    breaks: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTATIONS = (
    Mutation(
        "shop-scoped manager: rows of all shops",
        "tiski/kernel/scope.py",
        "return super().get_queryset().filter(shop_id=current_shop())",
        "return super().get_queryset()",
        (f"{SWEEP}::test_a31_ids_of_another_shop_are_ids_of_nothing",),
    ),
    Mutation(
        "policies: anybody's membership opens the shop",
        "tiski/accounts/policies.py",
        "WHERE m.agent_id = %s AND s.key = %s",
        "WHERE m.agent_id + %s > 0 AND s.key = %s",
        (f"{SWEEP}::test_a31_another_shops_address_is_the_address_of_no_shop",),
    ),
    Mutation(
        "policies: a role that may not is let through",
        "tiski/accounts/policies.py",
        "return member is not None and member.is_current and policy.allows(member.role)",
        "return member is not None and member.is_current",
        ("tiski/console/tests/test_routes.py::test_a_viewer_does_not_write",),
    ),
    Mutation(
        "policies: a download without a policy",
        "tiski/console/web/files.py",
        "@requires(reads_inbox)\n@require_safe\ndef original(",
        "@require_safe\ndef original(",
        (f"{SWEEP}::test_a31_every_route_names_its_policy_and_a_new_one_without_fails",),
    ),
    Mutation(
        "a file of any shop is served",
        "tiski/console/web/files.py",
        "    if not Attachment.objects.filter(blob_id=blob_id).exists():\n        raise NotFound\n"
        "    blob = Blob.unscoped.filter(id=blob_id, shop_id=request.shop.id).first()",
        "    blob = Blob.unscoped.filter(id=blob_id).first()",
        (f"{SWEEP}::test_a31_ids_of_another_shop_are_ids_of_nothing",),
    ),
    Mutation(
        "live topics: another shop's conversation may be watched",
        "tiski/conversations/plugs.py",
        "Conversation.unscoped.filter(shop_id=principal.shop_id, id=subject_id)",
        "Conversation.unscoped.filter(id=subject_id)",
        (f"{LIVE}::test_a31_no_topic_of_another_shop_may_be_watched",),
    ),
    Mutation(
        "live topics: names match by their beginning",
        "tiski/kernel/live/topics.py",
        "        found = NAME.fullmatch(topic)\n",
        "        found = NAME.match(topic)\n",
        (
            f"{LIVE}::test_a31_no_topic_of_another_shop_may_be_watched",
            f"{KERNEL_LIVE}/test_news.py::test_a33_unknown_forbidden_and_inexact_topics_are_ignored",
        ),
    ),
    Mutation(
        "delivery: rights are not looked at again",
        "tiski/kernel/live/hub.py",
        "            if session.is_current and not session.frozen:\n                counters.news += 1",
        "            if not session.frozen:\n                counters.news += 1",
        (f"{KERNEL_LIVE}/test_news.py::test_a33_who_loses_a_topic_hears_no_more_of_it",),
    ),
    Mutation(
        "handshake: pages of any origin",
        "tiski/kernel/live/application.py",
        "            if visitor.origin not in allowed:\n",
        "            if visitor.origin in {'none'}:\n",
        (f"{KERNEL_LIVE}/test_handshake.py::test_a34_a_page_of_another_origin_is_refused",),
    ),
    Mutation(
        "hello: a cookie alone is enough",
        "tiski/console/plugs.py",
        "        if not _token_fits(knock, hello.csrf):\n",
        "        if len(hello.csrf) > 200:\n",
        (f"{LIVE}::test_a34_the_ticket_comes_in_the_first_frame_and_never_in_the_address",),
    ),
    Mutation(
        "headers: names with an underscore are kept",
        "tiski/kernel/live/gate.py",
        'for name, value in scope["headers"] if b"_" not in name]',
        'for name, value in scope["headers"] if name]',
        (f"{KERNEL_LIVE}/test_gate.py::test_a41_names_with_an_underscore_are_dropped",),
    ),
    Mutation(
        "headers: everybody's forwarded address is believed",
        "tiski/kernel/live/gate.py",
        "    if not proxies or client is None or not _within(client[0], proxies):\n",
        "    if client is None:\n",
        (f"{KERNEL_LIVE}/test_gate.py::test_a41_forwarded_headers_of_strangers_are_dropped",),
    ),
    Mutation(
        "tokens: one key for every purpose",
        "tiski/kernel/tokens.py",
        "hmac.new(keyfile.derive(key, purpose), digestmod=hashlib.sha256)",
        'hmac.new(keyfile.derive(key, "everything"), digestmod=hashlib.sha256)',
        (
            f"{KERNEL}/test_tokens.py::test_a_token_is_bound_to_its_purpose_and_shop",
            f"{WIDGET}::test_a40_links_of_files_expire_and_open_one_file_of_one_shop",
        ),
    ),
    Mutation(
        "tokens: not bound to a shop",
        "tiski/kernel/tokens.py",
        'for known in _macs(f"token/{purpose}", [shop, body])):',
        'for shop in range(9) for known in _macs(f"token/{purpose}", [shop, body])):',
        (f"{WIDGET}::test_a40_links_of_files_expire_and_open_one_file_of_one_shop",),
    ),
    Mutation(
        "tokens: they never end",
        "tiski/kernel/tokens.py",
        "    if expires <= clock.now().timestamp():\n",
        "    if expires <= 0:\n",
        (f"{WIDGET}::test_a40_links_of_files_expire_and_open_one_file_of_one_shop",),
    ),
    Mutation(
        "tokens: empty and short ones match",
        "tiski/kernel/tokens.py",
        "SHORTEST_SECRET <= len(text) <= LONGEST_TOKEN",
        "0 <= len(text) <= LONGEST_TOKEN",
        (f"{KERNEL}/test_tokens.py::test_a43_empty_short_and_odd_values_never_match",),
    ),
    Mutation(
        "tokens: spent twice",
        "tiski/kernel/tokens.py",
        "SpentToken.objects.create(hash=hash_token(token), expires_at=expires)",
        "SpentToken.objects.get_or_create(hash=hash_token(token), defaults={'expires_at': expires})",
        (f"{KERNEL}/test_tokens.py::test_a44_a_token_is_spent_once",),
    ),
    Mutation(
        "kernel.http: addresses of the inside are public",
        "tiski/kernel/http/addresses.py",
        "return not any(address in network for network in DENIED_4)",
        "return bool(DENIED_4)",
        (f"{KERNEL}/test_http_addresses.py::test_a55_addresses_that_lead_inside_are_closed",),
    ),
    Mutation(
        "kernel.http: IPv4 in IPv6 is not unpacked",
        "tiski/kernel/http/addresses.py",
        "    if address in _MAPPED or address in _NAT64:\n        return [last]\n",
        "    if address in _MAPPED or address in _NAT64:\n        return [IPv4Address('93.184.215.14')]\n",
        (f"{KERNEL}/test_http_addresses.py::test_a55_addresses_that_lead_inside_are_closed",),
    ),
    Mutation(
        "kernel.http: a body crosses to another host",
        "tiski/kernel/http/requests.py",
        "        if crosses and body:\n",
        "        if crosses and not body and method == 'BREW':\n",
        (f"{KERNEL}/test_http_requests.py::test_a55_a_body_does_not_cross_to_another_host",),
    ),
    Mutation(
        "sanitiser: attributes htmx would act on are kept",
        "tiski/kernel/text/allowed.py",
        '    "*": {"dir", "lang"},\n',
        '    "*": {"dir", "lang", "id", "style", "hx-get", "hx-trigger", "data-hx-get", "onclick"},\n',
        (f"{KERNEL}/test_text_untrusted.py::test_a15_hostile_html_is_harmless_alone_and_inside_other_html",),
    ),
    Mutation(
        "blobs: the sniffed type is not asked for",
        "tiski/kernel/blobs/storing.py",
        "        if accept is not None and content_type not in accept:\n",
        "        if accept is not None and not content_type:\n",
        (f"{KERNEL}/test_blobs.py::test_a16_visitors_send_only_what_is_accepted_whatever_its_name_says",),
    ),
    Mutation(
        "actions run inside a GET",
        "tiski/kernel/action.py",
        "    if safe_method.get():\n",
        "    if safe_method.get() is None:\n",
        (f"{MIDDLEWARE}::test_a63_no_action_runs_inside_a_safe_method",),
    ),
    Mutation(
        "changes begun by another site are made",
        "tiski/kernel/middleware/headers.py",
        'site in {"same-origin", "none"}',
        'site in {"same-origin", "none", "cross-site", "same-site"}',
        (f"{MIDDLEWARE}::test_a_change_begun_by_another_site_is_refused",),
    ),
    Mutation(
        "content policy: scripts of anywhere",
        "tiski/kernel/middleware/headers.py",
        """    "script-src": "'self'",\n""",
        """    "script-src": "'self' 'unsafe-inline'",\n""",
        (f"{MIDDLEWARE}::test_a_page_gets_the_policy_of_the_console",),
    ),
    Mutation(
        "an answer with a cookie may be kept by caches",
        "tiski/kernel/middleware/headers.py",
        '    if "Cache-Control" not in response.headers or response.cookies:\n',
        '    if "Cache-Control" not in response.headers:\n',
        (f"{MIDDLEWARE}::test_a36_answers_are_private_unless_said_and_private_whenever_a_cookie_is_set",),
    ),
    Mutation(
        "ingress: the same item is kept and told twice",
        "tiski/channels/email/actions/cursors.py",
        "Incoming(mail.raw, key, _envelope",
        'Incoming(mail.raw, f"{key}{clock.now()}", _envelope',
        (f"{MAILBOXES}::test_f28_a_place_that_was_lost_and_mails_that_are_unseen_again_bring_nothing_twice",),
    ),
    Mutation(
        "ingress: the place moves although the lease is lost",
        "tiski/channels/email/actions/cursors.py",
        "    if not held.update(lease_until=clock.now() + LEASE, **values):\n        raise LeaseLost\n",
        "    MailboxCursor.objects.filter(id=cursor.id).update(**values)\n",
        (f"{READING}::test_who_slept_through_the_lease_changes_nothing",),
    ),
    Mutation(
        "limits: nobody is told to wait",
        "tiski/kernel/limits.py",
        "    if wait:\n",
        "    if wait < 0:\n",
        (
            f"{KERNEL}/test_limits.py::test_the_limit_of_the_process_says_when_to_come_back",
            f"{KERNEL_LIVE}/test_routes.py::test_a54_one_address_may_not_ask_without_end",
        ),
    ),
    Mutation(
        "sign-in: failures are not counted",
        "tiski/accounts/web/adapter.py",
        "            _count(key, limit, per)\n",
        "            _count(key, limit * 1000, per / 1000)\n            break\n",
        ("tiski/accounts/tests/test_sign_in.py::test_a43_guessing_is_limited_for_the_whole_instance",),
    ),
    Mutation(
        "sign-in: a reset link works for all who press it at once",
        "tiski/accounts/actions/profile.py",
        "(known.filter(password=agent.password) if once else known)",
        "known",
        ("tiski/accounts/tests/test_sign_in.py::test_a44_of_two_who_press_one_reset_link_at_once_one_succeeds",),
    ),
    Mutation(
        "sessions: the cookie itself is stored",
        "tiski/accounts/sessions.py",
        "return hashlib.sha256(cookie.encode()).hexdigest()[:40]",
        "return (cookie + hashlib.sha256(b'').hexdigest())[:40]",
        ("tiski/accounts/tests/test_sessions.py::test_the_cookie_is_not_in_the_database",),
    ),
    Mutation(
        "visitors: whoever knows a conversation's id has it",
        "tiski/channels/chat/queries.py",
        "    if owner_shop != shop_id or not is_theirs:\n",
        "    if owner_shop != shop_id and not is_theirs:\n",
        (f"{WIDGET}::test_a53_another_conversations_id_is_worth_nothing",),
    ),
    Mutation(
        "visitors: tokens are stored as they are",
        "tiski/channels/chat/queries.py",
        "    return tokens.hash_token(token)\n",
        "    return token\n",
        (f"{WIDGET}::test_a49_tokens_are_hashed_at_rest_and_told_to_nobody",),
    ),
    Mutation(
        "secrets: a ciphertext opens in any row",
        "tiski/kernel/secrets/envelope.py",
        '_encrypt(_unwrap(shop_key), text.encode(), f"{shop}\\0{place}\\0{moment}")',
        '_encrypt(_unwrap(shop_key), text.encode(), f"{shop}\\0{moment}")',
        (f"{KERNEL}/test_secrets.py::test_a_sealed_text_opens_in_its_place_only",),
    ),
)
