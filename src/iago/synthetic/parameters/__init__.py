"""Every number planted into the synthetic cohorts, in one place.

Each entry carries the published figure in whose range it lies and the source of that figure, or
says that there is none. The cohorts are made up; the published figures only keep them in a
believable range, and none of them is reproduced.

``population`` who is treated, where and with what; ``infections`` baseline hazards, organisms and
severity; ``treatment`` prophylaxis, supportive care and blood values; ``outcomes`` relapse,
further therapy and death.
"""
