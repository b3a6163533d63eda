"""The page and the tables of published non-relapse mortality: what they say and refuse."""

import re
from dataclasses import replace

import pytest

from iago.dossier.evidence import DEFINITION, assess_mortality_evidence
from iago.dossier.evidence_page import format_p, render_mortality_page
from iago.dossier.figures.forest import ForestHeadings, ForestRow, draw_forest
from iago.errors import DefinitionError
from iago.identification.published_mortality import (
    POOLED_COLUMNS,
    compare_with_published,
    heterogeneity_table,
    pool_published_mortality,
    pooled_table,
)
from iago.standard.codelists import load_codelist
from iago.standard.published import check_totals, load_published_mortality, parse_cohorts

VERSIONS = {"software": "1", "standard": "1", "evidence": "1", "command": "iago evidence nrm"}
HEADER = (
    "cohort,entity,study_type,product,n_patients,n_nonrelapse_deaths,"
    "median_follow_up_months,line,inclusion_ended_2020\n"
)


@pytest.fixture(scope="module")
def evidence():
    return assess_mortality_evidence()


@pytest.fixture(scope="module")
def page(evidence):
    return render_mortality_page(
        evidence.source, evidence.groups, evidence.comparisons, DEFINITION, VERSIONS
    )


@pytest.fixture(scope="module")
def text(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.split("</style>")[1]))


def group(evidence, code):
    return next(entry for entry in evidence.groups if entry.code == code)


def test_groups_come_in_a_fixed_order(evidence):
    """Diseases first, then products in the order of the code list, then all."""
    assert [entry.code for entry in evidence.groups] == [
        *("lbcl", "mm", "mcl", "il"),
        *("axi-cel", "tisa-cel", "liso-cel", "brexu-cel", "ide-cel", "cilta-cel"),
        "all",
    ]


def test_pooled_table_has_exactly_the_declared_columns(evidence):
    """The columns of pooled.csv are a promise to other programs."""
    assert pooled_table(evidence.groups).column_names == list(POOLED_COLUMNS)


def test_mixed_cohorts_count_in_their_disease_only(evidence):
    """A cohort with two products is in no product group, and in its disease."""
    mixed = {cohort.cohort for cohort in evidence.source.cohorts if cohort.is_mixed}
    products = {
        cohort.cohort
        for entry in evidence.groups
        if entry.kind == "product"
        for cohort in entry.cohorts
    }
    assert mixed == {
        *("Akthar_2023", "Berning_2024", "Lemoine_2023", "Trando_2023", "Wudhikarn_2023")
    }
    assert not mixed & products
    assert len(products) + len(mixed) == 52


def test_products_are_codes_of_the_standard(evidence):
    """Every single product is a code of the list of products."""
    single = {cohort.product for cohort in evidence.source.cohorts if not cohort.is_mixed}
    assert single <= set(load_codelist("products").codes)


def test_unlike_follow_up_is_warned_of_from_three_fold(evidence):
    """Indolent lymphoma (2.0-fold) is not warned of; liso-cel (3.03-fold) just is."""
    assert not group(evidence, "il").unlike_follow_up
    assert group(evidence, "il").warnings == ()
    assert group(evidence, "liso-cel").unlike_follow_up
    rows = {row["group"]: row for row in heterogeneity_table(evidence.groups).to_pylist()}
    assert rows["il"]["warning"] is None
    assert "3.0-fold" in rows["liso-cel"]["warning"]


def test_the_limit_of_the_warning_is_data(evidence):
    """A higher limit in the evidence file silences the smaller ratios."""
    groups = pool_published_mortality(replace(evidence.source, unlike_follow_up_ratio=20.0))
    assert [entry.code for entry in groups if entry.unlike_follow_up] == ["lbcl", "axi-cel", "all"]


def test_missing_follow_up_is_named(evidence):
    """The cohort without follow-up is pooled, counted as missing and named in the warning."""
    assert group(evidence, "lbcl").follow_up.missing == 1
    assert "1 cohort without published follow-up" in group(evidence, "lbcl").warnings
    assert group(evidence, "mm").follow_up.missing == 0


def test_a_disagreement_with_the_publication_shows(evidence):
    """Were the printed value another one, the comparison would say so."""
    entities = tuple(replace(e, published_random_percent=9.9) for e in evidence.source.entities)
    rows = compare_with_published(evidence.groups, replace(evidence.source, entities=entities))
    assert not any(row.agrees for row in rows)


def test_page_says_what_the_number_is_not(text):
    """Crude shares are called crude, and no cumulative incidence."""
    assert "Crude non-relapse mortality: patients who died without relapse" in text
    assert "It is no cumulative incidence" in text


def test_page_warns_of_unlike_follow_up_before_any_pooled_value(text):
    """The warning, its limit and the origin of the limit stand above the first number."""
    warning = text.index("Follow-up differs several-fold")
    assert warning < text.index("95% CI 4.9 to 7.6")
    assert "In 10 of 11 groups the longest median follow-up is 3 times the shortest" in text
    assert "convention of this project, from no publication" in text
    assert "Dores 2021" in text


def test_page_shows_published_beside_ours(text):
    """Each disease has the printed and the estimated value in one row."""
    for label, value in (
        ("Large B-cell lymphoma", "6.1"),
        ("Multiple myeloma", "8.0"),
        ("Mantle cell lymphoma", "10.6"),
        ("Indolent lymphoma", "5.7"),
    ):
        assert re.search(rf"{label} {value} {value} {value} \([^)]*\) the same", text)


def test_page_names_overlap_meta_regression_and_doubts(text):
    """What limits the reading is on the page: overlap, the authors' regression, swapped counts."""
    assert "148 of the 7,604 patients (1.95%)" in text
    assert "axi-cel among cohorts with large B-cell lymphoma and cilta-cel" in text
    assert "the meta-analysis has the two numbers the other way round" in text


def test_what_the_page_says_of_products_is_true(evidence):
    """Axi-cel and tisa-cel span two diseases; brexu-cel is all of mantle cell lymphoma."""
    spans = {e.code for e in evidence.groups if e.kind == "product" and len(e.entities) > 1}
    assert spans == {"axi-cel", "tisa-cel"}
    assert group(evidence, "brexu-cel").cohorts == group(evidence, "mcl").cohorts


def test_page_asks_the_network_for_nothing(page):
    """No script, style sheet, image or font comes from elsewhere; links only lead to the doi."""
    assert "<script" not in page
    assert not re.search(r"(?:src|srcset)=", page)
    assert not re.search(r"@import|url\(\s*['\"]?https?:", page)
    assert set(re.findall(r'href="(https?:[^"]+)"', page)) == {
        "https://doi.org/10.1038/s41591-024-03084-6"
    }


def test_every_figure_names_itself_and_every_table_has_a_caption(page):
    """Each drawing has a title and a description; ids occur once."""
    drawings = page.count('role="img"')
    assert drawings == 12
    assert page.count("<desc ") == drawings
    assert page.count("<table") == page.count("<caption") == 5
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_colours_of_figures_are_variables(page):
    """One drawing serves light, dark and print: no colour is fixed in it."""
    drawings = "".join(re.findall(r'<svg role="img".*?</svg>', page, flags=re.DOTALL))
    assert not re.search(r'(?:fill|stroke)="#', drawings)
    assert "var(--c1)" in drawings


def test_every_cohort_is_drawn_and_listed(page, evidence):
    """All 52 cohorts stand in a forest plot and in the table."""
    for cohort in evidence.source.cohorts:
        assert page.count(cohort.cohort.replace("_", " ")) >= 3, cohort.cohort


def test_forest_marks_what_goes_on_beyond_the_axis():
    """An interval beyond the axis ends in an arrow head, one inside does not."""
    headings = ForestHeadings("Cohort", "Product")
    inside = ForestRow("cohort", "a", estimate=0.1, lower=0.05, upper=0.2, patients=10)
    beyond = replace(inside, upper=0.6)
    drawn = [
        str(draw_forest([row], headings, "k", "t", scale_patients=10)[0].svg)
        for row in (inside, beyond)
    ]
    assert drawn[1].count("<path") == drawn[0].count("<path") + 1


def test_forest_draws_a_cohort_without_deaths_hollow():
    """A square at zero is filled with paper, not with its colour."""
    headings = ForestHeadings("Cohort", "Product")
    row = ForestRow("cohort", "a", estimate=0.0, lower=0.0, upper=0.2, patients=10)
    hollow, full = (
        str(draw_forest([entry], headings, "k", "t", scale_patients=10)[0].svg)
        for entry in (row, replace(row, estimate=0.1))
    )
    assert 'fill="var(--paper)"' in hollow
    assert 'fill="var(--paper)"' not in full


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0004, "<0.001"), (0.0005, "0.001"), (0.3492, "0.349"), (float("nan"), "–")],
)
def test_small_p_values_are_bounds(value, expected):
    """No P value is printed as zero, and a missing one is a dash."""
    assert format_p(value) == expected


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("A_1,lbcl,RW,axi-cel,10,11,3,later,after", "11 deaths among 10 patients"),
        ("A_1,lbcl,RW,axi-cel,0,0,3,later,after", "0 deaths among 0 patients"),
        ("A_1,lbcl,RW,axi-cel,ten,1,3,later,after", "is not a number"),
        ("A_1,lbcl,RW,axi-cel,10,1,long,later,after", "is not a number"),
        (
            "A_1,lbcl,RW,axi-cel,10,1,3,later,after\nA_1,mm,RW,ide-cel,9,1,3,later,after",
            "named twice: A_1",
        ),
    ],
)
def test_broken_cohorts_are_refused(row, found):
    """Impossible counts, words for numbers and a cohort named twice stop the loading."""
    with pytest.raises(DefinitionError, match=found):
        parse_cohorts(f"{HEADER}{row}\n")


def test_other_columns_are_refused():
    """A file of cohorts with other columns names those expected."""
    with pytest.raises(DefinitionError, match="expected cohort, entity"):
        parse_cohorts("cohort,deaths\nA_1,3\n")


def test_cohorts_that_miss_the_printed_totals_are_refused():
    """A lost cohort is noticed by the totals of the publication."""
    cohorts = load_published_mortality().cohorts
    with pytest.raises(DefinitionError, match="Found 51 cohorts"):
        check_totals(cohorts[1:], (52, 7604, 574))


def test_unknown_keys_of_the_evidence_raise():
    """Asking for a disease or a statement that is not there is a mistake of the program."""
    source = load_published_mortality()
    with pytest.raises(KeyError):
        source.entity("b-all")
    with pytest.raises(KeyError):
        source.statement("nothing")
