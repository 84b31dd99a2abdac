"""Company names, tax numbers and domains brought to one form for comparing; the originals are never changed."""

import re
import unicodedata

# Words that state the legal form; they differ from system to system for the same firm.
_FORM_WORDS = """
gmbh ggmbh mbh gmbhcokg gmbhandcokg ag kg kgaa ohg gbr ug ek eg se ltd limited plc llp llc lp inc incorporated
corp corporation co company sa sas sasu sarl sarlu eurl sci scop snc scrl srl spa sapa sl slu slne lda ltda sgps eirl
bv nv vof cv bvba ab as asa aps oy oyj hb ks ans sro zrt kft nyrt bt doo dd ad ood eood jsc ooo zao pao spzoo
pty ptyltd pte pvt private kk gk yk bhd sdn sdnbhd
"""
# Forms written in parts are joined before words are looked at: 'S. A.', 'A/S', 'Sp. z o.o.'.
_DOTTED = re.compile(r"\b(?:[a-z]\.\s?){2,}(?:[a-z]\b)?")
_SPACED_FORM = re.compile(
    r"\b(?:sp z o ?o|s r o|s p a|s a r l|s r l|s a s|d o o|s l|s a|a s|n v|b v|gmbh (?:and )?co kg|pty ltd|sdn bhd)$"
)
_LETTERS = {"ß": "ss", "æ": "ae", "ø": "o", "å": "a", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "œ": "oe", "ı": "i"}
_FREE_MAIL_DOMAINS = """
gmail.com googlemail.com outlook.com hotmail.com hotmail.co.uk hotmail.fr hotmail.de live.com live.co.uk msn.com
yahoo.com yahoo.co.uk yahoo.fr yahoo.de yahoo.co.jp ymail.com rocketmail.com icloud.com me.com mac.com aol.com
gmx.de gmx.net gmx.at gmx.ch gmx.com web.de t-online.de freenet.de mail.de posteo.de mailbox.org
proton.me protonmail.com pm.me tutanota.com tuta.io fastmail.com hey.com zoho.com mail.com email.com
yandex.ru yandex.com mail.ru bk.ru inbox.ru list.ru rambler.ru ukr.net
orange.fr wanadoo.fr free.fr sfr.fr laposte.net neuf.fr libero.it virgilio.it tiscali.it alice.it
btinternet.com sky.com virginmedia.com talktalk.net comcast.net verizon.net att.net sbcglobal.net cox.net
bigpond.com optusnet.com.au xtra.co.nz shaw.ca rogers.com sympatico.ca
seznam.cz wp.pl o2.pl onet.pl interia.pl bluewin.ch telenet.be skynet.be ziggo.nl kpnmail.nl home.nl
qq.com 163.com 126.com sina.com naver.com daum.net hanmail.net rediffmail.com uol.com.br bol.com.br terra.com.br
"""
_SPELLINGS = {
    "limited": "ltd",
    "incorporated": "inc",
    "corporation": "corp",
    "company": "co",
    "und": "and",
    "private": "pvt",
}
_LEGAL_FORMS = frozenset(_FORM_WORDS.split())
_FREE_MAIL = frozenset(_FREE_MAIL_DOMAINS.split())


def normalised_name(name: str) -> str:
    """The name with its legal form spelt one way, for saying two names are the same: 'Acme Inc.' is not 'Acme GmbH'."""
    return _plain(name)


def name_words(name: str) -> str:
    """The name without its legal form, for saying two names are alike."""
    plain = _plain(name)
    return " ".join(word for word in plain.split() if word not in _LEGAL_FORMS) or plain


def normalised_reference(reference: str) -> str:
    return "".join(reference.split()).casefold()


def normalised_tax_number(number: str) -> str:
    """Letters and digits only: 'DE 123.456.789' is 'DE123456789'. Too short to identify anybody: empty."""
    kept = "".join(char for char in unicodedata.normalize("NFKC", number).upper() if char.isalnum())
    return kept if sum(char.isdigit() for char in kept) >= 5 and len(set(kept)) > 2 else ""


def domain_of(address: str) -> str:
    """Domain of an email address, web address or bare domain, without 'www.'; empty when there is none."""
    text = address.strip().casefold()
    text = re.sub(r"^[a-z][a-z0-9+.-]*://", "", text).rsplit("@", 1)[-1]
    host = re.split(r"[/?#:]", text, maxsplit=1)[0].strip(". ").removeprefix("www.")
    return host if "." in host and " " not in host else ""


def is_free_mail(domain: str) -> bool:
    """A provider's domain says nothing about whom its user works for."""
    return domain in _FREE_MAIL


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).casefold().replace("&", " and ")
    text = _DOTTED.sub(lambda found: found.group().replace(".", "").replace(" ", "") + " ", text)
    text = "".join(_LETTERS.get(char, char) for char in text)
    text = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    spaced = "".join(char if char.isalnum() else " " for char in text.replace("'", "").replace("’", ""))
    words = " ".join(_SPELLINGS.get(word, word) for word in spaced.split())
    return _SPACED_FORM.sub(lambda found: found.group().replace(" ", ""), words)
