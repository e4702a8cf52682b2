"""The branch that sees the noisy picture: a small network trained on this one picture.

It is no prior in the papers' sense, since the observation is its input; only `--quality best` uses it.
"""
