"""Words the plan draws from: names of contacts, notes on timesheets, expense lines."""

# One line per row, as a table is read.

FIRST_NAMES = (
    "Agnès", "Bastien", "Clara", "Dmitri", "Esra", "Félix", "Greta", "Hugo", "Ilse", "Jean-Luc", "Kaori", "Łukasz",
    "Maëlle", "Nils", "Olga", "Patrick", "Quentin", "Ruth", "Søren", "Thérèse", "Umberto", "Vera", "Wim", "Xenia",
    "Yann", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Almeida", "Bergström", "Chevalier", "Dąbrowska", "Eriksen", "Fontaine", "Grünwald", "Hassan", "Ivanova", "Jansen",
    "Kobayashi", "Lefèvre", "Müller", "Novák", "O'Brien", "Petit", "Quist", "Rossi", "Šimić", "Tremblay", "Ueda",
    "Vandenberghe", "Weiss", "Yılmaz", "Zanetti",
)  # fmt: skip
TITLES = (
    "Head of Digital",
    "CFO",
    "Procurement",
    "Managing director",
    "Operations",
    "Project owner",
    "Accounts payable",
)

NOTES = (
    "Stand-up and planning", "Client call", "Review comments worked in", "First draft", "Second round", "Pairing",
    "Fixing findings from last week", "Preparing the steering committee", "Prototype", "Documentation",
    "Interviews", "Data clean-up", "On site", "Hand-over", "Acceptance checks", "Backlog refinement",
)  # fmt: skip
LONG_NOTES = (
    "Worked through the list of open points from Tuesday: 1) field naming, 2) export of the old records (some rows had "
    "two owners; asked the client which one counts), 3) the layout on narrow screens. Points 1 and 2 done and shown to "
    "the client, 3 needs another round with the designer. Also answered two questions by phone — noted in the project log.",
    "Atelier à distance avec l’équipe du client : parcours « commande », règles d’arrondi (0,5 h), exceptions du week-end. "
    "Décisions notées ; reste à trancher : qui valide les écarts > 5 % ? Préparé le compte rendu et l’envoi pour vendredi.",
    "打ち合わせ（横浜）: 要件の優先順位を確認。次回までに試作を用意。 — Summary sent in English; translation of the annex still open. ✅",
    "Řešeny připomínky: délka názvů, tisk, přístupnost. Naïve café test strings – “quotes”, ‘apostrophes’, ½ €, 𝛑≈3.14, 👩‍💻.",
)
EXPENSES = (
    ("Train", "Train to the client", 48, 190), ("Hotel", "One night near the client", 95, 210),
    ("Meals", "Dinner with the project team", 22, 96), ("Mileage", "Drive to the site", 0, 0),
    ("Software", "Licence for the project", 15, 120), ("Print", "Prints for the workshop", 12, 88),
)  # fmt: skip
