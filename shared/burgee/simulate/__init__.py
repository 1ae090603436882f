"""Simulate: releases and thousands of readers on virtual time, to measure how far they flip together."""
