"""An oracle that knows every confounder finds the planted truth again; crude figures miss it.

The oracle is a Poisson regression (statsmodels) of episodes on the logarithm of person-days, with
the recorded covariates, the planted centre effects as offset, and standard errors clustered on the
person. Frailty is left to the clustering. A planted log hazard ratio must lie within four standard
errors of its estimate; the seed is fixed, so the outcome does not change from run to run.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # it ships no types
import pytest
import statsmodels.api as sm

from iago.synthetic import write_cohort
from iago.tables.snapshot import Snapshot, open_snapshot

PATIENTS = 20_000
SEED = 20_260
STANDARD_ERRORS = 4.0
WINDOWS = {"0-30": (0, 30), "31-100": (30, 100), "101-365": (100, 365), "366+": (365, 10**6)}

COURSES = """
with competing as (
    select course_id, min(event_day) as day from events
    where kind in ('relapse-progression', 'next-therapy', 'transplant', 'second-car-t') group by all
), ends as (
    select course_id, death_day as day from deaths union all
    select course_id, event_day from events
    where kind in ('end-of-follow-up', 'lost-to-follow-up')
)
select c.course_id, c.patient_id, c.centre_id, c.product, c.indication,
    coalesce(c.observation_start_day, 0) as entry,
    least(e.day, coalesce(k.day, e.day)) as until,
    c.age_years, c.prior_lines, c.ecog, (c.car_hematotox_score >= 2)::int as car_hematotox_high,
    c.infection_100_days_before::int as infection_100_days_before, c.bridging::int as bridging,
    (c.prior_transplant in ('allogeneic', 'both'))::int as prior_allogeneic
from courses c join ends e using (course_id) left join competing k using (course_id)
order by course_id
"""
EPISODES = """
select course_id, onset_day, organism_class, organism, site from episodes
left join (select episode_id, min(organism) as organism from organisms group by all)
using (episode_id) where onset_day is not null
"""


@dataclass(frozen=True)
class Cohort:
    """Tables of one cohort and its truth."""

    snapshot: Snapshot
    truth: dict[str, Any]
    courses: pd.DataFrame
    episodes: pd.DataFrame

    def query(self, text: str) -> pd.DataFrame:
        """Rows of a query over the Parquet files."""
        return _query(self.snapshot.folder, text)


def _query(folder: Path, text: str) -> pd.DataFrame:
    with duckdb.connect() as connection:
        for table in ("courses", "events", "deaths", "episodes", "organisms", "exposures"):
            path = folder / f"{table}.parquet"
            connection.execute(f"create view {table} as select * from read_parquet('{path}')")
        return connection.execute(text).df()


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """One cohort for all tests of this module."""
    folder = tmp_path_factory.mktemp("synthetic") / "cohort"
    write_cohort(folder, patients=PATIENTS, seed=SEED)
    snapshot = open_snapshot(folder, verify=True)
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return Cohort(snapshot, truth, _query(folder, COURSES), _query(folder, EPISODES))


def _covariates(cohort: Cohort) -> pd.DataFrame:
    """Columns of the oracle: products and indications against their reference, covariates."""
    courses = cohort.courses
    columns: dict[str, Any] = {}
    for product in ("axi-cel", "liso-cel", "brexu-cel", "obe-cel", "cilta-cel"):
        columns[product] = (courses["product"] == product).astype(float)
    for indication in ("fl", "mcl", "b-all", "mm"):
        columns[indication] = (courses["indication"] == indication).astype(float)
    for name, effect in cohort.truth["planted"]["population"]["covariate_effects"]["value"].items():
        unit = 10.0 if name == "age_years" else 1.0
        columns[name] = (courses[name] - effect["reference"]) / unit
    table = pd.DataFrame(columns)
    table.loc[courses["indication"].isna(), "mm"] = np.nan
    return table


def _person_time(cohort: Cohort, episodes: pd.DataFrame) -> pd.DataFrame:
    """Days and episodes at risk of every course in every window."""
    courses = cohort.courses
    parts = []
    merged = episodes.merge(courses[["course_id", "until"]], on="course_id")
    merged = merged[merged["onset_day"] <= merged["until"]]
    for window, (after, last) in WINDOWS.items():
        inside = merged[(merged["onset_day"] > after) & (merged["onset_day"] <= last)]
        counts = inside.groupby("course_id").size().reindex(courses["course_id"], fill_value=0)
        days = courses["until"].clip(upper=last) - courses["entry"].clip(lower=after)
        part = pd.DataFrame({"row": courses.index, "window": window})
        parts.append(part.assign(days=days.clip(lower=0), events=counts.to_numpy()))
    return pd.concat(parts, ignore_index=True)


def _fit(cohort: Cohort, rows: pd.DataFrame, extra: tuple[str, ...] = ()) -> Any:
    """Poisson regression of rows with days and events, clustered on the person."""
    design = _covariates(cohort).loc[rows["row"]].reset_index(drop=True)
    for window in WINDOWS:
        design[window] = (rows["window"] == window).to_numpy(float)
    for name in extra:
        design[name] = rows[name].to_numpy(float)
    courses = cohort.courses.loc[rows["row"]]
    centre = courses["centre_id"].map(cohort.truth["centre_log_hazard"]).to_numpy(float)
    keep = design.notna().all(axis=1).to_numpy() & (rows["days"].to_numpy() > 0)
    model = sm.GLM(
        rows["events"].to_numpy(float)[keep],
        design[keep],
        family=sm.families.Poisson(),
        offset=np.log(rows["days"].to_numpy(float)[keep]) + centre[keep],
    )
    groups = courses["patient_id"].astype("category").cat.codes.to_numpy()[keep]
    return model.fit(cov_type="cluster", cov_kwds={"groups": groups})


def _assert_recovered(fit: Any, name: str, planted: float, largest_error: float) -> None:
    """The planted log ratio lies within four standard errors, and these are small."""
    assert fit.bse[name] < largest_error, (name, fit.bse[name])
    deviation = (fit.params[name] - planted) / fit.bse[name]
    assert abs(deviation) < STANDARD_ERRORS, (name, fit.params[name], planted, deviation)


def test_oracle_finds_product_and_indication_effects(cohort: Cohort) -> None:
    """Every planted hazard ratio of products and indications is found again."""
    fit = _fit(cohort, _person_time(cohort, cohort.episodes))
    planted = {
        name: entry["value"] for name, entry in cohort.truth["planted"]["population"].items()
    }
    for product in ("axi-cel", "liso-cel", "brexu-cel", "obe-cel", "cilta-cel"):
        truth = np.log(planted["product_hazard_ratios"][product])
        _assert_recovered(fit, product, truth, largest_error=0.13)
    for indication in ("fl", "mcl", "b-all", "mm"):
        truth = np.log(planted["indication_hazard_ratios"][indication])
        _assert_recovered(fit, indication, truth, largest_error=0.10)


def test_crude_product_ratio_hides_the_planted_one(cohort: Cohort) -> None:
    """Crudely axi-cel looks no worse than tisa-cel in LBCL and FL; the planted ratio is 1.30."""
    rows = _person_time(cohort, cohort.episodes).groupby("row")[["days", "events"]].sum()
    courses = cohort.courses
    lymphoma = courses["indication"].isin(["lbcl", "fl"])
    rate = {}
    for product in ("axi-cel", "tisa-cel"):
        chosen = rows[lymphoma & (courses["product"] == product)]
        rate[product] = chosen["events"].sum() / chosen["days"].sum()
    crude = rate["axi-cel"] / rate["tisa-cel"]
    realised = cohort.truth["realised"]["naive_axi_cel_vs_tisa_cel_rate_ratio_lbcl_fl"]
    assert cohort.truth["headline"]["axi-cel_vs_tisa-cel_hazard_ratio"] == pytest.approx(1.30)
    assert crude < 1.05
    assert crude == pytest.approx(realised, rel=0.03)


def test_oracle_finds_baseline_of_infections_without_organism(cohort: Cohort) -> None:
    """The baseline hazard of a stream without prophylaxis is found again in every window."""
    chosen = cohort.episodes[cohort.episodes["organism_class"] == "not-identified"]
    fit = _fit(cohort, _person_time(cohort, chosen))
    baseline = cohort.truth["baseline_hazard_per_day"]["not-identified"]
    for window in WINDOWS:
        _assert_recovered(fit, window, np.log(baseline[window]), largest_error=0.12)


def _split_by_exposure(cohort: Cohort, episodes: pd.DataFrame, exposure_class: str) -> pd.DataFrame:
    """Days and episodes at risk of every course and window, on and off a class.

    Courses of which a stop day is unknown are left out.
    """
    courses = cohort.courses
    intervals = cohort.query(
        "select course_id, start_day, stop_day, ongoing from exposures "
        f"where exposure_class = '{exposure_class}' and intent = 'prophylaxis'"
    ).set_index("course_id")
    intervals = intervals.reindex(courses["course_id"]).reset_index()
    unknown = intervals["start_day"].notna() & intervals["ongoing"].isna()
    start = intervals["start_day"].fillna(10**6)
    stop = intervals["stop_day"].fillna(10**6)
    on = pd.DataFrame({"course_id": courses["course_id"], "start": start, "stop": stop})
    merged = episodes.merge(on, on="course_id")
    given = (merged["start"] <= merged["onset_day"]) & (merged["onset_day"] <= merged["stop"])
    parts = []
    for status, chosen in ((1, merged[given]), (0, merged[~given])):
        rows = _person_time(cohort, chosen)
        for window, (after, last) in WINDOWS.items():
            here = rows["window"] == window
            first = np.maximum(start - 1, np.maximum(courses["entry"], after))
            until = np.minimum(stop, np.minimum(courses["until"], last))
            days_on = np.clip(until - first, 0, None).to_numpy()
            days = rows.loc[here, "days"].to_numpy()
            rows.loc[here, "days"] = days_on if status else days - days_on
        parts.append(rows.assign(on=status)[~unknown.to_numpy()[rows["row"]]])
    return pd.concat(parts, ignore_index=True)


def _crude_ratio(rows: pd.DataFrame) -> float:
    sums = rows.groupby("on")[["events", "days"]].sum()
    rate = sums["events"] / sums["days"]
    return float(rate[1] / rate[0])


def test_oracle_finds_antibacterial_protection_that_crude_rates_reverse(cohort: Cohort) -> None:
    """Antibacterial prophylaxis looks harmful crudely; adjusted, its multiplier comes back.

    With prophylaxis in the model the baseline and the direct covariate effects come back, too.
    """
    episodes = cohort.episodes
    chosen = episodes[
        (episodes["organism_class"] == "bacterial") & (episodes["organism"] != "1496")
    ]
    rows = _split_by_exposure(cohort, chosen, "antibacterial")
    assert _crude_ratio(rows) > 2.0
    assert _crude_ratio(rows[rows["window"] == "0-30"]) > 0.70
    fit = _fit(cohort, rows, extra=("on",))
    planted = {one["stream"]: one["hazard_multiplier"] for one in cohort.truth["prophylaxis"]}
    assert planted["bacterial"] == 0.60
    _assert_recovered(fit, "on", np.log(planted["bacterial"]), largest_error=0.06)
    baseline = cohort.truth["baseline_hazard_per_day"]["bacterial"]
    for window in WINDOWS:
        _assert_recovered(fit, window, np.log(baseline[window]), largest_error=0.09)
    effects = cohort.truth["planted"]["population"]["covariate_effects"]["value"]
    for name, effect in effects.items():
        _assert_recovered(fit, name, effect["log_hazard_ratio"], largest_error=0.09)


def test_oracle_finds_antiviral_protection(cohort: Cohort) -> None:
    """The multiplier of prophylaxis against herpes simplex and zoster is found again."""
    chosen = cohort.episodes[cohort.episodes["organism"].isin(["10298", "10310", "10335"])]
    rows = _split_by_exposure(cohort, chosen, "antiviral-hsv-vzv")
    fit = _fit(cohort, rows, extra=("on",))
    planted = {one["stream"]: one["hazard_multiplier"] for one in cohort.truth["prophylaxis"]}
    _assert_recovered(fit, "on", np.log(planted["hsv-vzv"]), largest_error=0.09)


def test_same_seed_same_bytes_and_other_seed_other_data(tmp_path: Path) -> None:
    """A seed decides every byte of the tables and of the truth."""
    first = write_cohort(tmp_path / "a", patients=2500, seed=1)
    again = write_cohort(tmp_path / "b", patients=2500, seed=1)
    other = write_cohort(tmp_path / "c", patients=2500, seed=2)
    assert first.snapshot_id == again.snapshot_id
    truths = [(tmp_path / name / "truth.json").read_bytes() for name in "abc"]
    assert truths[0] == truths[1]
    assert truths[0] != truths[2]
    assert (tmp_path / "a" / "labs.parquet").read_bytes() != (
        tmp_path / "c" / "labs.parquet"
    ).read_bytes()
    assert other.snapshot_id != first.snapshot_id


def test_densities_lie_in_the_published_range(cohort: Cohort) -> None:
    """Early densities lie between those of the registry and of the single-centre reports."""
    density = cohort.truth["realised"]["density_per_100_days_at_risk"]
    to_100 = cohort.truth["realised"]["density_per_100_days_at_risk_day_0_to_100"]
    # Hill 2018: 1.19 in days 0-28, 0.67 in 29-90; CIBMTR: 0.43 in days 0-100.
    assert 0.43 < density["all"]["31-100"] < 0.67 < density["all"]["0-30"] < 1.19
    assert 0.43 < to_100["all"] < (1.19 * 29 + 0.67 * 62) / 91
    # CIBMTR counts what required treatment; all documented ones are more, up to twice.
    for organism_class, registry in (("bacterial", 0.23), ("viral", 0.15), ("fungal", 0.04)):
        assert 0.9 * registry < to_100[organism_class] < 2.0 * registry
    # Hill 2019: 0.91 viral infections per person-year late, in durable remission with aplasia.
    assert density["viral"]["366+"] < density["viral"]["101-365"] < 0.25


def test_deaths_lie_in_the_published_range(cohort: Cohort) -> None:
    """About half of the non-relapse deaths are infections, and 1.1 to 1.6 % die of them early."""
    realised = cohort.truth["realised"]
    causes = realised["causes_of_non_relapse_death"]
    total = sum(causes.values())
    # Cordas dos Santos 2024: infection 50.9 %, other malignancy 7.8 %, toxicities 11.5 %.
    assert causes["infection"] / total == pytest.approx(0.509, abs=0.05)
    assert causes["other-malignancy"] / total == pytest.approx(0.078, abs=0.03)
    toxicities = causes["crs"] + causes["neurotoxicity"] + causes["hlh"]
    assert toxicities / total == pytest.approx(0.115, abs=0.03)
    # Infection-related mortality by day 100: 1.6 % (CIBMTR, LBCL), 1.1 % (CIBMTR, BCMA).
    assert 0.010 < realised["infection_deaths"]["by_day_100"]["share"] < 0.020
    # Non-relapse mortality by entity 5.7 % to 10.6 % over a median of about a year.
    assert 0.040 < realised["non_relapse_deaths"]["by_day_365"]["share"] < 0.106


def test_every_table_has_rows_and_expected_size(cohort: Cohort) -> None:
    """Rows a course lie in the planned range, labs at most 15."""
    rows, n = cohort.snapshot.rows, cohort.snapshot.rows["courses"]
    assert min(rows.values()) > 0
    assert 1.01 < n / rows["patients"] < 1.03
    limits = {"exposures": (3.0, 4.5), "contacts": (3.5, 6.0), "labs": (8.0, 15.0)}
    for table, (fewest, most) in limits.items():
        assert fewest < rows[table] / n < most, table
    assert 1.0 < rows["episodes"] / n < 1.5
