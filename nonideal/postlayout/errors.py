"""Errors of the postlayout room."""

from __future__ import annotations


class ValidationError(Exception):
    """The validation cannot be carried out as asked; the message says what to change."""


class SamplesFailed(Exception):
    """Some samples gave no simulated spikes. Everything else was written; nothing stands in for them."""
