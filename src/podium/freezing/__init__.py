"""`podium freeze`: what a board's scores depend on, written down after a change."""
