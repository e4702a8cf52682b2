"""The groups in which the help of a command shows its options."""

NOISE, GENERATOR, STOPPING, OUTPUT, REPORTS, ENCODER = "Noise", "Generator", "Stopping", "Output", "Reports", "Encoder"
