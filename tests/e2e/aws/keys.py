"""Releases are signed by a key of KMS: what whoever writes to the bucket can do then, and what a person does."""

from __future__ import annotations

from collections.abc import Iterator

from burgee.bundle import keys
from burgee.bundle.head import Head, decode_head, encode_head, entry_of
from burgee.bundle.signed import good_signatures, head_message, read_public_key, release_message
from tests.e2e.aws.team import Team

_HEAD = keys.head("production")


def give_key(team: Team) -> None:
    """As docs/trust.md has it: `publish` is told of the key, `evaluate` of what `burgee key show` prints of it."""
    kms = team.cloud.asked_by_person("kms")
    made = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    team.cloud.give_key(made, team.burgee("key", "show", f"awskms:///{made}"))
    team.say(f"{team.cloud.public_key[:44]}...")


def try_forgeries(team: Team) -> None:
    """Evaluate keeps the last good release through each, and a new process finds it on its disk."""
    good = team.read_object(_HEAD)
    served = team.answer("card-payments")
    _assert_signed(team, decode_head(good))
    team.wait_for(team.is_kept)
    for forged, said in _forgeries(team, decode_head(good)):
        _put(team, forged)
        team.wait_for(lambda said=said: said in _fault(team))  # type: ignore[misc]
        team.say(_fault(team))
        assert team.answer("card-payments") is served
        team.cloud.functions["evaluate"].kill()
        team.wait_for(lambda said=said: said in _fault(team))  # type: ignore[misc]
        assert team.answer("card-payments") is served
        _put(team, good)
        team.wait_for(team.is_fresh)


def sign_again(team: Team) -> None:
    """The head loses its signatures, a push waits, and is released once a person has signed what they found."""
    served, revision = team.answer("card-payments"), team.revision("production")
    _put(team, _unsigned(decode_head(team.read_object(_HEAD))))
    commit = team.switch_cards(on=not served)
    team.deliver(commit)
    polled = team.work()
    # Its commit is told when the last try has failed as well; until then the message comes again.
    assert len(polled.returned) == 1 and team.last_status(commit, "staging").state == "success"
    refused = team.log("publish").rindex("the head of 'production' in the store")
    team.say(team.log("publish")[refused:].partition(",")[0])
    assert "is not signed" in team.log("publish")[refused:], team.log("publish")
    assert team.revision("production") == revision and team.answer("card-payments") is served

    store = ("--store", team.cloud.outputs["store"])
    team.say(team.burgee("verify", "production", *store).splitlines()[-1])
    team.burgee("key", "sign", "production", *store, **team.cloud.signing)
    team.burgee("verify", "production", *store, BURGEE_VERIFY_KEYS=team.cloud.public_key)
    team.cloud.poller.bring_back(polled)
    team.work()
    assert team.revision("production") == revision + 1
    assert team.last_status(commit, "production").state == "success"
    team.wait_for(lambda: team.answer("card-payments") is not served)
    assert team.is_fresh()


def _assert_signed(team: Team, head: Head) -> None:
    """By the one key, the head and each release in it, and evaluate says that it has seen that."""
    believed = [read_public_key(team.cloud.public_key)]
    assert good_signatures(believed, head_message(head), head.signatures)
    assert all(good_signatures(believed, release_message(entry), entry.signatures) for entry in head.releases)
    assert team.status()["verified_by"] == believed[0].id


def _forgeries(team: Team, head: Head) -> Iterator[tuple[bytes, str]]:
    """Heads that somebody may write who has all rights to the bucket and none to the key, and what evaluate says."""
    old = _first(team)
    last, first = head.last.release, old.last.release
    turned = last._replace(
        revision=last.revision + 1, bundle=first.bundle, namespaces=first.namespaces, previous=head.last.digest
    )
    entry = entry_of(turned)._replace(signatures=head.last.signatures)
    yield encode_head(head._replace(revision=turned.revision, releases=(entry,))), "not signed by the key"
    yield encode_head(head._replace(max_reader_ttl_seconds=6000)), "not signed by the key"
    yield _unsigned(head), "the head is not signed"
    yield encode_head(old), f"went back from revision {head.revision} to {old.revision}"


def _first(team: Team) -> Head:
    """The head of the first release, which the bucket keeps among its versions."""
    s3, bucket = team.cloud.asked_by_person("s3"), team.cloud.outputs["bucket"]
    versions = s3.list_object_versions(Bucket=bucket, Prefix=_HEAD)["Versions"]
    oldest = versions[-1]["VersionId"]
    return decode_head(s3.get_object(Bucket=bucket, Key=_HEAD, VersionId=oldest)["Body"].read())


def _unsigned(head: Head) -> bytes:
    entries = tuple(entry._replace(signatures=()) for entry in head.releases)
    return encode_head(head._replace(releases=entries, signatures=()))


def _put(team: Team, head: bytes) -> None:
    s3 = team.cloud.asked_by_person("s3")
    s3.put_object(Bucket=team.cloud.outputs["bucket"], Key=_HEAD, Body=head, ContentType=keys.JSON)


def _fault(team: Team) -> str:
    """What evaluate says that is wrong with production, after it was asked."""
    team.answer("card-payments")
    return str(team.status()["error"])
