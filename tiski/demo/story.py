"""The seeded inbox: a Sunday at the counter of a small tea shop, in Finnish, as its agents see it.

Said by people of the shop and its customers, so these lines are content, not interface, and stay in their own language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Who = Literal["customer", "mia", "noor", "note-mia", "note-noor"]


@dataclass(frozen=True, slots=True)
class Line:
    """One entry: who, how many minutes ago, and what."""

    who: Who
    ago: int
    text: str


@dataclass(frozen=True, slots=True)
class Thread:
    """One conversation: by chat when the customer has no address, else by email."""

    customer: str
    email: str
    subject: str
    language: str
    lines: tuple[Line, ...]
    assignee: Literal["", "mia", "noor"] = ""
    closed: bool = False


STORY = (
    Thread(
        "Mikko Laine", "", "", "fi",
        (
            Line("customer", 3, "Moi! Onko Kuusenkerkkää vielä varastossa? Tarvitsisin kolme purkkia lahjaksi."),
            Line("customer", 2, "Ja ehtiikö se Ouluun ennen ensi lauantaita?"),
        ),
    ),
    Thread(
        "Sanna Virtanen", "sanna.virtanen@example.fi", "Palautus tilaukselle 10482", "fi",
        (
            Line("customer", 52, "Hei!\n\nTilasin Rooibos Pullan, mutta sain Puolukka & kanelin. Voinko vaihtaa sen oikeaan?\n"
                 "Haluaisin saada paketin ennen itsenäisyyspäivää.\n\nTerveisin\nSanna"),
            Line("note-mia", 47, "Rooibos Pullaa on varastossa 51 purkkia. Lähetetään oikea heti, väärää ei tarvitse palauttaa."),
            Line("mia", 44, "Moi Sanna!\n\nPahoittelut sekaannuksesta. Oikea purkki lähtee sinulle jo tänään Postin paketilla, "
                 "ja väärän voit pitää tai antaa kaverille.\n\nTerveisin Mia"),
            Line("customer", 12, "Kiitos todella nopeasta avusta! Tuleeko seurantakoodi vielä sähköpostiin?"),
        ),
        assignee="mia",
    ),
    Thread(
        "Erik Lindqvist", "erik.lindqvist@example.se", "Var är mitt paket?", "sv",
        (
            Line("customer", 95, "Hej! Jag beställde Saariston Earl Grey för en vecka sedan och har inte fått något "
                 "spårningsnummer. Order 10455.\n\nMvh Erik"),
        ),
    ),
    Thread(
        "Oona Korhonen", "", "", "fi",
        (
            Line("customer", 170, "Sisältääkö Lapin yrtit kofeiinia? Olen raskaana ja haluan olla varma."),
            Line("noor", 168, "Hei Oona! Lapin yrteissä ei ole lainkaan kofeiinia. Seoksessa on kuitenkin mesiangervoa, jota ei "
                 "suositella raskauden aikana. Rooibos Pulla on turvallinen vaihtoehto."),
            Line("customer", 166, "Kiitos! Otan sen rooiboksen sitten."),
        ),
        assignee="noor",
    ),
    Thread(
        "Jari Nieminen", "jari.nieminen@example.fi", "Yritystilaus, 40 lahjapakettia", "fi",
        (
            Line("customer", 260, "Hei,\n\nolisimme tilaamassa noin 40 lahjapakettia asiakkaille joulukuun alussa. Saammeko "
                 "määräalennusta ja onnistuuko laskutus?\n\nJari Nieminen\nPuuseppä Nieminen Oy"),
            Line("note-noor", 250, "Vakioalennus 15 % yli 30 paketista, lasku 14 pv. Kysytään toimitusosoitteet listana."),
        ),
        assignee="noor",
    ),
    Thread(
        "Anna Holm", "anna.holm@example.fi", "Rikkinäinen purkki", "fi",
        (
            Line("customer", 1500, "Hei! Oolong Usvan purkin kansi oli lommolla ja teetä oli valunut laatikkoon. Mitä teemme?"),
            Line("mia", 1488, "Hei Anna! Voi harmi. Lähetämme uuden purkin heti, eikä sinun tarvitse palauttaa vanhaa."),
            Line("customer", 1420, "Kiitos, tosi reilua!"),
        ),
        assignee="mia", closed=True,
    ),
    Thread(
        "Pekka Salo", "", "", "fi",
        (
            Line("customer", 1700, "Mikä vesi sopii Senchalle? Omasta tuli kitkerää."),
            Line("mia", 1698, "Hei Pekka! Kokeile 70-asteista vettä ja kahta minuuttia. Keitetyn veden voi jäähdyttää "
                 "kaatamalla sen kerran kupista toiseen."),
            Line("customer", 1690, "Nyt onnistui, kiitos!"),
        ),
        assignee="mia", closed=True,
    ),
    Thread(
        "Liisa Aho", "liisa.aho@example.fi", "Lahjakortin koodi ei toimi", "fi",
        (
            Line("customer", 2900, "Hei, kassalla lukee että lahjakortin koodi on jo käytetty, mutta en ole käyttänyt sitä."),
            Line("noor", 2870, "Hei Liisa! Koodi oli jäänyt kiinni keskeytyneeseen tilaukseen. Vapautin sen, kokeile nyt uudestaan."),
            Line("customer", 2860, "Toimii! Kiitos."),
        ),
        assignee="noor", closed=True,
    ),
)  # fmt: skip
