"""Request to Response: Flipt's evaluate API, client snapshots and health; standard library only."""
