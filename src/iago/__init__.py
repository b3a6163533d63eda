"""IAGO: Identification, Attribution, Grading and Optimization of CAR T-cell therapy toxicities."""
