"""Scoring: alignment by id, the solution behind one door, tiers."""
