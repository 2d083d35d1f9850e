"""Untrusted code at work: one walled process, whoever starts it (run, cv, tune, predict, verify).

    running, folds, predicting: what is asked for   executors: where the jobs of folds are done
        worker: a process that does task after task     views: the data that it is given
            starting, forkserver: how it begins         policy: what it may see
            child: what happens inside                  sandbox: what holds it there
            monitor: what it takes                      output: what it left and printed

docs/decisions/0013 says what is guarded and what is not.
"""
