"""A small invented data set: two patients, every table, dates and days, and unknowns.

Nobody of whom it tells exists. It shows how a partial date, a null flavour, a local code and a
link between episodes are written.
"""

from collections.abc import Mapping, Sequence

from iago.tables.snapshot import Dataset

EXAMPLE_DATASET = Dataset(
    title="Invented example",
    clock="day 0 = infusion",
    synthetic=True,
    notes="Two patients who do not exist.",
)
EXAMPLE_ROWS: Mapping[str, Sequence[Mapping[str, str]]] = {
    "patients": (
        {"patient_id": "P-7QX2", "birth_year": "1958", "sex": "female"},
        {"patient_id": "P-K41M", "birth_year": "UNK", "sex": "male"},
    ),
    # The first course is told in dates, the second in days from infusion.
    "courses": (
        {
            "course_id": "C-1",
            "patient_id": "P-7QX2",
            "centre_id": "centre-1",
            "product": "axi-cel",
            "indication": "lbcl",
            "infusion_date": "2024-03-12",
            "age_years": "65",
            "lymphodepletion_start_date": "2024-03-07",
            "lymphodepletion_regimen": "flu-cy",
            "capture_method": "prospective",
            "prior_lines": "2",
            "prior_transplant": "none",
            "bridging": "yes",
            "infection_100_days_before": "no",
            "mould_infection_before": "no",
            "hbv_status": "negative",
            "ecog": "1",
            "car_hematotox_score": "3",
        },
        {
            "course_id": "C-2",
            "patient_id": "P-K41M",
            "centre_id": "centre-1",
            "product": "local:trial-product",
            "indication": "mm",
            "age_years": "71",
            "lymphodepletion_start_day": "-5",
            "lymphodepletion_regimen": "flu-cy",
            "capture_method": "chart-review",
            "prior_lines": "4",
            "prior_transplant": "autologous",
            "bridging": "UNK",
            "hbv_status": "NASK",
        },
    ),
    "exposures": (
        {
            "exposure_id": "X-1",
            "course_id": "C-1",
            "exposure_class": "antiviral-hsv-vzv",
            "drug": "aciclovir",
            "intent": "prophylaxis",
            "start_date": "2024-03-07",
            "ongoing": "yes",
        },
        {
            "exposure_id": "X-2",
            "course_id": "C-2",
            "exposure_class": "immunoglobulin",
            "intent": "prophylaxis",
            "start_day": "30",
            "stop_day": "120",
        },
    ),
    "labs": (
        {
            "course_id": "C-1",
            "analyte": "anc",
            "sample_date": "2024-03-19",
            "value": "0.4",
            "unit": "10*9/L",
        },
        {
            "course_id": "C-2",
            "analyte": "igg",
            "sample_day": "30",
            "value": "310",
            "unit": "mg/dL",
            "lower_limit_of_normal": "700",
        },
    ),
    "episodes": (
        {
            "episode_id": "E-1",
            "course_id": "C-1",
            "toxicity": "infection",
            "onset_date": "2024-03-20",
            "onset_basis": "first-symptom",
            "resolution_date": "2024-04",
            "setting_at_onset": "inpatient-index-stay",
            "acquisition": "hospital-onset",
            "reporter": "centre",
            "documentation": "mdi",
            "organism_class": "bacterial",
            "site": "bloodstream",
            "required_treatment": "yes",
            "therapy_route": "intravenous",
            "therapy_days": "14",
            "hospitalised": "yes",
            "icu": "no",
            "vasopressors": "no",
            "ventilation": "no",
            "outcome": "resolved",
        },
        {
            "episode_id": "E-2",
            "course_id": "C-2",
            "toxicity": "infection",
            "onset_day": "64",
            "onset_basis": "first-positive-sample",
            "setting_at_onset": "home",
            "acquisition": "community",
            "reporter": "community-physician",
            "documentation": "mdi",
            "organism_class": "viral",
            "site": "upper-respiratory",
            "required_treatment": "no",
            "therapy_route": "none",
            "hospitalised": "no",
            "icu": "no",
            "outcome": "ASKU",
        },
        {
            "episode_id": "E-3",
            "course_id": "C-2",
            "toxicity": "infection",
            "onset_day": "80",
            "site": "lower-respiratory",
            "organism_class": "viral",
            "required_treatment": "yes",
            "outcome": "resolved",
            "earlier_episode_id": "E-2",
            "relation_to_earlier": "same",
        },
    ),
    "organisms": (
        {"episode_id": "E-1", "organism": "Escherichia coli", "resistance": "UNK"},
        {"episode_id": "E-2", "organism": "Rhinovirus A"},
    ),
    "contacts": (
        {
            "contact_id": "K-1",
            "course_id": "C-1",
            "contact_date": "2024-06-11",
            "place": "car-t-centre",
            "answered_by": "patient",
            "answer": "no-infection",
        },
        {
            "contact_id": "K-2",
            "course_id": "C-2",
            "contact_day": "91",
            "place": "community",
            "answered_by": "community-physician",
            "answer": "infection",
        },
    ),
    "events": (
        {
            "event_id": "V-1",
            "course_id": "C-1",
            "kind": "relapse-progression",
            "event_date": "2024-09-02",
        },
        {
            "event_id": "V-2",
            "course_id": "C-2",
            "kind": "end-of-follow-up",
            "event_day": "182",
        },
    ),
    "deaths": (
        {
            "course_id": "C-1",
            "death_date": "2024-12",
            "primary_cause": "relapse-progression",
            "contributing_cause": "NA",
            "covid_19": "no",
        },
    ),
    "evidence": (
        {
            "episode_id": "E-1",
            "item": "time-plausible",
            "finding": "yes",
            "rater": "rater-1",
        },
        {
            "episode_id": "E-1",
            "item": "other-cause-likely",
            "finding": "UNK",
            "rater": "rater-1",
        },
    ),
}
