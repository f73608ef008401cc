"""From what the generator and the watcher saw to figures against the gates of reliability.md 7.2."""

from __future__ import annotations

from typing import Any

from bench.budget import Figure
from bench.measuring import percentile
from tiski.testing.ledger import Verdict

GATES = {"L1": (150.0, 400.0, 300.0), "L2": (300.0, 1000.0, 0.0), "L3": (0.0, 0.0, 0.0), "L4": (0.0, 0.0, 0.0)}
"""Milliseconds: p95 and p99 of an acknowledgement, p95 until the other side sees it; 0 where none is set."""
BACK_WITHIN = 60.0


def figures_of(
    level: str, plan: dict[str, Any], report: dict[str, Any], *, watched: Any, verdict: Verdict
) -> dict[str, Figure]:
    """The level's figures, the gate's first."""
    acks = [wait * 1000 for _since, wait in report["acks"]]
    seen = [wait * 1000 for _since, wait in report["seen"]]
    listed = [wait * 1000 for _since, wait in report["listed"]]
    told = _told(plan, report, watched)
    proof = _proof(level, report, verdict)
    if level == "L3":
        return _storm(report, watched, told) | {"L3 ledger": proof}
    if level == "L4":
        return _overload(report, watched, told) | {"L4 ledger": proof}
    p95, p99, other = GATES[level]
    found95, found99 = percentile(acks, 0.95), percentile(acks, 0.99)
    figures = {
        level: Figure(found95, "ms p95 ack", f"<= {p95:.0f}", bool(acks) and found95 <= p95, told),
        f"{level} p99": Figure(
            found99, "ms p99 ack", f"<= {p99:.0f}", bool(acks) and found99 <= p99, _spread(acks)
        ),
        f"{level} seen": Figure(
            percentile(seen, 0.95),
            "ms p95 seen by others",
            f"<= {other:.0f}" if other else "none set",
            not other or (bool(seen) and percentile(seen, 0.95) <= other),
            f"{_spread(seen)}; in open conversations and visitors' windows; consoles wait up to 200 ms on purpose; "
            f"rows of the list, which pause a tenth of a second for each: {_spread(listed)}; "
            f"{report['unseen']} not seen at the end",
        ),
        f"{level} errors": Figure(
            sum(report["errors"].values()) + sum(report["refusals"].values()), "errors", "0",
            not report["errors"] and not report["refusals"], f"{report['errors']} {report['refusals']}",
        ),
        f"{level} ledger": proof,
    }  # fmt: skip
    share = watched.cpu / watched.took * 100
    limit = 50 if level == "L1" else 100
    figures[f"{level} CPU"] = Figure(share, "% of one core", f"<= {limit}", share <= limit, "server and worker")
    return figures


def _told(plan: dict[str, Any], report: dict[str, Any], watched: Any) -> str:
    rates = ", ".join(
        f"{name} {plan[name]:g}/s" for name in ("visitors", "answers", "mails", "boots", "searches") if plan.get(name)
    )
    return (
        f"{report['sockets']} sockets of {plan['chats']} chats and {plan['agents']} consoles; {rates}; mail through "
        f"Dovecot by IMAP; no webhooks (there is no such channel yet), no TLS; {report['took']:.0f} s, "
        f"{report['requests'] / report['took']:.0f} console requests/s; server CPU {watched.cpu / watched.took:.0%}, "
        f"generator CPU {report['cpu']:.0%}, server at most {watched.most_memory:.0f} MB"
    )


def _spread(waits: list[float]) -> str:
    if not waits:
        return "none came"
    return (
        f"p50 {percentile(waits, 0.5):.0f}, p95 {percentile(waits, 0.95):.0f}, p99 {percentile(waits, 0.99):.0f}, "
        f"max {max(waits):.0f} ms of {len(waits):,}"
    )


def _proof(level: str, report: dict[str, Any], verdict: Verdict) -> Figure:
    wrong = {name: getattr(verdict, name) for name in ("lost", "doubled", "moved", "gaps", "differing")}
    broken = sum(map(len, wrong.values())) + len(report["mails_left"])
    waiting = report["waiting"] if level != "L4" else 0
    first = next((name for names in wrong.values() for name in names), "")
    conditions = (
        f"{len(report['lines']):,} acknowledged, "
        + ", ".join(f"{len(found)} {name}" for name, found in wrong.items())
        + f"; {len(report['mails'])} mails, {len(report['mails_left'])} not in a conversation; {waiting} never answered"
        + (f"; {first}" if first else "")
    )
    return Figure(broken + waiting, "lost, doubled or moved", "0", broken + waiting == 0, conditions)


def _storm(report: dict[str, Any], watched: Any, told: str) -> dict[str, Figure]:
    """Seconds from the moment the server was told to stop until every socket is back."""
    after = [(at, count) for at, count in report["timeline"] if at > watched.down_at]
    fell = next((place for place, (_at, count) in enumerate(after) if count < report["sockets"] / 2), len(after))
    back = next((at for at, count in after[fell:] if count == report["sockets"]), None)
    took = back - watched.down_at if back and watched.down_at else float("inf")
    ok = took <= BACK_WITHIN
    down = watched.up_at - watched.down_at
    conditions = f"{told}; the stop took {down:.1f} s; {report['reconnects']} reconnects"
    return {"L3": Figure(min(took, 9999.0), "s until all are back", f"<= {BACK_WITHIN:.0f}", ok, conditions)}


def _overload(report: dict[str, Any], watched: Any, told: str) -> dict[str, Any]:
    """Recovery, what was refused and how, and the memory it took."""
    recovered = report["recovered"]
    rate, p95, share = report["above"]
    steps = ", ".join(
        f"x{factor:.1f}: {found:.0f}/s p95 {wait * 1000:.0f} ms" for factor, found, wait, _ in report["steps"]
    )
    before = [held for at, held in watched.memory if at < watched.phases.get("overload", 0)]
    calm = max(before, default=0.0)
    limit = max(2 * calm, calm + 200)
    politely = all("retry" in name.lower() for name in report["refusals"])
    return {
        "L4": Figure(
            recovered or 9999.0, "s until recovered", "<= 60", recovered is not None, f"{told}; limits lifted; {steps}"
        ),
        "L4 refusals": Figure(
            sum(report["errors"].values()), "refused without a time", "0", not report["errors"] and politely,
            f"at 3x the knee of x{report['knee']:.1f}: {rate:.0f} acknowledged/s ({share:.0%}), "
            f"p95 {p95 * 1000:.0f} ms; {report['refusals']} {report['errors']}",
        ),
        "L4 memory": Figure(
            watched.most_memory, "MB PSS", f"<= {limit:.0f}", watched.most_memory <= limit,
            f"{calm:.0f} MB before the overload",
        ),
    }  # fmt: skip
