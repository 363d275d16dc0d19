"""The suite. It mirrors the app: one folder for each package, one test file for each file."""
