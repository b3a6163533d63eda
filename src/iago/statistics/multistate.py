"""How many persons are in which state on each day, when states may come, go and come back.

States might be: free of a condition, in it, free again, dead. The Aalen-Johansen estimator gives
the probability to be in each state on each day (for "in it": the prevalence over time) and, as an
area, the expected number of days spent there.

Days and transitions
--------------------
On a whole-day clock a person makes at most one transition a day: the *net* one, from the state
before the day to the state after it. Many persons may make different transitions on one day. Who
passes through a state within one day spends no day there, and the passage is not counted;
:func:`tally_transitions` nets such chains. Follow-up is (entry, exit]; entry on day 0 includes day
0, so that a transition on day 0 counts. Censoring comes after the transitions of the day.

What is assumed
---------------
The occupation probabilities need independent censoring only: they do not need the Markov property
(Datta & Satten, Stat Probab Lett 2001;55:403-411). Two things do need more. With delayed entry the
reading without the Markov property is lost. And the standard errors here are of Greenwood type
(Andersen, Borgan, Gill & Keiding 1993, section IV.4.1.3), derived for a Markov process. Where the
future of a person depends on more than the present state they are approximate: in a simulated
cohort of persons with very different rates, the one of expected days was a seventh too small.
Bootstrap persons if that is to be expected.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iago.errors import EstimationError
from iago.statistics.competing_risks import share_of
from iago.statistics.daily_tally import (
    FloatArray,
    IntArray,
    add_by_day,
    check_days,
    check_equal_names,
    check_known,
    check_names,
    check_numbers,
    check_order,
    check_same_length,
)
from iago.statistics.intervals import (
    DailyCurve,
    MeanDays,
    check_confidence,
    effective_number,
    plain_interval,
    probability_limits,
)

_ROUNDING = 1e-9

_ASSUMPTIONS = (
    "Censoring is independent of the states. The probabilities do not need the Markov property.",
    "Standard errors are of Greenwood type: too small if persons differ much in their rates.",
    "A person makes at most one net transition a day.",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class TransitionTally:
    """Numbers in each state and transitions between states of one group, for every day.

    Attributes
    ----------
    states
        Names of the states.
    at_risk
        Shape (days, states): persons under observation in the state before the day's transitions.
    transitions
        Shape (days, states, states): net transitions on the day, from the row to the column.
    starting
        Shape (states,): persons under observation from day 0, by the state they started in.
    """

    states: tuple[str, ...]
    at_risk: IntArray
    transitions: IntArray
    starting: IntArray

    @property
    def initial(self) -> FloatArray:
        """Share of those observed from day 0 who started in each state."""
        if not self.starting.any():
            raise EstimationError(
                "Nobody was found under observation from day 0; expected someone, to know where "
                "persons start. Start the clock later, or give the initial probabilities."
            )
        return np.asarray(self.starting / self.starting.sum(), dtype=np.float64)

    def __add__(self, other: "TransitionTally") -> "TransitionTally":
        """Add the tally of a disjoint group, such as another hospital."""
        if not isinstance(other, TransitionTally):
            return NotImplemented
        check_equal_names(self.states, other.states, "states")
        return TransitionTally(
            states=self.states,
            at_risk=_add_days(self.at_risk, other.at_risk),
            transitions=_add_days(self.transitions, other.transitions),
            starting=self.starting + other.starting,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class StateProbability(DailyCurve):
    """Probability of being in ``state`` after each day; ``at_risk`` counts those in any state."""

    state: str


@dataclass(frozen=True, kw_only=True)
class ExpectedDays(MeanDays):
    """Mean number of days up to ``tau`` spent in the state ``state``."""

    state: str


@dataclass(frozen=True, kw_only=True, eq=False)
class StateOccupation:
    """Probabilities of all states on all days, with their covariances.

    Attributes
    ----------
    states
        Names of the states.
    day
        0, 1, ... last day with anyone under observation.
    under_observation
        Shape (days,): persons under observation before the day's transitions.
    probabilities
        Shape (days, states): after the transitions of the day.
    covariances
        Shape (days, states, states): of the probabilities of one day.
    variance, interval, confidence, assumptions, cautions
        As in :class:`~iago.statistics.intervals.DailyCurve`.
    """

    states: tuple[str, ...]
    day: IntArray
    under_observation: NDArray[Any]
    probabilities: FloatArray
    covariances: FloatArray
    variance: str
    interval: str
    confidence: float
    assumptions: tuple[str, ...]
    cautions: tuple[str, ...]
    _model: "_Model" = field(repr=False)

    def probability(self, state: str) -> StateProbability:
        """Probability of one state on every day, with pointwise interval.

        Where the estimate is exactly 0 or 1 the other limit is the exact binomial one for the
        effective number under observation (see :mod:`iago.statistics.intervals`).

        Raises
        ------
        EstimationError
            If the state is unknown.
        """
        column = check_known(state, self.states, "state")
        value = self.probabilities[:, column]
        error = np.sqrt(np.maximum(self.covariances[:, column, column], 0.0))
        lower, upper = probability_limits(self.interval)(
            value,
            error,
            confidence=self.confidence,
            effective_number=self._model.effective_number(),
        )
        return StateProbability(
            state=state,
            day=self.day,
            at_risk=self.under_observation,
            estimate=value,
            standard_error=error,
            lower=lower,
            upper=upper,
            variance=self.variance,
            interval=self.interval,
            confidence=self.confidence,
            complete=self._model.is_complete(),
            assumptions=self.assumptions,
            cautions=self.cautions,
        )

    def expected_days(self, state: str, tau: int) -> ExpectedDays:
        """Mean number of days spent in one state, out of the first ``tau``.

        The area under the probability from day 0 to day tau: the sum of its values on days 0 to
        tau - 1, since a state holds from the end of one day to the next.

        Parameters
        ----------
        state
            Name of the state.
        tau
            Horizon in whole days, at least 1, at most one more than the last day.

        Returns
        -------
        ExpectedDays
            With a plain interval, cut at 0 and tau; not-a-number without any variation.

        Raises
        ------
        EstimationError
            If the state is unknown or the horizon lies beyond the observed days.
        """
        column = check_known(state, self.states, "state")
        horizon = int(check_days(np.atleast_1d(tau), "tau")[0])
        if not 1 <= horizon <= len(self.day):
            raise EstimationError(
                f"A horizon of {horizon} days was asked for; expected 1 to {len(self.day)}, since "
                "nobody was under observation later. Choose a horizon that every group reaches."
            )
        error = float(np.sqrt(max(self._model.area_variance(column, horizon), 0.0)))
        area = float(self.probabilities[:horizon, column].sum())
        lower, upper = plain_interval(
            area, error, confidence=self.confidence, lowest=0, highest=horizon
        )
        return ExpectedDays(
            state=state,
            tau=horizon,
            estimate=area,
            standard_error=error,
            lower=float(lower),
            upper=float(upper),
            variance=self.variance,
            interval="plain",
            confidence=self.confidence,
            assumptions=self.assumptions,
            cautions=self.cautions,
        )


def estimate_state_occupation(
    at_risk: ArrayLike,
    transitions: ArrayLike,
    initial: ArrayLike,
    *,
    states: Sequence[str],
    initial_number: float | None = None,
    confidence: float = 0.95,
    interval: str = "log-log",
) -> StateOccupation:
    """Probability of being in each state on each day (Aalen-Johansen).

    The distribution over states before a day, moved by the share of those under observation in
    each state who made each transition on the day.

    Parameters
    ----------
    at_risk
        Shape (days, states): persons under observation in each state before the transitions of
        the day, from day 0.
    transitions
        Shape (days, states, states): net transitions on the day; the diagonal is ignored.
    initial
        Shape (states,): probabilities at the start of day 0.
    states
        Names of the states.
    initial_number
        Number of persons whose starting states gave ``initial``, whose sampling error then enters
        the variance; None takes ``initial`` as known, such as "everyone starts free of it".
    confidence
        Two-sided level of the intervals.
    interval
        "log-log" or "plain", for probabilities.

    Returns
    -------
    StateOccupation

    Raises
    ------
    EstimationError
        If the shapes do not fit, probabilities do not sum to 1, or more persons leave a state on
        a day than were in it.

    Notes
    -----
    One pass over the days, whatever the number of persons. The covariance of one day is that of
    the day before carried through the day's transitions, plus the multinomial covariance of these
    transitions. A state in which nobody was ever under observation counts as never left, such as
    death; a caution names the first day on which another occupied state had nobody in view.

    References
    ----------
    Aalen O, Johansen S. Scand J Stat 1978;5:141-150. Datta S, Satten GA. Stat Probab Lett
    2001;55:403-411.
    """
    names = check_names(states, "states")
    counts = np.asarray(at_risk)
    model = _Model.of(
        counts.astype(np.float64),
        np.asarray(transitions, dtype=np.float64),
        np.asarray(initial, dtype=np.float64),
        initial_number,
        len(names),
    )
    return StateOccupation(
        states=names,
        day=np.arange(len(model.at_risk), dtype=np.int64),
        under_observation=counts[: len(model.at_risk)].sum(axis=1),
        probabilities=model.after,
        covariances=model.covariances(),
        variance="greenwood",
        interval=interval,
        confidence=check_confidence(confidence),
        assumptions=_ASSUMPTIONS,
        cautions=_cautions(model, names),
        _model=model,
    )


def tally_transitions(
    subject: ArrayLike,
    entry_day: ArrayLike,
    exit_day: ArrayLike,
    from_state: ArrayLike,
    to_state: ArrayLike,
    *,
    states: Sequence[str],
) -> TransitionTally:
    """Count, day by day, who is in which state and who moves where.

    Parameters
    ----------
    subject
        One number a person, repeated on each of the person's rows.
    entry_day, exit_day
        Each row is a stay (entry, exit] in one state, in whole days; a person's first row from
        day 0 includes day 0. Rows of no length carry a person through several states on one day.
    from_state, to_state
        State of the stay, and state to which it led: positions in ``states`` from 0. A
        ``to_state`` equal to ``from_state`` means that observation ended or went on unchanged.
    states
        Names of the states.

    Returns
    -------
    TransitionTally
        Several transitions of a person on one day are netted into one.

    Raises
    ------
    EstimationError
        If the input is empty, a day is negative, an exit lies before its entry, a state is
        unknown, or the rows of a person overlap or contradict each other.
    """
    names = check_names(states, "states")
    stays = _Stays.checked(
        subject, entry_day, exit_day, from_state=from_state, to_state=to_state, states=len(names)
    )
    days, count = int(stays.exit.max()) + 1, len(names)
    arrivals = _count_cells(stays.first_day, stays.origin, days + 1, count)
    departures = _count_cells(stays.exit + 1, stays.origin, days + 1, count)
    moved = stays.origin != stays.goal
    cell = stays.origin[moved] * count + stays.goal[moved]
    return TransitionTally(
        states=names,
        at_risk=np.cumsum(arrivals - departures, axis=0)[:-1],
        transitions=_count_cells(stays.exit[moved], cell, days, count**2).reshape(
            days, count, count
        ),
        starting=np.bincount(stays.origin[stays.first_day == 0], minlength=count),
    )


@dataclass(frozen=True)
class _Stays:
    """Stays in one state with at least one day, and the state after the last day's net move."""

    first_day: IntArray
    exit: IntArray
    origin: IntArray
    goal: IntArray

    @classmethod
    def checked(
        cls,
        subject: ArrayLike,
        entry_day: ArrayLike,
        exit_day: ArrayLike,
        *,
        from_state: ArrayLike,
        to_state: ArrayLike,
        states: int,
    ) -> "_Stays":
        person, entry = check_numbers(subject, "subject"), check_days(entry_day, "entry_day")
        leave = check_days(exit_day, "exit_day")
        origin, goal = _check_states(from_state, states), _check_states(to_state, states)
        check_same_length(
            subject=person, entry_day=entry, exit_day=leave, from_state=origin, to_state=goal
        )
        check_order(entry, leave)
        order = np.lexsort((leave, entry, person))
        person, entry, leave = person[order], entry[order], leave[order]
        origin, goal = origin[order], goal[order]
        same = np.concatenate(([False], person[1:] == person[:-1]))
        _check_chain(same, entry, leave, origin, goal)
        first_day = np.where(same | (entry > 0), entry + 1, 0)
        return cls._netted(person, first_day, leave, origin=origin, goal=goal)

    @classmethod
    def _netted(
        cls,
        person: IntArray,
        first_day: IntArray,
        leave: IntArray,
        *,
        origin: IntArray,
        goal: IntArray,
    ) -> "_Stays":
        """Merge rows of no length into the stay of the same person that ended on that day."""
        row = np.arange(len(person))
        lasting = leave >= first_day
        owner = np.maximum.accumulate(np.where(lasting, row, -1))
        joined = (owner >= 0) & (person[owner] == person) & (leave[owner] == leave)
        last_of_owner = np.full(len(row), -1)
        np.maximum.at(last_of_owner, owner[joined], row[joined])
        if not lasting.any():
            raise EstimationError(
                "No stay of at least one day was found; expected someone under observation. "
                "Check the entry and exit days."
            )
        return cls(
            first_day[lasting], leave[lasting], origin[lasting], goal[last_of_owner[lasting]]
        )


@dataclass(frozen=True)
class _Model:
    """Occupation probabilities, the daily moves behind them, and their variances."""

    at_risk: FloatArray  # (days, states)
    moves: FloatArray  # (days, states, states); rows sum to 1
    before: FloatArray  # (days, states)
    after: FloatArray  # (days, states)
    initial_covariance: FloatArray

    @classmethod
    def of(
        cls,
        at_risk: FloatArray,
        transitions: FloatArray,
        initial: FloatArray,
        initial_number: float | None,
        states: int,
    ) -> "_Model":
        _check_arrays(at_risk, transitions, initial, states)
        days = int(np.flatnonzero(at_risk.sum(axis=1))[-1]) + 1
        at_risk = at_risk[:days]
        diagonal = np.arange(states)
        counts = transitions[:days].copy()
        counts[:, diagonal, diagonal] = 0
        moves = share_of(counts, np.broadcast_to(at_risk[:, :, None], counts.shape))
        staying = 1 - moves.sum(axis=2)
        # A stay of the size of rounding is none: a probability must be able to reach exactly 0.
        moves[:, diagonal, diagonal] = np.where(staying < 1e-12, 0.0, staying)
        after = np.empty_like(at_risk)
        now = initial
        for day in range(days):
            now = now @ moves[day]
            after[day] = now
        before = np.concatenate((initial[None], after[:-1]))
        spread = np.zeros((states, states))
        if initial_number:
            spread = (np.diag(initial) - np.outer(initial, initial)) / initial_number
        return cls(at_risk, moves, before, after, spread)

    @property
    def weight(self) -> FloatArray:
        """Squared probability of a state over the number seen in it, for every day."""
        return share_of(self.before**2, self.at_risk)

    @property
    def lasting(self) -> NDArray[np.bool_]:
        """Which states anyone was ever seen to be at risk of leaving; the others absorb."""
        return np.asarray(self.at_risk.any(axis=0))

    def covariances(self) -> FloatArray:
        weighted = self.weight[:, :, None] * self.moves
        new = -np.swapaxes(self.moves, 1, 2) @ weighted
        diagonal = np.arange(self.at_risk.shape[1])
        new[:, diagonal, diagonal] += weighted.sum(axis=1)
        found = np.empty_like(self.moves)
        now = self.initial_covariance
        for day, move in enumerate(self.moves):
            now = move.T @ now @ move + new[day]
            found[day] = now
        return found

    def area_variance(self, column: int, horizon: int) -> float:
        """Variance of the area under one probability, by going back from the horizon.

        ``ahead`` holds, for each state after a day, the days to be spent in the asked state.
        """
        ahead = np.zeros(self.at_risk.shape[1])
        weight, total = self.weight, 0.0
        for day in range(horizon - 1, -1, -1):
            ahead[column] += 1
            mean = self.moves[day] @ ahead
            total += float(weight[day] @ (self.moves[day] @ ahead**2 - mean**2))
            ahead = mean
        return total + float(ahead @ self.initial_covariance @ ahead)

    def effective_number(self) -> FloatArray:
        return effective_number(self.at_risk.sum(axis=1), self.before[:, self.lasting].sum(axis=1))

    def is_complete(self) -> bool:
        return bool(self.after[-1, self.lasting].sum() < _ROUNDING)


def _check_arrays(
    at_risk: FloatArray, transitions: FloatArray, initial: FloatArray, states: int
) -> None:
    days = at_risk.shape[0] if at_risk.ndim else 0
    expected = ((days, states), (days, states, states), (states,))
    found = (at_risk.shape, transitions.shape, initial.shape)
    if found != expected or not at_risk.any():
        raise EstimationError(
            f"at_risk, transitions and initial were found with shapes {found}; expected (days, "
            f"{states}), (days, {states}, {states}) and ({states},), with someone at risk. Give "
            "one row a day from day 0 and name every state."
        )
    known = (at_risk >= 0).all() and (transitions >= 0).all() and (initial >= 0).all()
    if not known or abs(float(initial.sum()) - 1) > _ROUNDING:
        raise EstimationError(
            "Negative or missing counts, or initial probabilities that do not sum to 1, were "
            "found; expected counts of 0 or more and a sum of 1. Check the aggregation."
        )
    leaving = transitions.sum(axis=2) - np.diagonal(transitions, axis1=1, axis2=2)
    excess = np.argwhere(leaving > at_risk * (1 + _ROUNDING))
    if len(excess):
        raise EstimationError(
            f"On day {excess[0][0]} more persons left state number {excess[0][1]} than were in it; "
            "expected at most as many. Count one net transition a person and day, from the state "
            "before the day."
        )
    seen = at_risk.sum(axis=1) > 0
    if not seen[: np.flatnonzero(seen)[-1]].all():
        raise EstimationError(
            f"Nobody was under observation on day {np.flatnonzero(~seen)[0]}; expected someone on "
            "every day from day 0 to the last. Start the clock later, or leave out those who "
            "entered last."
        )


def _check_states(values: ArrayLike, states: int) -> IntArray:
    numbers = check_numbers(values, "state")
    if numbers.size and numbers.max() >= states:
        raise EstimationError(
            f"State number {numbers.max()} was found; expected 0 to {states - 1}. Number the "
            "states from 0 and name every one."
        )
    return numbers


def _check_chain(
    same: NDArray[np.bool_], entry: IntArray, leave: IntArray, origin: IntArray, goal: IntArray
) -> None:
    """Refuse rows of one person that overlap, or that go on in another state than was reached."""
    follows = np.flatnonzero(same)
    overlap = int((entry[follows] < leave[follows - 1]).sum())
    joined = entry[follows] == leave[follows - 1]
    broken = int((joined & (origin[follows] != goal[follows - 1])).sum())
    if overlap or broken:
        raise EstimationError(
            f"{overlap} rows begin before the person's row before them ends, and {broken} go on "
            "in another state than was reached; expected stays one after the other. Correct the "
            "days or the states of these persons."
        )


def _cautions(model: _Model, names: tuple[str, ...]) -> tuple[str, ...]:
    unseen = (model.before > _ROUNDING) & (model.at_risk == 0) & model.lasting
    found = []
    for state in np.flatnonzero(unseen.any(axis=0)):
        day = int(np.flatnonzero(unseen[:, state])[0])
        found.append(
            f"On day {day} nobody under observation was in '{names[state]}', although the state is "
            "estimated to be occupied: moves out of it are unknown then, perhaps also later."
        )
    return tuple(found)


def _count_cells(day: IntArray, cell: IntArray, days: int, cells: int) -> IntArray:
    flat = np.bincount(day * cells + cell, minlength=days * cells)
    return flat.reshape(days, cells)


def _add_days(first: IntArray, second: IntArray) -> IntArray:
    return add_by_day(first.T, second.T).T.astype(np.int64)
