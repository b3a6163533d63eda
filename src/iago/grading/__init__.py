"""Step 3, grading: one severity for every episode, by rule files, with reason and missing inputs.

Two engines read the same rules: columns in DuckDB for all episodes at once, and a plain evaluator
for one patient that explains. They agree on every spec case and on random episodes.
"""

from iago.grading.infections import System, explain_grade, grade_episodes, systems
from iago.grading.reference_engine import Explanation, OpenInput

__all__ = [
    "Explanation",
    "OpenInput",
    "System",
    "explain_grade",
    "grade_episodes",
    "systems",
]
