"""Estimators: tallies or arrays in, frozen results out. They know no medicine."""
