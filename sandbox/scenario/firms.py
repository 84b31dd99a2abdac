"""The three practice firms: who they are, whom they work for, what they sell. Invented names throughout."""

# One line per row, as a table is read.
# ruff: noqa: E501

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    first: str
    last: str
    role: str
    rate: int
    cost: int
    hours_a_day: float = 7.5


@dataclass(frozen=True, slots=True)
class Client:
    """`psa` and `erp` are the name there; empty means that the other system does not know them yet."""

    name: str
    domain: str
    tax_number: str
    country: str
    city: str
    industry: str
    currency: str = ""
    psa: str = ""
    erp: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A project in the PSA, and the won deal it came from. `rate` is the project's, where it bills by project."""

    client: str
    name: str
    code: str
    bill_by: str
    rate: int = 0
    hours: int = 200
    weight: float = 1.0
    billable: bool = True


@dataclass(frozen=True, slots=True)
class Pitch:
    """A deal that is not a project (yet). `age` is how many days ago it was opened."""

    client: str
    name: str
    stage: str
    amount: int
    age: int


@dataclass(frozen=True, slots=True)
class Tax:
    tax_type: str
    name: str
    rate: str
    income: bool = True
    report: str = "OUTPUT"


@dataclass(frozen=True, slots=True)
class Firm:
    slug: str
    name: str
    currency: str
    country: str
    domain: str
    tax_number: str
    people: tuple[Person, ...]
    tasks: tuple[str, ...]
    clients: tuple[Client, ...]
    jobs: tuple[Job, ...]
    pitches: tuple[Pitch, ...]
    taxes: tuple[Tax, ...]
    home_tax: str
    abroad_tax: str
    tracking: tuple[tuple[str, tuple[str, ...]], ...]


WON, SENT, DECIDING, SHOWN, QUALIFIED, FIRST, LOST = (
    "closedwon", "contractsent", "decisionmakerboughtin", "presentationscheduled", "qualifiedtobuy",
    "appointmentscheduled", "closedlost",
)  # fmt: skip

KESTREL = Firm(
    slug="kestrel-studio", name="Kestrel Studio", currency="EUR", country="FR", domain="kestrel-studio.example",
    tax_number="FR38501234567",
    people=(
        Person("Élodie", "Marchand", "Creative director", 140, 72),
        Person("Tomasz", "Wójcik", "Senior developer", 120, 58),
        Person("Inès", "Haddad", "UX designer", 105, 49),
        Person("Jonas", "Lindqvist", "Developer", 95, 44),
        Person("Camille", "Roux", "Project manager", 110, 52),
        Person("Sofía", "Núñez", "Content strategist", 85, 38, 6.0),
    ),
    tasks=("Design", "Development", "Project management", "Content", "Quality assurance", "Travel", "Internal"),
    clients=(
        Client("Atelier Lumen", "atelier-lumen.example", "FR61402345678", "FR", "Lyon", "Lighting", psa="Atelier Lumen", erp="Atelier Lumen"),
        Client("Brasserie du Canal", "brasserie-canal.example", "FR27413456789", "FR", "Paris", "Hospitality", psa="Brasserie du Canal", erp="Brasserie du Canal SARL"),
        Client("Nordwind Logistik GmbH", "nordwind-logistik.example", "DE811234567", "DE", "Hamburg", "Logistics", psa="Nordwind Logistik", erp="Nordwind Logistik GmbH"),
        Client("Fjordline Outdoor", "fjordline-outdoor.example", "NO998877665MVA", "NO", "Bergen", "Retail", psa="Fjordline Outdoor", erp="Fjordline Outdoor AS"),
        Client("Maison Aubépine", "maison-aubepine.example", "FR44424567890", "FR", "Annecy", "Cosmetics", psa="Maison Aubépine", erp="Maison Aubépine"),
        Client("Civita Museo", "civita-museo.example", "IT01234567890", "IT", "Torino", "Culture", psa="Civita Museo", erp="Fondazione Civita Museo"),
        Client("Veldkamp Zaden B.V.", "veldkamp-zaden.example", "NL001234567B01", "NL", "Enkhuizen", "Agriculture", psa="Veldkamp Zaden", erp="Veldkamp Zaden BV"),
        Client("Optiq Santé", "optiq-sante.example", "FR09435678901", "FR", "Nantes", "Health", erp="Optiq Santé SAS"),
        Client("Harbour & Finch", "harbourfinch.example", "IE3456789AB", "IE", "Cork", "Publishing"),
        Client("Solaris Énergies", "solaris-energies.example", "FR72446789012", "FR", "Montpellier", "Energy"),
        Client("Kirschbaum Musik", "kirschbaum-musik.example", "ATU12345678", "AT", "Wien", "Music"),
        Client("Quinta do Vale", "quintadovale.example", "PT501234567", "PT", "Porto", "Wine"),
    ),
    jobs=(
        Job("Atelier Lumen", "Lumen webshop relaunch", "KES-101", "People", hours=480, weight=2.2),
        Job("Brasserie du Canal", "Booking site and menus", "KES-102", "Project", 98, hours=160, weight=0.8),
        Job("Nordwind Logistik GmbH", "Customer portal phase 2", "KES-103", "People", hours=520, weight=2.4),
        Job("Fjordline Outdoor", "Campaign site autumn", "KES-104", "Tasks", hours=220, weight=1.2),
        Job("Maison Aubépine", "Brand refresh", "KES-105", "Project", 125, hours=140, weight=0.9),
        Job("Civita Museo", "Audio guide app", "KES-106", "People", hours=300, weight=1.3),
        Job("Veldkamp Zaden B.V.", "Seed catalogue maintenance", "KES-107", "Project", 90, hours=120, weight=0.5),
        Job("Atelier Lumen", "Studio internal", "KES-000", "none", hours=0, weight=0.6, billable=False),
    ),
    pitches=(
        Pitch("Optiq Santé", "Patient journey redesign", SENT, 38_400, 34),
        Pitch("Harbour & Finch", "Author portal", DECIDING, 27_500, 41),
        Pitch("Solaris Énergies", "Configurator prototype", SHOWN, 19_800, 22),
        Pitch("Kirschbaum Musik", "Ticketing microsite", QUALIFIED, 8_600, 16),
        Pitch("Quinta do Vale", "Direct-to-consumer shop", FIRST, 31_200, 9),
        Pitch("Fjordline Outdoor", "Winter campaign", SENT, 22_750, 12),
        Pitch("Nordwind Logistik GmbH", "Driver app discovery", DECIDING, 14_900, 28),
        Pitch("Maison Aubépine", "Gift finder", LOST, 12_000, 63),
        Pitch("Harbour & Finch", "Newsletter templates", LOST, 4_300, 77),
        Pitch("Civita Museo", "Exhibition microsite", SHOWN, 16_640, 6),
        Pitch("Brasserie du Canal", "Photo direction", WON, 6_240, 8),
    ),
    taxes=(
        Tax("OUTPUT2", "20% (VAT on Income)", "20"), Tax("ECOUTPUTSERVICES", "Reverse charge EC services", "0", report="ECOUTPUTSERVICES"),
        Tax("ZERORATEDOUTPUT", "Zero rated income", "0", report="ZERORATEDOUTPUT"), Tax("NONE", "No VAT", "0", report="NONE"),
        Tax("INPUT2", "20% (VAT on Expenses)", "20", income=False, report="INPUT"),
    ),
    home_tax="OUTPUT2", abroad_tax="ECOUTPUTSERVICES",
    tracking=(("Practice", ("Design", "Development", "Strategy")), ("Region", ("France", "Europe", "Elsewhere"))),
)  # fmt: skip

HALDEN = Firm(
    slug="halden-engineering", name="Halden Engineering", currency="USD", country="US", domain="halden-eng.example",
    tax_number="84-1234567",
    people=(
        Person("Marcus", "Halden", "Principal engineer", 245, 120),
        Person("Priya", "Raghunathan", "Structural engineer", 195, 92),
        Person("Dale", "O'Connor", "Civil engineer", 175, 80),
        Person("Yuki", "Tanabe", "Geotechnical engineer", 185, 88),
        Person("Renée", "Baptiste", "CAD technician", 110, 51),
    ),
    tasks=("Structural analysis", "Drafting", "Site inspection", "Project management", "Reporting", "Travel", "Internal"),
    clients=(
        Client("Copperline Transit Authority", "copperline-transit.example", "84-7654321", "US", "Denver", "Transport", psa="Copperline Transit Authority", erp="Copperline Transit Authority"),
        Client("Prairie Wind Partners LLC", "prairiewind.example", "47-2345678", "US", "Omaha", "Energy", psa="Prairie Wind Partners", erp="Prairie Wind Partners LLC"),
        Client("Blackmoor Reservoirs plc", "blackmoor-reservoirs.example", "GB123456789", "GB", "Leeds", "Water", currency="GBP", psa="Blackmoor Reservoirs", erp="Blackmoor Reservoirs plc"),
        Client("Stonebridge Developments", "stonebridge-dev.example", "84-3456789", "US", "Boulder", "Real estate", psa="Stonebridge Developments", erp="Stonebridge Development Group"),
        Client("Port of Galena", "portofgalena.example", "36-4567890", "US", "Galena", "Ports", psa="Port of Galena", erp="Port of Galena"),
        Client("Thistle & Rowe Architects", "thistlerowe.example", "GB987654321", "GB", "Edinburgh", "Architecture", currency="GBP", psa="Thistle & Rowe", erp="Thistle and Rowe Architects Ltd"),
        Client("Mesa Verde Schools", "mesaverdeschools.example", "84-5678901", "US", "Cortez", "Education", psa="Mesa Verde Schools", erp="Mesa Verde School District"),
        Client("Larkspur Hospital", "larkspurhospital.example", "84-6789012", "US", "Fort Collins", "Health", erp="Larkspur Hospital"),
        Client("Ironwood Mining Co.", "ironwoodmining.example", "86-7890123", "US", "Tucson", "Mining"),
        Client("Severn Tidal Trust", "severntidal.example", "GB112233445", "GB", "Cardiff", "Energy", currency="GBP"),
        Client("Cascade Data Centers", "cascadedc.example", "93-8901234", "US", "Portland", "Technology"),
    ),
    jobs=(
        Job("Copperline Transit Authority", "Viaduct load rating", "HAL-2301", "People", hours=600, weight=2.6),
        Job("Prairie Wind Partners LLC", "Turbine foundation review", "HAL-2302", "People", hours=340, weight=1.8),
        Job("Blackmoor Reservoirs plc", "Spillway assessment", "HAL-2303", "Project", 150, hours=280, weight=1.6),
        Job("Stonebridge Developments", "Parcel 9 grading plan", "HAL-2304", "Tasks", hours=180, weight=1.0),
        Job("Port of Galena", "Quay wall inspection", "HAL-2305", "Project", 188, hours=150, weight=0.8),
        Job("Thistle & Rowe Architects", "Mill conversion structure", "HAL-2306", "People", hours=200, weight=1.1),
        Job("Mesa Verde Schools", "Gymnasium roof survey", "HAL-2307", "Project", 165, hours=90, weight=0.5),
        Job("Copperline Transit Authority", "Business development", "HAL-0001", "none", hours=0, weight=0.5, billable=False),
    ),
    pitches=(
        Pitch("Larkspur Hospital", "Seismic retrofit study", SENT, 86_500, 39),
        Pitch("Ironwood Mining Co.", "Tailings dam monitoring", DECIDING, 142_000, 52),
        Pitch("Severn Tidal Trust", "Barrage feasibility", SHOWN, 64_250, 24),
        Pitch("Cascade Data Centers", "Slab vibration study", QUALIFIED, 28_400, 15),
        Pitch("Stonebridge Developments", "Parcel 11 drainage", SENT, 33_900, 19),
        Pitch("Port of Galena", "Crane rail survey", FIRST, 21_750, 7),
        Pitch("Prairie Wind Partners LLC", "Access road design", DECIDING, 47_300, 30),
        Pitch("Mesa Verde Schools", "Bleacher certification", LOST, 9_800, 71),
        Pitch("Ironwood Mining Co.", "Headframe inspection", LOST, 18_600, 80),
        Pitch("Blackmoor Reservoirs plc", "Instrumentation plan", WON, 18_900, 9),
    ),
    taxes=(
        Tax("OUTPUT", "Tax on Sales 8.81%", "8.81"), Tax("NONE", "Tax Exempt", "0", report="NONE"),
        Tax("TAX001", "City services 4.125%", "4.125"), Tax("INPUT", "Tax on Purchases 8.81%", "8.81", income=False, report="INPUT"),
    ),
    home_tax="OUTPUT", abroad_tax="NONE",
    tracking=(("Discipline", ("Structural", "Civil", "Geotechnical")), ("Office", ("Denver", "Edinburgh"))),
)  # fmt: skip

MISTRAL = Firm(
    slug="mistral-advisory", name="Mistral Advisory", currency="EUR", country="FR", domain="mistral-advisory.example",
    tax_number="FR55512345678",
    people=(
        Person("Hélène", "Castellan", "Partner", 290, 150, 8.0),
        Person("Øystein", "Berg", "Senior manager", 220, 108, 8.5),
        Person("Anaïs", "Fournier", "Consultant", 160, 74, 8.0),
        Person("Björn", "Þórsson", "Analyst", 120, 55, 8.0),
        Person("Karim", "Benali", "Manager", 185, 86, 8.0),
        Person("Lotte", "van Dijk", "Analyst", 115, 52, 7.0),
    ),
    tasks=("Discovery", "Analysis", "Workshop", "Steering and reporting", "Project management", "Travel", "Internal"),
    clients=(
        Client("Groupe Vauban", "groupe-vauban.example", "FR88523456789", "FR", "Lille", "Construction", psa="Groupe Vauban", erp="Groupe Vauban"),
        Client("Minato Robotics K.K.", "minato-robotics.example", "T1234567890123", "JP", "Yokohama", "Robotics", currency="JPY", psa="Minato Robotics", erp="Minato Robotics K.K."),
        Client("Alpenbank Privat", "alpenbank-privat.example", "CHE123456789MWST", "CH", "Zürich", "Banking", psa="Alpenbank Privat", erp="Alpenbank Privat AG"),
        Client("Ferrovie del Golfo", "ferrovie-golfo.example", "IT09876543210", "IT", "Genova", "Rail", psa="Ferrovie del Golfo", erp="Ferrovie del Golfo S.p.A."),
        Client("Pharmaverde", "pharmaverde.example", "ESB12345678", "ES", "Valencia", "Pharma", psa="Pharmaverde", erp="Pharmaverde S.L."),
        Client("Région Littoral", "region-littoral.example", "FR11534567890", "FR", "Marseille", "Public sector", psa="Région Littoral", erp="Conseil Région Littoral"),
        Client("Tessellate Foods", "tessellate-foods.example", "BE0123456789", "BE", "Gent", "Food", erp="Tessellate Foods NV"),
        Client("Duna Telekom", "duna-telekom.example", "HU12345678", "HU", "Győr", "Telecoms"),
        Client("Lac & Fils", "lac-et-fils.example", "FR31545678901", "FR", "Chambéry", "Family office"),
        Client("Skagen Offshore", "skagen-offshore.example", "DK12345678", "DK", "Esbjerg", "Offshore"),
    ),
    jobs=(
        Job("Groupe Vauban", "Target operating model", "MIS-41", "People", hours=420, weight=2.4),
        Job("Minato Robotics K.K.", "Europe market entry", "MIS-42", "Project", 28_000, hours=260, weight=1.6),
        Job("Alpenbank Privat", "Cost-to-serve study", "MIS-43", "People", hours=240, weight=1.5),
        Job("Ferrovie del Golfo", "PMO set-up", "MIS-44", "People", hours=380, weight=1.8),
        Job("Pharmaverde", "Launch readiness", "MIS-45", "Project", 185, hours=120, weight=0.8),
        Job("Groupe Vauban", "Knowledge and proposals", "MIS-00", "none", hours=0, weight=0.5, billable=False),
    ),
    pitches=(
        Pitch("Région Littoral", "Digital public services review", SENT, 58_000, 33),
        Pitch("Tessellate Foods", "Post-merger integration", DECIDING, 124_500, 47),
        Pitch("Duna Telekom", "Churn diagnostics", SHOWN, 42_300, 21),
        Pitch("Lac & Fils", "Holding structure options", QUALIFIED, 18_750, 13),
        Pitch("Skagen Offshore", "Bid strategy", FIRST, 36_400, 5),
        Pitch("Minato Robotics K.K.", "Distributor selection", SENT, 7_400_000, 18),
        Pitch("Ferrovie del Golfo", "Benefits tracking", DECIDING, 29_900, 26),
        Pitch("Alpenbank Privat", "Branch network options", LOST, 66_000, 69),
        Pitch("Lac & Fils", "Succession workshop", LOST, 9_200, 82),
        Pitch("Pharmaverde", "Pricing sprint", WON, 24_050, 10),
    ),
    taxes=(
        Tax("OUTPUT2", "20% (VAT on Income)", "20"), Tax("TAX002", "5.5% (reduced VAT)", "5.5"),
        Tax("ECOUTPUTSERVICES", "Reverse charge EC services", "0", report="ECOUTPUTSERVICES"), Tax("NONE", "No VAT", "0", report="NONE"),
        Tax("INPUT2", "20% (VAT on Expenses)", "20", income=False, report="INPUT"),
    ),
    home_tax="OUTPUT2", abroad_tax="ECOUTPUTSERVICES",
    tracking=(("Service line", ("Strategy", "Operations", "Public")), ("Partner", ("Castellan", "Berg"))),
)  # fmt: skip

FIRMS = (KESTREL, HALDEN, MISTRAL)
