"""New words, quotes and signatures in plain text and HTML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiski.channels.email.parsing import html_text, phrases, quotes
from tiski.channels.email.parsing.quotes import Split

NEW = "Kiitos, tämä auttoi."


def visible(text: str) -> str:
    return quotes.split(quotes.lines_of(text)).visible


def from_html(html: str) -> Split:
    return quotes.split(html_text.lines(html))


@pytest.mark.parametrize(
    "older",
    [
        "ma 16.11.2026 klo 12.01 Ada Virtanen (ada@example.org) kirjoitti:\n> x",
        "ma 16. marrask. 2026 klo 12.01 Ada Virtanen <ada@example.org> kirjoitti:\nx\ny",
        "maanantai 16. marraskuuta 2026 klo 12.01.11 UTC+2 Teepuoti <t@x.example> kirjoitti:\n\nx",
        "ma 16. marrask. 2026 klo 12.01 Pitkänimisen Kaupan asiakaspalvelu\n<tuki@kauppa.example>\nkirjoitti:\n\n> x",
        "Ada Virtanen kirjoitti 16.11.2026 klo 12.01:\n> x",
        "Ada Virtanen <ada@example.org> kirjoitti 16.11.2026 kello 12.01:\n\nx",
        "Teepuoti kirjoitti:\n> x",
        "Den mån 16 nov. 2026 kl 12:01 skrev Namn <adress@example.org>:\n\n> x",
        "Den mån 16 nov. 2026 kl 12:01 skrev Namn Efternamn-Långt <\nadress@example.org>:\n\n> x",
        "Den 2026-11-16 kl. 12:01, skrev Ada Virtanen:\nx",
        "16 nov. 2026 kl. 11:40 skrev Teepuoti <t@x.example>:\n\n> x",
        "On Mon, Nov 16, 2026 at 12:01 PM Somebody With A Long Name <\nsomebody@example.org> wrote:\n\n> x",
        "On 16 Nov 2026, at 12.01, Ada Virtanen <ada@example.org> wrote:\n\nx",
        "On 16/11/2026 12.01, Ada Virtanen wrote:\n> x",
        "Lähettäjä: Teepuoti <t@x.example>\nLähetetty: maanantai\nVastaanottaja: Ada\nAihe: Tee\n\nx",
        "*Från:* Teepuoti <t@x.example>\n*Skickat:* den 16 november\n*Till:* Ada\n*Ämne:* Te\n\nx",
        "From: Teepuoti\nSubject: Tea\n\nx",
        "-----Alkuperäinen viesti-----\nx",
        "-- Alkuperäinen viesti --\nx",
        "-----Ursprungligt meddelande-----\nx",
        "----- Original Message -----\nx",
        "________________________________\nx",
        "> x\n> y",
    ],
)
def test_an_older_mail_below_is_folded(older: str) -> None:
    assert visible(f"{NEW}\n\n{older}") == NEW


@pytest.mark.parametrize(
    "text",
    [
        "Kuljettaja kirjoitti lappuun:\nEi kotona.",
        "Kuljettaja kirjoitti klo 12 lappuun:\nEi kotona.",
        "Pe 12.3. kuljettaja kirjoitti lappuun:\nEi kotona.",
        "Tilasin teetä 12.3.2026.\nKuljettaja kirjoitti:\nEi kotona.",
        "To saapui paketti\nKuljettaja kirjoitti lappuun: kaikki ok",
        "Aihe: palautus\nHaluan palauttaa kupin.",
        "Lähetetty paketti ei tullut.",
        "Lähetetty iPhonesta puuttui laturi.",
        "Posten skrev så här:\nPaketet är på väg.",
        "Den 12 maj skrev jag ett klagomål till er och fick aldrig svar.",
        "Skickat paket kom inte fram.",
        "Vänligen skicka en ny.\nTack",
        "Sent from Turku last week, not here yet.",
        "On Monday I wrote to you.\nNo answer.",
        "From: field is empty in your form\nWhat now?",
        "Hei\nT paita on rikki",
        "-- ei ole väliä\nHei",
        "Terveisin voi laittaa kortin?\n" + "Kysyn vielä toista asiaa.\n" * 9,
        "x" * 500 + " kirjoitti 16.11.2026 klo 12.01:\nja niin edelleen",
    ],
)
def test_the_senders_own_sentences_stay(text: str) -> None:
    assert visible(text) == text.strip()


@pytest.mark.parametrize(
    "device",
    [
        "Lähetetty iPhonesta",
        "Lähetetty iPadistani",
        "Lähetetty Galaxy-laitteestani",
        "Lähetetty Outlook for Androidista",
        "Lähetetty Windowsin Sähköpostista",
        "Hanki Outlook for iOS<https://aka.ms/o0ukef>",
        "Skickat från min iPhone",
        "Hämta Outlook för Android",
        "Sent from my iPad",
        "Sent from Mail for Windows",
        "Get Outlook for iOS",
    ],
)
def test_a_device_line_is_left_out_wherever_it_stands(device: str) -> None:
    assert visible(f"{NEW}\n\n{device}") == NEW
    assert visible(f"{device}\n\n{NEW}") == NEW


@pytest.mark.parametrize(
    "signature",
    [
        "Terveisin,\nAda Virtanen\n040 123 4567",
        "Ystävällisin terveisin Ada",
        "Yst. terv. Ada",
        "terveisin ada",
        "T. Ada",
        "Mvh\nAstrid",
        "Med vänlig hälsning\nAstrid Björk",
        "Hälsningar från Åbo",
        "Best regards\n\nBen Carter",
        "Kind regards, Ben",
        "-- \nAda\n" + "rivi\n" * 12,
        "Tämä viesti on luottamuksellinen ja tarkoitettu vain vastaanottajalle.\n" + "Tuhoa se.\n" * 12,
        "Detta meddelande är konfidentiellt.",
        "This message is confidential.",
    ],
)
def test_a_signature_or_notice_below_is_folded(signature: str) -> None:
    assert visible(f"{NEW}\n\n{signature}") == NEW


def test_the_signature_is_kept_beside() -> None:
    assert quotes.split(quotes.lines_of(f"{NEW}\n\nTerveisin\nAda\n040 123 4567")) == Split(
        NEW, "Terveisin\nAda\n040 123 4567"
    )


def test_answers_between_the_questions_show_everything() -> None:
    text = "> Kumpi väri?\nSininen.\n> Montako?\nKaksi."

    assert visible(text) == text


def test_words_before_and_after_a_quote_show_everything() -> None:
    text = f"{NEW}\n\n> vanha\n\nYksi asia vielä."

    assert visible(text) == text


def test_a_signature_below_the_quote_is_no_answer() -> None:
    assert quotes.split(quotes.lines_of(f"{NEW}\n\n> vanha\n\n-- \nAda")) == Split(NEW, "Ada")


def test_an_answer_below_the_quote_is_found() -> None:
    assert visible(f"Mia kirjoitti 16.11.2026 klo 11.40:\n> Kumpi?\n>\n> Mia\n\n{NEW}") == NEW


@pytest.mark.parametrize("text", ["> vain lainaus", "Lähetetty iPhonesta", "Terveisin Ada", "", "-- \nAda"])
def test_a_mail_with_nothing_new_is_shown_whole(text: str) -> None:
    assert visible(text) == text.strip()


@pytest.mark.parametrize(
    "marker",
    [
        "---------- Forwarded message ---------",
        "-------- Välitetty viesti --------",
        "-------- Vidarebefordrat meddelande --------",
        "Begin forwarded message:",
    ],
)
def test_a_forwarded_mail_is_content(marker: str) -> None:
    text = f"Katso tämä.\n\n{marker}\nLähettäjä: x@y.example\nAihe: Lasku\nPäivämäärä: 1.1.2026\n\nLasku 77"

    assert visible(text) == text


def test_a_forward_inside_the_older_mail_changes_nothing() -> None:
    assert visible(f"{NEW}\n\n-----Original Message-----\nx\n---------- Forwarded message ---------\ny") == NEW


@pytest.mark.parametrize(
    ("subject", "forwarded"),
    [
        ("Fwd: x", True),
        ("VL: x", True),
        ("VB: x", True),
        ("[Ulkoinen] Fw: x", True),
        ("Re: Fwd: x", False),
        ("VS: x", False),
    ],
)
def test_the_first_prefix_says_whether_a_mail_is_passed_on(subject: str, forwarded: bool) -> None:
    assert phrases.forwards(subject) is forwarded


@pytest.mark.parametrize(
    "html",
    [
        '<p>{new}</p><div class="gmail_quote"><div class="gmail_attr">x</div><blockquote class="gmail_quote">y</div>',
        '<p>{new}</p><div class="moz-cite-prefix">x</div><blockquote type="cite">y</blockquote>',
        '<p>{new}</p><div id="appendonsend"></div><hr><div id="divRplyFwdMsg">x</div>y',
        '<div>{new}</div><div id="mail-editor-reference-message-container"><div>x</div></div>',
        '<div>{new}</div><div class="protonmail_quote">x wrote:<blockquote type="cite">y</blockquote></div>',
        '{new}<br><br><div class="gmail_signature">Ada</div><br><blockquote type="cite"><div>a<p>b</div>c</blockquote>',
        "<pre>{new}\n\n> vanha\n> toinen</pre>",
    ],
)
def test_markup_says_where_the_quote_is(html: str) -> None:
    assert from_html(html.format(new=NEW)).visible == NEW


def test_an_answer_inside_gmails_container_shows_everything() -> None:
    found = from_html(
        '<div class="gmail_quote"><blockquote class="gmail_quote">Kumpi?</blockquote><div>Sininen.</div>'
        '<blockquote class="gmail_quote">Montako?</blockquote><div>Kaksi.</div></div>'
    )

    assert found.visible == "> Kumpi?\n\nSininen.\n\n> Montako?\n\nKaksi."


@pytest.mark.parametrize(
    ("html", "lines"),
    [
        ("<p>a</p><p>b</p>", ["a", "", "b"]),
        ("<div>a</div><div><br></div><div>b</div>", ["a", "", "b"]),
        ("<p class=MsoNormal>a</p><p class=MsoNormal>&nbsp;</p><p class=MsoNormal>b</p>", ["a", "", "b"]),
        ("a<br>b<BR/>c", ["a", "b", "c"]),
        ("<ul><li>a<li>b</ul>", ["- a", "- b"]),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", ["a b", "c"]),
        ("1 &lt; 2 &amp; 3&nbsp;&euro;", ["1 < 2 & 3 €"]),
        ("a <b>b</b>\n c", ["a b c"]),
        ('x<img alt="a > b" src=y>z', ["xz"]),
        ("a<!-- b --><style>c</style><SCRIPT>d</script ><title>e</title>f", ["af"]),
        ("a<!-->b", ["ab"]),
        ("a<!-- never closed", ["a"]),
        ("<pre>a\n  b</pre>", ["a", "  b"]),
        ("1 < 2 <3", ["1 < 2 <3"]),
        ("", []),
    ],
)
def test_html_becomes_lines(html: str, lines: list[str]) -> None:
    assert [line.text for line in html_text.lines(html)] == lines


PIECES = st.sampled_from(
    [
        "> x",
        "Hei",
        "",
        "-- ",
        "ma 16.11.2026 klo 12.01 kirjoitti:",
        "Terveisin",
        "Aihe: x",
        "Från: y",
        "_" * 20,
        "t. Ada",
    ]
)


@given(st.lists(PIECES | st.text(max_size=20), max_size=30))
def test_something_is_always_visible_and_nothing_is_made_up(lines: list[str]) -> None:
    text = "\n".join(lines)
    found = visible(text)

    assert bool(found) is bool(text.strip())
    assert {line.strip() for line in found.split("\n")} <= {line.strip() for line in text.split("\n")}


TAGS = st.sampled_from(
    [
        "<div>",
        "</div>",
        '<blockquote type="cite">',
        "</blockquote>",
        "<p",
        ">",
        "<pre>",
        "</pre>",
        "<!--",
        "-->",
        '"',
        "a",
        "&amp",
        "\n",
    ]
)


@given(st.lists(TAGS, max_size=60))
def test_no_markup_makes_the_reader_fail(pieces: list[str]) -> None:
    from_html("".join(pieces))
