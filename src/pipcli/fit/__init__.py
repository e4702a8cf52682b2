"""The fit, its averaging, its stop rules, and the device that it runs on."""
