"""Step 1: find a side effect and describe it by frequency, severity and persistence."""
