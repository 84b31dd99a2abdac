"""New ids in the vendor's form, and secrets in a form of its own."""

import re
import secrets
import string
import uuid

from sandbox.declarative.language import IdForm
from sandbox.framework.store import Store

_PART = re.compile(r"\{(n|alnum|hex|digits|upper)(?::?(\d+))?\}")
_LETTERS = {
    "alnum": string.ascii_letters + string.digits,
    "hex": "0123456789abcdef",
    "digits": string.digits,
    "upper": string.ascii_uppercase + string.digits,
}


def new_id(form: IdForm, store: Store, account: str, name: str) -> str | int:
    if form.form == "uuid":
        return str(uuid.uuid4())
    if form.form == "pattern":
        return from_pattern(form.pattern, store, account, name)
    number = store.next_number(account, f"id {name}", start=form.start)
    return number if form.form == "number" else str(number)


def from_pattern(pattern: str, store: Store, account: str, name: str) -> str:
    """`INV-{n:05}`, `cus_{alnum14}`: {n} counts, the others are random."""

    def part(found: re.Match[str]) -> str:
        kind, width = found.group(1), int(found.group(2) or 0)
        if kind == "n":
            return str(store.next_number(account, f"sequence {name}")).rjust(width, "0")
        return "".join(secrets.choice(_LETTERS[kind]) for _ in range(width or 8))

    return _PART.sub(part, pattern)
