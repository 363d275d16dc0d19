"""Promises kept by every route, every migration, every file and every setting."""
