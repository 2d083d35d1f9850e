"""Leaderboards: what a record holds, how it is made, kept, ranked, compared and exchanged."""
