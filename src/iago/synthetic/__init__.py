"""Made-up cohorts of CAR T recipients with planted, known truth."""

from iago.synthetic.cohort import write_cohort

__all__ = ["write_cohort"]
