"""What a phone needs to be up to date: what changed since it last asked, and what it should know when it starts."""
