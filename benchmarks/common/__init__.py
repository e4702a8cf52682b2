"""What the scripts of the benchmarks share: the real command on noisy files, means of runs, made pictures and clips."""
