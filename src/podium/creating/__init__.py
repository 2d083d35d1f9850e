"""`podium new`: a competition made of an organiser's tables; what it writes is in `templates/`."""
