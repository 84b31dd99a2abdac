"""What goes in comes out on one side or the other, to the cent; what does not is found and named, and nothing else is."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.flows.rules.control_totals import (
    GRACE,
    SEARCH_LAG,
    BillingFact,
    Book,
    DocumentFact,
    Equation,
    InvoiceFact,
    LineFact,
    Place,
    State,
    Total,
    UntiedPayment,
    Why,
    WorkFact,
)

D = Decimal
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=2)
DAY = date(2026, 11, 2)
MONTH = date(2026, 11, 1)


def billing(hours: str = "2", amount: str = "200", **values: object) -> BillingFact:
    return replace(BillingFact(7, "EUR", D(hours), D(amount), rate=D(100)), **values)  # type: ignore[arg-type]


def entry(**values: object) -> WorkFact:
    given = {"hours": D(2), "rate": D(100), **values}
    return WorkFact("time_entry", 1, 7, DAY, "EUR", LONG_AGO, **given)  # type: ignore[arg-type]


def only(book: Book) -> Total:
    (total,) = book.totals()
    return total


def work(*facts: WorkFact, lines: tuple[LineFact, ...] = ()) -> Total:
    book = Book()
    book.work(facts, lines)
    return only(book)


def told(total: Total) -> list[tuple[str, Decimal, Decimal]]:
    return [(one.why, one.hours, one.amount) for one in total.explanations]


class TestWork:
    def test_what_waits_and_what_is_invoiced_make_what_is_approved(self) -> None:
        total = work(entry(is_claimed=True), entry(billings=(billing(),)), entry(written_off=(D(2), D(200))))

        assert total.place == Place(7, MONTH, "EUR")
        assert {name: (part.hours, part.amount, part.count) for name, part in total.parts.items()} == {
            "approved": (6, 600, 3),
            "invoiced": (2, 200, 1),
            "unbilled": (2, 200, 1),
            "written_off": (2, 200, 1),
        }
        assert total.state(NOW) is State.BALANCED

    def test_approved_work_that_nobody_takes_up_is_named(self) -> None:
        total = work(entry())

        assert told(total) == [(Why.LOST, -2, -200)]
        assert (total.hours_difference, total.amount_difference) == (-2, -200)
        assert total.state(NOW) is State.BREAK

    def test_what_changed_a_moment_ago_is_settling_and_says_until_when(self) -> None:
        total = work(replace(entry(), changed_at=NOW - GRACE + timedelta(seconds=1)))

        assert total.state(NOW) is State.SETTLING
        assert total.settled_at() == NOW + timedelta(seconds=1)
        assert total.state(NOW + timedelta(seconds=1)) is State.BREAK

    def test_one_that_changed_a_moment_ago_has_the_others_wait(self) -> None:
        young = replace(entry(), id=2, changed_at=NOW)

        assert work(entry(), young).state(NOW) is State.SETTLING

    def test_work_on_a_voided_invoice_is_on_neither_side(self) -> None:
        assert told(work(entry(billings=(billing(is_on_voided=True),)))) == [(Why.ON_VOIDED, -2, -200)]

    def test_work_that_is_gone_but_still_invoiced(self) -> None:
        assert told(work(entry(is_approved=False, billings=(billing(),)))) == [(Why.OVER_INVOICED, 2, 200)]

    def test_a_correction_that_is_due_waits_to_be_credited(self) -> None:
        total = work(entry(hours=D("1.5"), billings=(billing(),), is_claimed=True))

        assert (total.parts["unbilled"].hours, total.parts["unbilled"].amount) == (D("-0.5"), -50)
        assert total.state(NOW) is State.BALANCED

    def test_rounding_and_minimum_of_what_was_billed_are_no_difference(self) -> None:
        """0.1 h worked, billed as 0.5 h at 100."""
        total = work(entry(hours=D("0.1"), billings=(billing("0.1", "50"),)))

        assert total.state(NOW) is State.BALANCED and total.parts["approved"].amount == 50

    def test_less_work_beyond_the_cap_was_never_owed(self) -> None:
        beyond = billing("2", "150", beyond_cap=D(50))

        assert work(entry(hours=D("1.5"), billings=(beyond,))).state(NOW) is State.BALANCED
        assert work(entry(hours=D(1), billings=(beyond,))).state(NOW) is State.BREAK
        assert told(work(entry(hours=D(3), billings=(beyond,)))) == [(Why.LOST, -1, -75)]

    def test_work_that_moved_is_a_difference_in_both_projects(self) -> None:
        book = Book()
        book.work([entry(billings=(billing(project_id=3),))])

        here, there = sorted(book.totals(), key=lambda total: -total.place.project_id)
        assert told(here) == [(Why.LOST, -2, -200)] and told(there) == [(Why.OVER_INVOICED, 2, 200)]

    def test_moved_and_corrected_it_is_balanced_in_both(self) -> None:
        book = Book()
        was, back = billing(project_id=3), billing("-2", "-200", project_id=3)
        book.work([entry(billings=(was, back, billing()))])

        assert [total.state(NOW) for total in book.totals()] == [State.BALANCED, State.BALANCED]

    def test_a_line_is_what_its_work_comes_to(self) -> None:
        line = LineFact(5, 7, DAY, "EUR", D(210), D(200), 1, LONG_AGO)
        total = work(entry(billings=(billing(),)), lines=(line,))

        assert told(total) == [(Why.LINE_DIFFERS, 0, 10)] and total.amount_difference == 10
        bare = work(entry(is_claimed=True), lines=(replace(line, shares=D(0), share_count=0),))
        assert told(bare) == [(Why.LINE_WITHOUT_WORK, 0, 210)]

    def test_expenses_count_by_amount(self) -> None:
        def spent(**values: object) -> WorkFact:
            return WorkFact("expense", 2, 7, DAY, "EUR", LONG_AGO, amount=D(50), **values)  # type: ignore[arg-type]

        with_markup = billing("0", "55")
        assert work(spent(is_claimed=True)).state(NOW) is State.BALANCED
        assert work(spent(billings=(with_markup,))).state(NOW) is State.BALANCED
        off = spent(billings=(with_markup,), written_off=(D(0), D(50)))
        assert told(work(off)) == [(Why.WRITTEN_OFF_TOO, 0, 55)]
        assert told(work(spent())) == [(Why.LOST, 0, -50)]
        assert told(work(spent(is_approved=False, billings=(with_markup,)))) == [(Why.OVER_INVOICED, 0, 55)]

    def test_work_without_a_rate_counts_its_hours_and_says_so(self) -> None:
        total = work(entry(rate=None, is_claimed=True))

        assert (total.parts["unbilled"].hours, total.unvalued, total.state(NOW)) == (2, 1, State.BALANCED)


def document(**values: object) -> DocumentFact:
    given = {"delivered_at": LONG_AGO, "changed_at": LONG_AGO, **values}
    return DocumentFact(9, 7, DAY, "EUR", D(120), given.pop("ledger_amount", D(120)), **given)  # type: ignore[arg-type]


def sent(*facts: DocumentFact) -> Total:
    book = Book()
    book.documents(facts)
    return only(book)


class TestDocuments:
    def test_our_own_answer_proves_nothing(self) -> None:
        total = sent(document())

        assert total.state(NOW) is State.UNCONFIRMED and total.oldest_unconfirmed_at == LONG_AGO
        assert total.parts["unconfirmed"].amount == 120

    def test_seen_after_its_delivery_it_is_in_the_ledger(self) -> None:
        assert sent(document(seen_at=LONG_AGO + timedelta(hours=1))).state(NOW) is State.BALANCED
        assert sent(document(seen_at=LONG_AGO - timedelta(seconds=1))).state(NOW) is State.UNCONFIRMED

    def test_a_complete_read_that_does_not_find_it_is_a_break(self) -> None:
        late = LONG_AGO + SEARCH_LAG

        assert told(sent(document(read_all_at=late))) == [(Why.MISSING, 0, -120)]
        assert sent(document(read_all_at=late - timedelta(seconds=1))).state(NOW) is State.UNCONFIRMED
        assert told(sent(document(read_all_at=late, seen_at=late - timedelta(seconds=1)))) == [(Why.MISSING, 0, -120)]
        assert sent(document(read_all_at=late, seen_at=late)).state(NOW) is State.BALANCED

    def test_voided_there_it_is_accounted_for(self) -> None:
        total = sent(document(is_void=True, ledger_amount=D(0), read_all_at=NOW))

        assert total.state(NOW) is State.BALANCED and total.parts["voided"].amount == 120

    def test_another_amount_and_a_double_are_named(self) -> None:
        total = sent(document(seen_at=NOW, ledger_amount=D(110), twins=(10,)))

        assert told(total) == [(Why.AMOUNT_DIFFERS, 0, -10), (Why.TWICE, 0, 120)]
        assert [one.id for one in total.explanations] == [9, 10] and total.amount_difference == 110


def invoice(total: str = "120", paid: str = "0", **values: object) -> InvoiceFact:
    given = {"is_settled": False, "changed_at": LONG_AGO, **values}
    return InvoiceFact(9, 7, DAY, "EUR", D(total), D(paid), **given)  # type: ignore[arg-type]


def money(*facts: InvoiceFact, untied: tuple[UntiedPayment, ...] = ()) -> Total:
    book = Book()
    book.payments(facts, untied)
    return only(book)


class TestPayments:
    def test_paid_and_open_make_what_was_invoiced(self) -> None:
        total = money(invoice(), invoice(paid="20", payments=D(20)), invoice("-120"))

        assert {name: part.amount for name, part in total.parts.items()} == {
            "invoiced": 120, "paid": 20, "open": 100, "settled_otherwise": 0,
        }  # fmt: skip
        assert total.state(NOW) is State.BALANCED

    def test_settled_by_a_credit_it_is_not_open(self) -> None:
        total = money(invoice(paid="20", is_settled=True))

        assert (total.parts["open"].amount, total.parts["settled_otherwise"].amount) == (0, 100)

    def test_payments_that_differ_from_the_ledger_are_named(self) -> None:
        assert told(money(invoice(paid="20", payments=D(25)))) == [(Why.PAYMENTS_DIFFER, 0, 5)]
        assert told(money(invoice(paid="20", payments=D(0)))) == [(Why.PAYMENTS_DIFFER, 0, -20)]

    @pytest.mark.parametrize(("total", "paid"), [("120", "130"), ("-120", "-130")])
    def test_paid_too_much(self, total: str, paid: str) -> None:
        assert told(money(invoice(total, paid))) == [(Why.OVERPAID, 0, D(paid) - D(total))]

    def test_a_payment_that_pays_nothing_we_know(self) -> None:
        total = money(untied=(UntiedPayment(4, DAY, "EUR", D(30), LONG_AGO),))

        assert (told(total), total.place) == ([(Why.PAYMENT_UNTIED, 0, 30)], Place(0, MONTH, "EUR"))


unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
amounts = st.decimals(min_value=-10_000, max_value=10_000, places=2)
hours = st.decimals(min_value=D("0.25"), max_value=100, places=2)
projects = st.integers(0, 3)
days = st.dates(date(2026, 9, 1), date(2026, 12, 1))
currencies = st.sampled_from(["EUR", "JPY", "KWD"])


@st.composite
def balanced_work(draw: st.DrawFn) -> WorkFact:
    """Work in a state that a flow may leave it in."""
    project, day, currency, worked = draw(projects), draw(days), draw(currencies), draw(hours)
    fact = WorkFact("time_entry", draw(st.integers(1, 10**6)), project, day, currency, LONG_AGO, hours=worked)
    match draw(st.sampled_from(["claimed", "billed", "corrected", "moved", "off", "gone"])):
        case "claimed":
            return replace(fact, is_claimed=True, rate=draw(st.one_of(st.none(), st.just(D("95.5")))))
        case "off":
            return replace(fact, written_off=(worked, draw(amounts)))
        case "gone":
            return replace(fact, is_approved=False)
        case "billed":
            return replace(fact, billings=(BillingFact(project, currency, worked, draw(amounts)),))
        case "corrected":
            first = draw(hours)
            both = (first, worked - first)
            return replace(fact, billings=tuple(BillingFact(project, currency, one, draw(amounts)) for one in both))
        case _:
            amount, other = draw(amounts), project + 1
            there = BillingFact(other, currency, worked, amount), BillingFact(other, currency, -worked, -amount)
            return replace(fact, billings=(*there, BillingFact(project, currency, worked, draw(amounts))))


@unhurried
@given(st.lists(balanced_work(), max_size=30))
def test_what_a_flow_leaves_in_order_is_never_a_break(facts: list[WorkFact]) -> None:
    book = Book()
    book.work(facts)

    for total in book.totals():
        assert total.state(NOW) is State.BALANCED
        assert (total.hours_difference, total.amount_difference) == (0, 0)
    approved = sum((total.parts["approved"].hours for total in book.totals()), D(0))
    assert approved == sum((fact.hours for fact in facts if fact.is_approved), D(0))


@unhurried
@given(st.lists(balanced_work(), max_size=10), balanced_work(), st.data())
def test_one_injected_break_is_found_and_named_alone(
    facts: list[WorkFact], victim: WorkFact, data: st.DataObject
) -> None:
    victim = replace(victim, id=10**7, rate=D(80), is_approved=True)
    where = (victim.project_id, victim.day.replace(day=1), victim.currency)
    kind = data.draw(st.sampled_from(["lost", "voided", "doubled", "unapproved"]))
    one = BillingFact(victim.project_id, victim.currency, victim.hours, D(12))
    broken = {
        "lost": replace(victim, billings=(), is_claimed=False, written_off=None),
        "voided": replace(victim, billings=(replace(one, is_on_voided=True),), written_off=None),
        "doubled": replace(victim, billings=(one, one), is_claimed=False, written_off=None),
        "unapproved": replace(victim, billings=(one,), is_approved=False, is_claimed=False, written_off=None),
    }[kind]
    book = Book()
    book.work([*facts, broken])

    bad = [total for total in book.totals() if total.state(NOW) is State.BREAK]
    assert [total.place for total in bad] == [Place(*where)]
    assert [one.id for one in bad[0].explanations] == [10**7]
    assert bad[0].hours_difference == sum(one.hours for one in bad[0].explanations)
    assert bad[0].amount_difference == sum(one.amount for one in bad[0].explanations)


moments = st.integers(-200, 3000).map(lambda minutes: LONG_AGO + timedelta(minutes=minutes))


@unhurried
@given(
    st.lists(
        st.builds(
            DocumentFact, st.integers(1, 99), projects, days, currencies, amounts, amounts, st.just(LONG_AGO),
            st.just(LONG_AGO), st.none() | moments, st.none() | moments, st.booleans(), st.just(()),
        ),
        max_size=20,
    ),
    st.lists(
        st.builds(
            InvoiceFact, st.integers(1, 99), projects, days, currencies, amounts, amounts, st.booleans(),
            st.just(LONG_AGO), st.none() | amounts,
        ),
        max_size=20,
    ),
)  # fmt: skip
def test_every_difference_is_the_sum_of_what_explains_it(
    documents: list[DocumentFact], invoices: list[InvoiceFact]
) -> None:
    book = Book()
    book.documents(documents)
    book.payments(invoices)

    for total in book.totals():
        assert total.amount_difference == sum((one.amount for one in total.explanations), D(0))
        assert (total.state(NOW) is State.BREAK) == bool(total.explanations)
    sent = [total.parts["delivered"] for total in book.totals() if total.equation is Equation.DOCUMENTS]
    assert sum(part.count for part in sent) == len(documents)
