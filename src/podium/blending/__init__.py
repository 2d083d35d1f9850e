"""`podium blend`: the predictions of several submissions made one."""
