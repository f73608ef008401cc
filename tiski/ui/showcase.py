"""Rows for the style guide, in the shapes that the partials take: one afternoon in a shop that sells tea."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from markupsafe import Markup

from tiski.kernel import clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """Words and a tone."""

    text: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What `parts/_row.html` draws."""

    id: int
    customer_name: str
    subject: str
    channel_kind: str
    last_at: datetime
    snippet: str = ""
    unread: bool = False
    waiting_since: datetime | None = None
    chip: Chip | None = None
    draft: bool = False
    viewers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of a message or of the composer."""

    id: str
    name: str
    size: int
    url: str = "#"
    thumbnail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What `parts/_message.html` draws."""

    dom_id: str
    kind: str
    at: datetime
    author_kind: str = "customer"
    author_name: str = ""
    text: str | Markup = ""
    html: Markup | str = ""
    files: tuple[File, ...] = ()
    state: str = ""
    reason: str = ""
    is_automatic: bool = False
    seq: int | None = None
    quoted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What `parts/_header.html` draws."""

    id: int
    subject: str
    customer_name: str
    channel_label: str
    opened_at: datetime
    assignee_name: str = ""
    closed_at: datetime | None = None
    may_act: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone a conversation can be given to."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """What `parts/_composer.html` draws."""

    conversation_id: int
    can_send: bool = True
    reason: str = ""
    remedy_url: str = ""
    remedy_text: str = ""
    recipient: str = ""
    sender_name: str = "Mia Mäkinen"
    seen_seq: int = 4
    sends_on_enter: bool = True
    mode: str = "reply"
    reply_draft: str = ""
    note_draft: str = ""
    draft_version: int = 0
    draft_files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One way to reach a customer."""

    kind: str
    value: str
    is_verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """An earlier conversation."""

    href: str
    subject: str
    channel_kind: str
    at: datetime
    is_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What `parts/_customer.html` draws."""

    id: int
    name: str
    since: datetime
    language_name: str = ""
    identities: tuple[Identity, ...] = ()
    figures: tuple[tuple[str, str], ...] = ()
    earlier: tuple[Past, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything the style guide shows."""

    rows: list[Row]
    entries: list[Entry]
    states: list[Entry]
    head: Head
    closed: Head
    people: list[Person]
    urls: dict[str, str]
    box: Box
    note_box: Box
    shut_box: Box
    blanks: list[Entry]
    panel: Panel
    stranger: Panel
    options: list[tuple[str, str]] = field(default_factory=lambda: [("fi", "Suomi"), ("sv", "Svenska"), ("en", "English")])


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
        urls={name: "#" for name in ("back", "refresh", "closure", "assignment", "send", "draft", "files")},
        box=Box(conversation_id=7, recipient="ada.virtanen@example.fi"),
        note_box=Box(conversation_id=8, mode="note", note_draft="Ada kysyi samaa syyskuussa.", draft_files=(_LEAFLET,)),
        shut_box=Box(
            conversation_id=9,
            can_send=False,
            reason="Postilaatikko info@teepuoti.example ei ole käytössä.",
            remedy_url="#",
            remedy_text="Avaa postilaatikon asetukset",
        ),
        blanks=blanks("Mia Mäkinen", now),
        panel=_panel(now),
        stranger=Panel(id=8, name="", since=now),
    )


def blanks(sender: str, now: datetime) -> list[Entry]:
    """The empty entries a composer clones: a reply on its way, one that failed, and a note."""
    return [
        Entry(dom_id="blank", kind="message", at=now, author_kind="agent", author_name=sender, state="sending"),
        Entry(dom_id="blank", kind="message", at=now, author_kind="agent", author_name=sender, state="failed"),
        Entry(dom_id="blank", kind="note", at=now, author_kind="agent", author_name=sender, state="sending"),
    ]


_LEAFLET = File(id="f1", name="haudutusohje.pdf", size=412_000)


def _rows(now: datetime) -> list[Row]:
    def ago(**span: float) -> datetime:
        return now - timedelta(**span)

    return [
        Row(id=6, customer_name="Mikko Laine", subject="Onko Sencha vielä varastossa?", channel_kind="chat", unread=True,
            last_at=ago(minutes=1), chip=Chip(text="odottaa 0.48", tone="ok")),
        Row(id=7, customer_name="Ada Virtanen", subject="Palautus tilaukselle 10482", channel_kind="email",
            last_at=ago(minutes=6), chip=Chip(text="38 min", tone="warn")),
        Row(id=5, customer_name="Erik Lindqvist", subject="Var är mitt paket?", channel_kind="email", unread=True,
            last_at=ago(minutes=14), chip=Chip(text="−12 min", tone="danger")),
        Row(id=4, customer_name="Oona K.", subject="Saako tätä lahjapakkauksessa?", channel_kind="chat", draft=True,
            last_at=ago(minutes=32), viewers=("Noor Haddad",)),
        Row(id=3, customer_name=LONG_WORD, subject=f"{LONG_WORD} ja haudutusastiat", channel_kind="email",
            last_at=ago(hours=2), chip=Chip(text="suljettu", tone="")),
        Row(id=2, customer_name="ليلى حداد", subject=RIGHT_TO_LEFT, channel_kind="chat", last_at=ago(hours=26)),
        Row(id=1, customer_name="", subject="Lahjakortin koodi ei toimi", channel_kind="chat", last_at=ago(days=9)),
    ]


def _entries(now: datetime) -> list[Entry]:
    start = now - timedelta(hours=1)

    def at(minutes: float) -> datetime:
        return start + timedelta(minutes=minutes)

    return [
        Entry(dom_id="message-a", kind="message", at=at(0), author_name="Ada Virtanen", seq=1,
              text="Hei! Tilasin haudutuspannun, mutta kannen nuppi oli irti, kun paketti tuli.\n"
                   "Voinko saada uuden kannen ennen itsenäisyyspäivää?"),
        Entry(dom_id="event-1", kind="event", at=at(0.5), author_kind="system",
              text=Markup("Automaatio ohjasi keskustelun henkilölle <b>Mia Mäkinen</b>")),
        Entry(dom_id="note-1", kind="note", at=at(2), author_kind="agent", author_name="Mia Mäkinen",
              text="Kansia on varastossa 4 kpl. Lähetän uuden tänään Postin paketilla."),
        Entry(dom_id="message-b", kind="message", at=at(6), author_name="Ada Virtanen", seq=2,
              text="Lisään vielä kuvan nupista", files=(File(id="f2", name="nuppi.jpg", size=412_000),)),
        Entry(dom_id="message-c", kind="message", at=at(7), author_kind="agent", author_name="Mia Mäkinen", seq=3,
              state="delivered",
              text="Moi Ada! Uusi kansi lähtee tänään ja on perillä tiistaina.\nVanhaa ei tarvitse palauttaa."),
    ]


def _states(now: datetime) -> list[Entry]:
    mine = {"kind": "message", "author_kind": "agent", "author_name": "Mia Mäkinen", "at": now}
    return [
        Entry(**mine, dom_id="state-sending", text="Katson heti.", state="sending"),
        Entry(**mine, dom_id="state-sent", text="Kansi on pakattu.", state="sent"),
        Entry(**mine, dom_id="state-delivered", text="Seurantakoodi on JJFI6412.", state="delivered"),
        Entry(**mine, dom_id="state-failed", text="Hyvää viikonloppua!", state="failed",
              reason="Vastaanottajan postilaatikko on täynnä"),
        Entry(dom_id="state-automatic", kind="message", at=now, author_kind="system", author_name="Teepuoti",
              is_automatic=True, text="Kiitos viestistä! Vastaamme arkisin klo 9–17.", state="sent"),
        Entry(dom_id="state-html", kind="message", at=now, author_name="Erik Lindqvist", html=Markup(_MAIL),
              quoted="Den 19 november skrev Teepuoti:\nPaketet är på väg."),
        Entry(dom_id="state-long", kind="message", at=now, author_name=LONG_WORD, text=LONG_WORD * 6),
        Entry(dom_id="state-rtl", kind="message", at=now, author_name="ليلى حداد", text=RIGHT_TO_LEFT),
    ]


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
            Past(href="#", subject="Var är mitt paket?", channel_kind="email", at=now - timedelta(days=3), is_open=True),
        ),
        note="Pitää tummista teelaaduista.",
    )
