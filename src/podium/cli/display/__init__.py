"""What a person sees: tables and progress on a terminal, plain text in a pipe.

With `cli`, the only room that prints. Messages go to stderr, results to stdout.
"""
