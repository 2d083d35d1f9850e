"""`podium verify`: the conformance suite of competitions, and the leak probes in `probes/`."""
