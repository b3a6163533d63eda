"""Step 4, optimization: prophylaxis indicated and given, and where guidance disagrees."""
