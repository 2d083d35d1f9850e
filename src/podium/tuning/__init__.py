"""`podium tune`: the search of a model's parameters, its storages, samplers and pruners."""
