"""The words mail programs and letter writers use around a message, in Finnish, Swedish and English."""

import re

_I = re.IGNORECASE

WROTE = re.compile(r"\b(kirjoitti|skrev|wrote)\b", _I)
SENTENCE_ENDS = re.compile(r"[^\W\d_]{3,}[.!?]\s+[A-ZÅÄÖ]")

_WEEKDAY = (
    r"ma|ti|ke|to|pe|la|su|maanantai|tiistai|keskiviikko|torstai|perjantai|lauantai|sunnuntai|maanantaina|tiistaina|"
    r"keskiviikkona|torstaina|perjantaina|lauantaina|sunnuntaina|mån|tis|ons|tors|tor|fre|lör|sön|måndag|tisdag|onsdag|"
    r"torsdag|fredag|lördag|söndag|mon|tue|wed|thu|fri|sat|sun|monday|tuesday|wednesday|thursday|friday|saturday|sunday"
)
_MONTH = (
    r"tammi|helmi|maalis|huhti|touko|kesä|heinä|elo|syys|loka|marras|joulu|jan|feb|mar|apr|maj|may|jun|jul|aug|sep|sept|"
    r"okt|oct|nov|dec"
)
STARTS_ATTRIBUTION = re.compile(
    rf"(?:(?:{_WEEKDAY})\b\.?,?\s|den\s|on\s|am\s|\d{{1,4}}[./-]\d{{1,2}}[./-]|<?\S+@\S+>?\s)", _I
)
EVIDENCE = re.compile(
    rf"\d{{1,2}}[./-]\s?\d{{1,2}}\b|\b(?:19|20)\d\d\b|\b(?:klo|kl|kello)\b|\d{{1,2}}\.?\s(?:{_MONTH})|\S@\S", _I
)
ONLY_DATE = re.compile(
    rf"(?:[\d.,:/()+–-]+|klo|kl\.?|kello|at|den|on|am|pm|utc|gmt|(?:{_WEEKDAY})\.?,?|(?:{_MONTH})\w*\.?,?|\s)+", _I
)

FROM_LABELS = frozenset({"lähettäjä", "från", "from"})
LABEL = re.compile(
    r"(lähettäjä|lähetetty|päivämäärä|päiväys|pvm|vastaanottaja|kopio|piilokopio|aihe|"
    r"från|skickat|datum|till|kopia|hemlig kopia|ämne|from|sent|date|to|cc|bcc|subject)\s?:",
    _I,
)
SEPARATOR = re.compile(
    r"-{2,}\s?(?:alkuperäinen viesti|ursprungligt meddelande|originalmeddelande|original message)\s?-{2,}|_{20,}", _I
)
FORWARD = re.compile(
    r"^-{2,}\s?(?:edelleenlähetetty viesti|välitetty viesti|vidarebefordrat meddelande|vidarebefordrat brev|"
    r"forwarded message)\b|^(?:välitetty viesti|edelleenlähetetty viesti alkaa|vidarebefordrat brev|"
    r"vidarebefordrat meddelande|begin forwarded message)\s?:$",
    _I,
)

_APPARATUS = (
    r"[\w:+-]*(?:iphone|ipad|galaxy|samsung|huawei|honor|android|nokia|oneplus|xiaomi|motorola|sony|xperia|puhelime|"
    r"laittee|kännykä|table|outlook|windows|yahoo|gmail|sähköposti|posti|ios|mailbird|thunderbird)[\w:-]*"
)
_LINK = r"(?:\s?[<(\[]?https?://\S{1,200})?"
DEVICE = re.compile(
    rf"(?:lähetetty (?:[\w:+-]+ ){{0,4}}{_APPARATUS}st[aä](?:ni|mme)?"
    r"|skickat från (?:min|mitt|mina|outlook|yahoo|e-post|mobilen|telefonen|gmail|proton|samsung)\b[^.,;?!]{0,50}"
    r"|skickad från (?:min|mitt|mina|outlook|yahoo)\b[^.,;?!]{0,50}"
    r"|sent from (?:my|outlook|mail for|yahoo|proton|samsung|huawei|gmail|the)\b[^,;?!]{0,50}"
    rf"|(?:hanki|skaffa|hämta|get|lataa) outlook\b[^,;?!]{{0,50}})\.?{_LINK}",
    _I,
)

# Said at the end only; some, like "Vänligen", also begin ordinary sentences, so what follows must look like a name.
_CLOSERS = (
    r"(?:(?:ystävällisin|parhain|lämpimin|sydämellisin|kauniin|iloisin|aurinkoisin)\s)?terveisin|yhteistyöterveisin"
    r"|yst\.?\s?terv|terv|terkuin|ystävällisesti|kunnioittavasti|t(?=[.:])"
    r"|(?:med )?(?:vänliga?|bästa|soliga|varma|hjärtliga) hälsning(?:ar)?|hälsningar|hälsn|mvh|vänligen|hälsar"
    r"|(?:(?:kind|best|warm|kindest|warmest|many) )?regards|(?:with )?best wishes|(?:yours )?sincerely|yours faithfully"
    r"|yours truly|cheers|br"
)
CLOSING = re.compile(
    rf"(?i:{_CLOSERS})[.,:;!]{{0,2}}(?:(?:\s[A-ZÅÄÖ][^\s?!:]*){{0,4}}|\s[^\s.?!:,]+)[.,!]?"
    r"|(?i:terveisin|terv|mvh|hälsningar|regards)[.,]?(?:\s[^\s.?!:,]+){1,2}"
)
CONFIDENTIAL = re.compile(
    r"luottamuksellinen\b|konfidentiellt?\b|confidentiality notice\b"
    r"|tämä (?:sähköposti|viesti|posti).{0,90}\bluottamuksell"
    r"|detta (?:e-post|meddelande|mejl|mail).{0,90}\bkonfidentiell"
    r"|this (?:e-?mail|message|communication)\b.{0,90}\bconfidential"
    r"|the information (?:contained )?in this (?:e-?mail|message)\b",
    _I,
)

_PREFIX = re.compile(
    r"\s*(?:\[[^\[\]]{1,40}\]\s*)?(re|vs|sv|aw|fw|fwd|vl|vb|vidarebefordrat|edelleenlähetys)\s?(?:\[\d+\]|\(\d+\))?\s?:",
    _I,
)
_FORWARD_PREFIXES = frozenset({"fw", "fwd", "vl", "vb", "vidarebefordrat", "edelleenlähetys"})


def forwards(subject: str) -> bool:
    """Whether the subject says that somebody else's mail is passed on."""
    prefix = _PREFIX.match(subject)
    return prefix is not None and prefix[1].lower() in _FORWARD_PREFIXES
