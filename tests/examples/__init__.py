"""Tests of the programs that consumers copy."""
