"""Real data sets through the service, on both databases: `make drill DATA=folder`. It fails where one is missing."""
