"""Having a model predict: in this process, or walled in and watched in one of its own."""
