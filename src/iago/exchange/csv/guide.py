"""The guide for data managers: one page that prints, with every table, column and code."""

from dataclasses import dataclass

from jinja2 import Environment

from iago.errors import InvalidInputError
from iago.standard import STANDARD_VERSION
from iago.standard.codelists import LOCAL_PREFIX, CodeList, load_codelist
from iago.standard.records import Element, RecordType, load_records

LANGUAGES = ("en", "de")
_WORDS = {
    "en": {
        "title": "How to fill the CSV files",
        "intro": "One file for each table. Leave out files and columns for which you have no "
        "data; only patients.csv and courses.csv must be there. The folder example holds an "
        "invented data set that can be imported as it is.",
        "rules": [
            "Save as “CSV UTF-8”. Comma, semicolon and tab are accepted as delimiter; decimal "
            "commas only where the delimiter is not the comma.",
            "Dates are YYYY-MM-DD. Where the day or the month is not known, write YYYY-MM or "
            "YYYY. In Excel choose the number format YYYY-MM-DD before saving.",
            "Each time is given as a date or as a day from infusion (day 0 = infusion, "
            "negative before it). One of the two is enough. A time known to a span of days only "
            "may be written in two columns …_day_earliest and …_day_latest.",
            "An empty cell means no information. In place of any value that is not required you "
            "may say why it is absent: {flavours}.",
            "Identifiers are random pseudonyms of letters, digits and . _ : / + - (at most 64). "
            "Never use hospital numbers, initials or dates of birth.",
            "No free text. A product, organism or other code that an open list lacks may be "
            f"written as {LOCAL_PREFIX}name.",
        ],
        "column": "Column",
        "meaning": "Question",
        "allowed": "What may be written",
        "required": "required",
        "key": "Each row is one",
        "codes": "Code lists",
        "code": "Code",
        "label": "Label",
        "also": "Also accepted",
        "units": "Units",
        "open": f"Open list: codes of your own as {LOCAL_PREFIX}name.",
        "asks": "Asked by the authors of IAGO",
        "source": "Source",
        "contents": "Contents",
    },
    "de": {
        "title": "So werden die CSV-Dateien ausgefüllt",
        "intro": "Eine Datei je Tabelle. Dateien und Spalten ohne Daten dürfen fehlen; nötig sind "
        "nur patients.csv und courses.csv. Der Ordner example enthält einen erfundenen Datensatz, "
        "der sich unverändert importieren lässt.",
        "rules": [
            "Als „CSV UTF-8“ speichern. Trennzeichen sind Komma, Semikolon oder Tabulator; "
            "Dezimalkommas nur, wenn das Trennzeichen kein Komma ist.",
            "Datumsangaben haben die Form JJJJ-MM-TT. Ist der Tag oder der Monat unbekannt: "
            "JJJJ-MM oder JJJJ. In Excel vor dem Speichern das Zahlenformat JJJJ-MM-TT wählen.",
            "Jede Zeit steht als Datum oder als Tag ab Infusion (Tag 0 = Infusion, davor "
            "negativ). Eines von beiden genügt. Ist nur eine Spanne von Tagen bekannt, kann sie "
            "in zwei Spalten …_day_earliest und …_day_latest stehen.",
            "Eine leere Zelle bedeutet: keine Angabe. Statt jedes nicht erforderlichen Wertes "
            "darf der Grund seines Fehlens stehen: {flavours}.",
            "Kennungen sind zufällige Pseudonyme aus Buchstaben, Ziffern und . _ : / + - "
            "(höchstens 64). Nie Fallnummern, Initialen oder Geburtsdaten verwenden.",
            "Kein Freitext. Ein Produkt, Erreger oder anderer Code, der einer offenen Liste "
            f"fehlt, wird als {LOCAL_PREFIX}name geschrieben.",
        ],
        "column": "Spalte",
        "meaning": "Frage",
        "allowed": "Was stehen darf",
        "required": "erforderlich",
        "key": "Je Zeile",
        "codes": "Codelisten",
        "code": "Code",
        "label": "Bezeichnung",
        "also": "Auch angenommen",
        "units": "Einheiten",
        "open": f"Offene Liste: eigene Codes als {LOCAL_PREFIX}name.",
        "asks": "Frage der Autoren von IAGO",
        "source": "Quelle",
        "contents": "Inhalt",
    },
}
_KINDS = {
    "en": {
        "identifier": "an identifier",
        "reference": "an identifier of {table}.csv",
        "date": "a date YYYY-MM-DD, YYYY-MM or YYYY",
        "day": "a whole number of days from infusion",
        "integer": "a whole number",
        "number": "a number",
        "yes_no": "yes or no",
        "unit": "a unit of the analyte",
        "name": "a short name (at most 80 characters)",
        "range": " from {minimum:g} to {maximum:g}",
        "least": " of {minimum:g} or more",
    },
    "de": {
        "identifier": "eine Kennung",
        "reference": "eine Kennung aus {table}.csv",
        "date": "ein Datum JJJJ-MM-TT, JJJJ-MM oder JJJJ",
        "day": "eine ganze Zahl: Tage ab Infusion",
        "integer": "eine ganze Zahl",
        "number": "eine Zahl",
        "yes_no": "ja oder nein",
        "unit": "eine Einheit der Messgröße",
        "name": "ein kurzer Name (höchstens 80 Zeichen)",
        "range": " von {minimum:g} bis {maximum:g}",
        "least": " ab {minimum:g}",
    },
}
_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 70rem; margin: 2rem auto;
  padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; }
th, td { border: 1px solid #767676; padding: .3rem .5rem; text-align: left;
  vertical-align: top; }
thead th { background: #eee; } code { font-size: .95em; white-space: nowrap; }
.small { color: #444; font-size: .9em; }
@media print { body { max-width: none; margin: 0; font-size: 10pt; } h2 { break-before: page; }
  tr { break-inside: avoid; } a { color: inherit; text-decoration: none; } }
"""
_PAGE = """<!DOCTYPE html>
<html lang="{{ language }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>IAGO {{ version }}: {{ words.title }}</title>
<style>{{ style }}</style>
</head>
<body>
<main>
<h1>{{ words.title }}</h1>
<p class="small">IAGO {{ version }}</p>
<p>{{ words.intro }}</p>
<ul>{% for rule in rules %}<li>{{ rule }}</li>{% endfor %}</ul>
<nav aria-label="{{ words.contents }}">
<h2>{{ words.contents }}</h2>
<ul>
{% for table in tables %}<li><a href="#{{ table.name }}">{{ table.label }}
 (<code>{{ table.name }}.csv</code>)</a></li>
{% endfor %}<li><a href="#codes">{{ words.codes }}</a></li>
</ul>
</nav>
{% for table in tables %}
<h2 id="{{ table.name }}">{{ table.label }}: <code>{{ table.name }}.csv</code></h2>
{% if table.key %}<p>{{ words.key }}: {% for key in table.key %}<code>{{ key }}</code>
{%- if not loop.last %} + {% endif %}{% endfor %}</p>{% endif %}
<table>
<thead><tr><th scope="col">{{ words.column }}</th><th scope="col">{{ words.meaning }}</th>
<th scope="col">{{ words.allowed }}</th></tr></thead>
<tbody>
{% for row in table.rows %}<tr>
<th scope="row"><code>{{ row.column }}</code></th>
<td>{{ row.label }}{% if row.required %} <strong>({{ words.required }})</strong>{% endif %}
{% if row.guide %}<br><span class="small">{{ row.guide }}</span>{% endif %}
{% if row.asks %}<br><span class="small">{{ words.asks }}:
<q lang="en">{{ row.asks }}</q></span>{% endif %}
{% if row.source %}<br><span class="small">{{ words.source }}:
<span lang="en">{{ row.source }}</span></span>{% endif %}
</td>
<td>{% if row.codelist %}<a href="#list-{{ row.codelist }}">{{ row.allowed }}</a>
{% else %}{{ row.allowed }}{% endif %}</td>
</tr>
{% endfor %}</tbody>
</table>
{% endfor %}
<h2 id="codes">{{ words.codes }}</h2>
{% for list in lists %}
<h3 id="list-{{ list.name }}">{{ list.title }} <code>{{ list.name }}</code></h3>
{% if list.open %}<p>{{ words.open }}</p>{% endif %}
<table>
<thead><tr><th scope="col">{{ words.code }}</th><th scope="col">{{ words.label }}</th>
<th scope="col">{{ words.also }}</th>
{% if list.with_units %}<th scope="col">{{ words.units }}</th>{% endif %}</tr></thead>
<tbody>
{% for code in list.codes %}<tr><th scope="row"><code>{{ code.code }}</code></th>
<td>{{ code.label }}{% if code.definition %}<br>
<span class="small">{{ code.definition }}</span>{% endif %}</td>
<td>{{ code.synonyms }}</td>
{% if list.with_units %}<td>{{ code.units }}</td>{% endif %}</tr>
{% endfor %}</tbody>
</table>
{% endfor %}
</main>
</body>
</html>
"""


@dataclass(frozen=True)
class _Row:
    column: str
    label: str
    allowed: str
    required: bool
    codelist: str
    guide: str
    asks: str
    source: str


def render_guide(language: str = "en") -> str:
    """A self-contained HTML page on how to fill each column, in English or German.

    Raises
    ------
    InvalidInputError
        Another language.
    """
    check_language(language)
    words = _WORDS[language]
    flavours = load_codelist("null_flavours")
    named = ", ".join(
        f"{code} ({flavours.label(code, language)})" for code in flavours.codes if code != "NI"
    )
    environment = Environment(autoescape=True, trim_blocks=True)
    return environment.from_string(_PAGE).render(
        language=language,
        version=STANDARD_VERSION,
        style=_STYLE,
        words=words,
        rules=[rule.format(flavours=named) for rule in words["rules"]],
        tables=[_table(record, language) for record in load_records()],
        lists=[_list(load_codelist(name), language) for name in _lists_used()],
    )


def check_language(language: str) -> None:
    """Check that there is a guide in this language.

    Raises
    ------
    InvalidInputError
        There is none.
    """
    if language not in LANGUAGES:
        raise InvalidInputError(
            f"There is no guide in the language {language!r}. Choose en or de; nothing was written."
        )


def _table(record: RecordType, language: str) -> dict[str, object]:
    return {
        "name": record.table,
        "label": record.label_de if language == "de" else record.label_en,
        "key": record.key,
        "rows": [
            _row(element, column, language)
            for element in record.elements
            for column in element.columns
        ],
    }


def _row(element: Element, column: str, language: str) -> _Row:
    german = language == "de"
    return _Row(
        column=column,
        label=element.label_de if german else element.label_en,
        allowed=_allowed(element, column, language),
        required=element.required,
        codelist=element.codelist,
        guide=element.guide_de if german else element.guide_en,
        asks=element.asks,
        source=element.source,
    )


def _allowed(element: Element, column: str, language: str) -> str:
    kinds = _KINDS[language]
    if element.type == "code":
        codes = load_codelist(element.codelist)
        title = codes.title_de if language == "de" else codes.title_en
        return f"{title} ({len(codes.codes)})"
    kind = element.type
    if kind == "moment":
        kind = "date" if column.endswith("_date") else "day"
    text = kinds[kind].format(table=element.references)
    limits = {"minimum": element.minimum, "maximum": element.maximum}
    if element.minimum is not None and element.maximum is not None:
        text += kinds["range"].format(**limits)
    elif element.minimum is not None:
        text += kinds["least"].format(**limits)
    return text + (f" [{element.unit}]" if element.unit else "")


def _lists_used() -> list[str]:
    names = [element.codelist for record in load_records() for element in record.elements]
    return list(dict.fromkeys(name for name in names if name))


def _list(codes: CodeList, language: str) -> dict[str, object]:
    german = language == "de"
    return {
        "name": codes.name,
        "title": codes.title_de if german else codes.title_en,
        "open": codes.extensible,
        "with_units": any("units" in code.attributes for code in codes.codes.values()),
        "codes": [
            {
                "code": code.code,
                "label": code.label_de if german else code.label_en,
                "definition": code.definition_de if german else code.definition_en,
                "synonyms": ", ".join(code.synonyms),
                "units": ", ".join(code.attributes.get("units", ())),
            }
            for code in codes.codes.values()
        ],
    }
