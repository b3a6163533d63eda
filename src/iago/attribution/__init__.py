"""Step 2, attribution: is the event linked to the therapy, in one case and between products."""

from iago.attribution.who_umc import CausalityExplanation, attribute_episodes, explain_causality

__all__ = ["CausalityExplanation", "attribute_episodes", "explain_causality"]
