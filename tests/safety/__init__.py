"""Tests of safety: rules, alerts, whom to tell, and what patients are shown."""
