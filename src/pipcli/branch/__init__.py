"""The branch that sees the noisy picture: a small network trained on this one picture, and how it is joined with another.

It is no prior in the papers' sense, since the observation is its input; only `--quality best` uses it.
"""
