"""Measuring pictures and clips against a reference."""
