"""One afternoon in a shop that sells tea, for the style guide."""

from dataclasses import replace
from datetime import datetime, timedelta

from tiski.kernel import clock
from tiski.kernel.text import render_untrusted_html, text_to_html
from tiski.ui.showcase.shapes import Box, Chip, Entry, File, Head, Identity, Panel, Past, Person, Row, World

LONG_WORD = "Asiakaspalvelukeskusteluarkisto"
RIGHT_TO_LEFT = "هل يتوفر هذا الشاي؟"


def world() -> World:
    """The afternoon, measured from now so that every relative time shows."""
    now = clock.now()
    return World(
        rows=_rows(now),
        entries=_entries(now),
        states=_states(now),
        head=_head(now),
        closed=_head(now, closed_at=now - timedelta(hours=2), assignee_name="Noor Haddad"),
        people=[Person(id=1, name="Mia Mäkinen"), Person(id=2, name="Noor Haddad")],
        urls=dict.fromkeys(("back", "refresh", "closure", "assignment", "send", "draft", "files"), "#"),
        box=Box(conversation_id=7, recipient="ada.virtanen@example.fi"),
        note_box=Box(conversation_id=8, mode="note", note_draft="Ada kysyi samaa syyskuussa.", draft_files=(_LEAFLET,)),
        shut_box=Box(
            conversation_id=9,
            can_send=False,
            reason="Postilaatikko info@teepuoti.example ei ole käytössä.",
            remedy_url="#",
            remedy_text="Avaa postilaatikon asetukset",
        ),
        panel=_panel(now),
        stranger=Panel(id=8, name="", since=now),
    )


_LEAFLET = File(id="f1", name="haudutusohje.pdf", size=412_000)


def _rows(now: datetime) -> list[Row]:
    return [*_waiting_rows(now), *_quiet_rows(now)]


def _waiting_rows(now: datetime) -> list[Row]:
    return [
        Row(
            id=6,
            customer_name="Mikko Laine",
            subject="Onko Sencha vielä varastossa?",
            channel_kind="chat",
            unread=True,
            last_at=now - timedelta(minutes=1),
            chip=Chip(text="odottaa 0.48", tone="ok"),
        ),
        Row(
            id=7,
            customer_name="Ada Virtanen",
            subject="Palautus tilaukselle 10482",
            channel_kind="email",
            last_at=now - timedelta(minutes=6),
            chip=Chip(text="38 min", tone="warn"),
        ),
        Row(
            id=5,
            customer_name="Erik Lindqvist",
            subject="Var är mitt paket?",
            channel_kind="email",
            unread=True,
            last_at=now - timedelta(minutes=14),
            chip=Chip(text="−12 min", tone="danger"),
        ),
    ]


def _quiet_rows(now: datetime) -> list[Row]:
    return [
        Row(
            id=4,
            customer_name="Oona K.",
            subject="Saako tätä lahjapakkauksessa?",
            channel_kind="chat",
            draft=True,
            last_at=now - timedelta(minutes=32),
            viewers=("Noor Haddad",),
        ),
        Row(
            id=3,
            customer_name=LONG_WORD,
            subject=f"{LONG_WORD} ja haudutusastiat",
            channel_kind="email",
            last_at=now - timedelta(hours=2),
            chip=Chip(text="suljettu", tone=""),
        ),
        Row(
            id=2,
            customer_name="ليلى حداد",
            subject=RIGHT_TO_LEFT,
            channel_kind="chat",
            last_at=now - timedelta(hours=26),
        ),
        Row(
            id=1,
            customer_name="",
            subject="Lahjakortin koodi ei toimi",
            channel_kind="chat",
            last_at=now - timedelta(days=9),
        ),
    ]


def _entries(now: datetime) -> list[Entry]:
    start = now - timedelta(hours=1)
    return [*_question(start), *_answer(start)]


def _question(start: datetime) -> list[Entry]:
    return [
        Entry(
            dom_id="message-a",
            kind="message",
            at=start,
            author_name="Ada Virtanen",
            seq=1,
            text="Hei! Tilasin haudutuspannun, mutta kannen nuppi oli irti, kun paketti tuli.\n"
            "Voinko saada uuden kannen ennen itsenäisyyspäivää?",
        ),
        Entry(
            dom_id="event-1",
            kind="event",
            at=start + timedelta(seconds=30),
            author_kind="system",
            text="Automaatio ohjasi keskustelun henkilölle Mia Mäkinen",
        ),
        Entry(
            dom_id="note-1",
            kind="note",
            at=start + timedelta(minutes=2),
            author_kind="agent",
            author_name="Mia Mäkinen",
            text="Kansia on varastossa 4 kpl. Lähetän uuden tänään Postin paketilla.",
        ),
    ]


def _answer(start: datetime) -> list[Entry]:
    return [
        Entry(
            dom_id="message-b",
            kind="message",
            at=start + timedelta(minutes=6),
            author_name="Ada Virtanen",
            seq=2,
            text=text_to_html("Lisään vielä kuvan nupista"),
            files=(File(id="f2", name="nuppi.jpg", size=412_000),),
        ),
        Entry(
            dom_id="message-c",
            kind="message",
            at=start + timedelta(minutes=7),
            author_kind="agent",
            author_name="Mia Mäkinen",
            seq=3,
            state="delivered",
            text="Moi Ada! Uusi kansi lähtee tänään ja on perillä tiistaina.\nVanhaa ei tarvitse palauttaa.",
        ),
    ]


def _states(now: datetime) -> list[Entry]:
    return [
        _sent(now, "sending", "Katson heti."),
        replace(
            _sent(now, "sending", "Uusi kansi lähtee tänään."),
            dom_id="state-held",
            undo_url="#",
            undo_until=now + timedelta(hours=1),
        ),
        _sent(now, "sent", "Kansi on pakattu."),
        _sent(now, "delivered", "Seurantakoodi on JJFI6412."),
        _sent(now, "failed", "Hyvää viikonloppua!", reason="Vastaanottajan postilaatikko on täynnä"),
        Entry(
            dom_id="state-automatic",
            kind="message",
            at=now,
            author_kind="system",
            author_name="Teepuoti",
            is_automatic=True,
            text="Kiitos viestistä! Vastaamme arkisin klo 9–17.",
            state="sent",
        ),
        Entry(
            dom_id="state-html",
            kind="message",
            at=now,
            author_name="Erik Lindqvist",
            html=render_untrusted_html(_MAIL).html,
            is_verified=False,
            quoted="Den 19 november skrev Teepuoti:\nPaketet är på väg.",
        ),
        Entry(dom_id="state-long", kind="message", at=now, author_name=LONG_WORD, text=LONG_WORD * 6),
        Entry(dom_id="state-rtl", kind="message", at=now, author_name="ليلى حداد", text=RIGHT_TO_LEFT),
    ]


def _sent(at: datetime, state: str, text: str, reason: str = "") -> Entry:
    return Entry(
        dom_id=f"state-{state}",
        kind="message",
        at=at,
        author_kind="agent",
        author_name="Mia Mäkinen",
        text=text,
        state=state,
        reason=reason,
    )


_MAIL = (
    "<p>Hej,</p><p>paketet <b>skulle</b> komma i fredags. "
    '<a href="https://posti.example/JJFI6412" rel="noopener noreferrer nofollow">Spåra försändelsen</a></p>'
    "<table><tr><td>Sencha</td><td>2 × 100 g</td><td>17,80 €</td></tr></table>"
)


def _head(now: datetime, closed_at: datetime | None = None, assignee_name: str = "") -> Head:
    return Head(
        id=8 if closed_at else 7,
        subject="Palautus tilaukselle 10482",
        customer_name="Ada Virtanen",
        channel_label="Sähköposti",
        opened_at=now - timedelta(minutes=6),
        closed_at=closed_at,
        assignee_name=assignee_name,
    )


def _panel(now: datetime) -> Panel:
    return Panel(
        id=7,
        name="Ada Virtanen",
        since=now - timedelta(days=1100),
        language_name="Suomi",
        identities=(
            Identity(kind="email", value="ada.virtanen@example.fi", is_verified=True),
            Identity(kind="phone", value="+358 40 123 4567"),
            Identity(kind="visitor", value="9f86d081"),
        ),
        figures=(("Ostot yhteensä", "612,40 €"), ("Palautukset", "1"), ("Keskustelut", "4")),
        earlier=(
            Past(href="#", subject="Tuleeko Darjeelingia lisää?", channel_kind="chat", at=now - timedelta(days=40)),
            Past(
                href="#", subject="Var är mitt paket?", channel_kind="email", at=now - timedelta(days=3), is_open=True
            ),
        ),
        note="Pitää tummista teelaaduista.",
    )
