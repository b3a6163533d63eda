"""Planted numbers on relapse, further therapy and death."""

from iago.synthetic.parameters.planted import Planted

# Relapse: hazard per day in 0-180, 181-365, 366 and later.
RELAPSE_STARTS = (0.0, 180.0, 365.0)
RELAPSE_PER_DAY = Planted(
    {
        "lbcl": (0.0022, 0.0009, 0.0004),
        "fl": (0.0007, 0.0007, 0.0004),
        "mcl": (0.0010, 0.0010, 0.0007),
        "b-all": (0.0017, 0.0015, 0.0006),
        "mm": (0.0009, 0.0010, 0.0010),
    }
)
RELAPSE_LOG_HAZARD_RATIOS = Planted({"prior_lines": 0.10, "ecog": 0.20})
NEXT_THERAPY = Planted({"share_of_relapses": 0.75, "mean_days_after_relapse": 25.0})
TRANSPLANT_SHARES = Planted({"b_all_in_remission": 0.15, "after_next_therapy": 0.05})
TRANSPLANT_DAYS = Planted({"in_remission": (60, 180), "after_next_therapy": (30, 120)})
SECOND_CAR_T_SHARE = Planted(0.07)  # of relapses, while enough follow-up is left
SECOND_CAR_T_DAYS_AFTER_RELAPSE = Planted((45, 240))
SECOND_CAR_T_DAYS_LEFT = Planted(60)

# Death. Infection deaths come from the episodes (see infections), the others from here.
DEATH_AFTER_RELAPSE_PER_DAY = Planted(0.0022)
OTHER_DEATH_PER_DAY = Planted(
    (0.00020, 0.00009, 0.00006, 0.00003),
    "non-relapse mortality LBCL 6.1 %, indolent 5.7 %, MCL 10.6 %, MM 8.0 %, half from infection",
    "Cordas dos Santos, Nat Med 2024;30:2667",
)
OTHER_DEATH_HAZARD_RATIOS = Planted(
    {"lbcl": 1.0, "fl": 0.9, "mcl": 1.7, "b-all": 1.0, "mm": 1.2},
    "non-relapse mortality by entity as above; none for B-ALL",
    "Cordas dos Santos, Nat Med 2024;30:2667",
)
OTHER_CAUSES = Planted(
    # cause: (weight by day 100, weight later)
    {
        "crs": (18.0, 0.0),
        "neurotoxicity": (24.0, 3.0),
        "hlh": (14.0, 1.0),
        "cardiovascular-respiratory": (12.0, 17.0),
        "organ-failure": (12.0, 9.0),
        "haemorrhage": (6.0, 3.0),
        "other-malignancy": (1.0, 25.0),
        "other": (5.0, 16.0),
        "not-determined": (8.0, 26.0),
    },
    "of 574 non-relapse deaths 50.9 % infection, 7.8 % other malignancy, 7.3 % cardiovascular or "
    "respiratory, 11.5 % CRS, neurotoxicity and HLH, 30 organ failure",
    "Cordas dos Santos, Nat Med 2024;30:2667",
)
RELAPSE_CONTRIBUTES = Planted(0.40)  # to infection deaths after relapse
