"""Fakes that implement burgee's ports: a virtual clock, stores and fetchers with faults."""
