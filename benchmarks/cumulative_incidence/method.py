"""Run one method on one data set and print its time and a few estimates as JSON.

Usage: method.py METHOD DATA.npz. The data hold group, day and cause (0 = censored) of every course.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Estimates = dict[str, float]
SHOWN_DAYS = (30, 100, 365)


def iago(group: Ints, day: Ints, cause: Ints) -> Estimates:
    from iago.statistics.competing_risks import estimate_cumulative_incidence
    from iago.statistics.daily_tally import tally_days

    causes = [f"cause {code}" for code in range(1, int(cause.max()) + 1)]
    shown: Estimates = {}
    for value in np.unique(group):
        chosen = group == value
        exits = day[chosen]
        tally = tally_days(np.zeros_like(exits), exits, cause[chosen], causes=causes)
        curves = [estimate_cumulative_incidence(tally, name) for name in causes]
        shown |= _at(value, np.arange(len(curves[0].estimate)), curves[0].estimate)
    return shown


def statsmodels(group: Ints, day: Ints, cause: Ints) -> Estimates:
    from statsmodels.duration.survfunc import CumIncidenceRight

    shown: Estimates = {}
    for value in np.unique(group):
        chosen = group == value
        result = CumIncidenceRight(day[chosen].astype(float), cause[chosen])
        _ = result.cinc_se
        shown |= _at(value, result.times, result.cinc[0])
    return shown


def survival(group: Ints, day: Ints, cause: Ints) -> Estimates:
    import pandas as pd
    from survival import survfit

    data = pd.DataFrame({"day": day.astype(float), "cause": pd.Categorical(cause), "group": group})
    fit = survfit("Surv(day, cause) ~ group", data=data)
    ends = np.cumsum(list(fit.strata.values()))
    starts = [0, *ends[:-1]]
    times, curve = np.asarray(fit.time), np.asarray(fit.pstate)[:, 1]
    shown: Estimates = {}
    for value, start, end in zip(np.unique(group), starts, ends, strict=True):
        shown |= _at(value, times[start:end], curve[start:end])
    return shown


def lifelines(group: Ints, day: Ints, cause: Ints) -> Estimates:
    from lifelines import AalenJohansenFitter

    shown: Estimates = {}
    for value in np.unique(group):
        chosen = group == value
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitter = AalenJohansenFitter(seed=1).fit(day[chosen], cause[chosen], 1)
        curve = fitter.cumulative_density_
        shown |= _at(value, curve.index.to_numpy(), curve.to_numpy()[:, 0])
    return shown


METHODS: dict[str, Callable[[Ints, Ints, Ints], Estimates]] = {
    "iago": iago,
    "statsmodels": statsmodels,
    "survival": survival,
    "lifelines": lifelines,
}


def _at(group: int, times: NDArray[np.float64], curve: NDArray[np.float64]) -> Estimates:
    rows = np.searchsorted(times, SHOWN_DAYS, side="right") - 1
    return {
        f"{group}/{day}": float(curve[row]) if row >= 0 else 0.0
        for day, row in zip(SHOWN_DAYS, rows, strict=True)
    }


def main() -> None:
    method, path = sys.argv[1:]
    data = np.load(path)
    arrays = [data[name].astype(np.int64) for name in ("group", "day", "cause")]
    step = max(1, len(arrays[0]) // 2000)
    METHODS[method](*(array[::step] for array in arrays))  # imports and compilation do not count
    begun = time.perf_counter()
    shown = METHODS[method](*arrays)
    print(json.dumps({"seconds": time.perf_counter() - begun, "estimates": shown}))


if __name__ == "__main__":
    main()
