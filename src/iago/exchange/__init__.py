"""Ways in and out: one sub-package a format, each with its own checks and its own mapping."""
