"""Which mirrors burgee.yaml may name."""

from __future__ import annotations

import pytest

from burgee.deliver.allowed import is_allowed


@pytest.mark.parametrize(
    ("mirror", "pattern"),
    [
        ("gs://acme-flags/shop", "gs://acme-*"),
        ("oci://ghcr.io/acme/flags", "oci://ghcr.io/acme/flags"),
        ("s3://acme/flags?region=eu-central-1", "s3://acme/*"),
        ("s3://acme/flags?endpoint=https://s3.example.org", "s3://acme/*?endpoint=https://s3.example.org"),
    ],
)
def test_a_mirror_is_allowed_that_matches_a_pattern(mirror: str, pattern: str) -> None:
    assert is_allowed(mirror, ("file://never", pattern))


@pytest.mark.parametrize(
    ("mirror", "pattern"),
    [
        ("gs://other/shop", "gs://acme-*"),
        ("gs://acme-flags?endpoint=https://evil.example", "gs://acme-*"),
        ("s3://acme/flags?region=eu-central-1&endpoint=https://evil.example", "s3://acme/*"),
        ("oci://ghcr.io/acme/flags?endpoint=https://evil.example", "oci://ghcr.io/acme/*"),
        ("s3://acme/flags?endpoint=https://evil.example", "s3://acme/*?endpoint=https://s3.example.org"),
        ("gs://acme-1", "gs://acme-[0-9]"),
        ("gs://acme-1", "gs://acme-?"),
        ("gs://acme", ""),
    ],
)
def test_a_mirror_is_not_allowed_that_matches_none_or_leads_elsewhere(mirror: str, pattern: str) -> None:
    assert not is_allowed(mirror, (pattern,))
