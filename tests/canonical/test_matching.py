"""Finding a client that is already there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.canonical.matching import MatchKind, MatchOutcome, MatchResult, Party, find_match
from apps.canonical.names import domain_of, is_free_mail, name_words, normalised_name, normalised_tax_number

ACME = Party("1", "Acme GmbH", tax_number="DE123456789", domain="acme.example", reference="C-100")
BETA = Party("2", "Beta Consulting Ltd", tax_number="GB987654321", domain="beta.example", reference="C-200")
POOL = [ACME, BETA]


def match(**fields: str) -> MatchResult:
    return find_match(Party("", **{"name": "Somebody", **fields}), POOL)


class TestCertain:
    @pytest.mark.parametrize(
        ("fields", "kind", "candidate"),
        [
            ({"reference": " c-100 "}, MatchKind.REFERENCE, "1"),
            ({"tax_number": "de 123.456.789"}, MatchKind.TAX_NUMBER, "1"),
            ({"domain": "https://www.Beta.example/about"}, MatchKind.DOMAIN, "2"),
            ({"email": "Anna@beta.example"}, MatchKind.DOMAIN, "2"),
            ({"name": "ACME G.m.b.H."}, MatchKind.EXACT_NAME, "1"),
            ({"name": "beta  consulting LIMITED"}, MatchKind.EXACT_NAME, "2"),
        ],
    )
    def test_one_identifier_decides(self, fields: dict[str, str], kind: MatchKind, candidate: str) -> None:
        result = match(**fields)

        assert (result.outcome, result.candidate_id) == (MatchOutcome.CERTAIN, candidate)
        [found] = result.matches
        assert (found.kind, found.score) == (kind, 100) and found.reason

    def test_a_reference_outranks_a_domain_and_a_name(self) -> None:
        assert match(reference="C-100", domain="beta.example", name="Beta Consulting Ltd").candidate_id == "1"

    def test_nothing_in_common(self) -> None:
        assert match(name="Zeta Shipping", domain="zeta.example") == MatchResult(MatchOutcome.NONE)

    def test_nobody_to_compare_with(self) -> None:
        assert find_match(ACME, []).outcome is MatchOutcome.NONE


class TestConflicts:
    @pytest.mark.parametrize(
        "fields",
        [
            {"reference": "C-100", "tax_number": "GB987654321"},
            {"domain": "acme.example", "email": "x@beta.example"},
            {"domain": "acme.example", "name": "Beta Consulting Ltd"},
        ],
    )
    def test_identifiers_that_disagree_are_ambiguous(self, fields: dict[str, str]) -> None:
        result = match(**fields)

        assert (result.outcome, result.candidate_id) == (MatchOutcome.AMBIGUOUS, None)
        assert [found.candidate_id for found in result.matches] == ["1", "2"]

    def test_two_records_of_one_firm_are_ambiguous(self) -> None:
        twin = Party("3", "Acme GmbH", tax_number="DE123456789")

        assert find_match(Party("", "Acme", tax_number="DE123456789"), [*POOL, twin]).outcome is MatchOutcome.AMBIGUOUS

    def test_another_tax_number_is_another_firm_whatever_the_name(self) -> None:
        result = match(name="Acme GmbH", domain="acme.example", tax_number="DE999888777")

        assert result.outcome is MatchOutcome.PROPOSED
        assert "tax numbers differ" in result.matches[0].reason

    def test_companies_of_a_group_share_a_domain_and_the_name_decides(self) -> None:
        group = [Party("1", "Acme GmbH", domain="acme.example"), Party("2", "Acme Ltd", domain="acme.example")]

        assert find_match(Party("", "Acme Limited", domain="acme.example"), group).candidate_id == "2"
        assert find_match(Party("", "Acme Inc", domain="acme.example"), group).outcome is MatchOutcome.AMBIGUOUS


class TestFreeMail:
    @pytest.mark.parametrize("domain", ["gmail.com", "outlook.com", "gmx.de", "qq.com", "proton.me", "orange.fr"])
    def test_never_matches_by_domain(self, domain: str) -> None:
        pool = [Party("1", "Anna Berg", email=f"anna@{domain}", domain=domain)]

        assert is_free_mail(domain)
        assert find_match(Party("", "Ben Ek", email=f"ben@{domain}"), pool).outcome is MatchOutcome.NONE


class TestLegalForm:
    @pytest.mark.parametrize(
        ("known", "name"),
        [
            ("Müller & Söhne GmbH & Co. KG", "Muller und Sohne"),
            ("Société Générale S.A.", "Societe Generale"),
            ("Orsted", "Ørsted A/S"),
        ],
    )
    def test_a_name_that_only_leaves_it_out_is_the_same(self, known: str, name: str) -> None:
        result = find_match(Party("", name), [Party("9", known), Party("8", "Zeta Shipping BV")])

        assert (result.outcome, result.candidate_id) == (MatchOutcome.CERTAIN, "9")

    def test_two_firms_that_differ_only_by_it_are_a_persons_choice(self) -> None:
        pool = [Party("1", "Acme GmbH"), Party("2", "Acme AG")]

        assert find_match(Party("", "Acme"), pool).outcome is MatchOutcome.AMBIGUOUS


class TestProposals:
    @pytest.mark.parametrize(
        ("known", "name"),
        [
            ("Acme GmbH", "Acme Inc."),
            ("Beta Consulting Ltd", "Consulting Beta"),
            ("Northwind Traders AB", "Nortwind Traders"),
            ("Data Works SARL", "DataWorks"),
        ],
    )
    def test_a_similar_name_is_proposed_never_taken(self, known: str, name: str) -> None:
        result = find_match(Party("", name), [Party("9", known), Party("8", "Zeta Shipping BV")])

        assert (result.outcome, result.candidate_id) == (MatchOutcome.PROPOSED, None)
        [found] = result.matches
        assert (found.candidate_id, found.kind) == ("9", MatchKind.FUZZY_NAME)
        assert 82 <= found.score < 100 and known in found.reason

    @pytest.mark.parametrize(
        ("known", "name"),
        [("Alpha GmbH", "Beta GmbH"), ("AB", "AG"), ("North Ltd", "South Ltd"), ("", "Acme"), ("GmbH", "Ltd")],
    )
    def test_unlike_names_are_not(self, known: str, name: str) -> None:
        assert find_match(Party("", name), [Party("9", known)]).outcome is MatchOutcome.NONE

    def test_best_first_and_the_bar_can_be_set(self) -> None:
        pool = [Party("1", "Northwind Trading"), Party("2", "Northwind Traders"), Party("3", "Northwood Trades")]

        scores = [found.score for found in find_match(Party("", "Northwind Trader"), pool, proposal_score=70).matches]

        assert scores == sorted(scores, reverse=True) and len(scores) == 3
        assert len(find_match(Party("", "Northwind Trader"), pool, proposal_score=95).matches) == 1

    @given(name=st.text(max_size=60), known=st.text(max_size=60))
    def test_any_text_is_survived_and_order_does_not_matter(self, name: str, known: str) -> None:
        pool = [Party("1", known), Party("2", "Beta")]

        assert find_match(Party("", name), pool) == find_match(Party("", name), pool[::-1])


class TestNames:
    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("Acme G.m.b.H.", "acme"),
            ("Foo Sp. z o.o.", "foo"),
            ("S.A.R.L. Dupont", "dupont"),
            ("AB Volvo", "volvo"),
            ("J. P. Morgan Inc.", "jp morgan"),
            ("L'Oréal", "loreal"),
            ("Straße AG", "strasse"),
            ("Škoda s.r.o.", "skoda"),
            ("株式会社トヨタ", "株式会社トヨタ"),
            ("Limited", "ltd"),
            ("", ""),
        ],
    )
    def test_words_without_the_legal_form(self, name: str, words: str) -> None:
        assert name_words(name) == words

    def test_the_legal_form_tells_firms_apart_when_names_must_be_the_same(self) -> None:
        assert normalised_name("Acme Inc.") == normalised_name("ACME Incorporated") != normalised_name("Acme GmbH")

    @pytest.mark.parametrize(
        ("number", "normal"),
        [
            ("DE 123.456.789", "DE123456789"),
            ("gb-987 654 321", "GB987654321"),
            ("n/a", ""),
            ("0000000", ""),
            ("12", ""),
        ],
    )
    def test_tax_numbers(self, number: str, normal: str) -> None:
        assert normalised_tax_number(number) == normal

    @pytest.mark.parametrize(
        ("address", "domain"),
        [
            ("anna@Acme.example", "acme.example"),
            ("https://www.acme.example:8443/x?y", "acme.example"),
            ("acme.example.", "acme.example"),
            ("localhost", ""),
            ("", ""),
            ("not a domain. really", ""),
        ],
    )
    def test_domains(self, address: str, domain: str) -> None:
        assert domain_of(address) == domain
