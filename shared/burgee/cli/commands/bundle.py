"""`burgee bundle`: bundles between registries, stores and folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ...author.authored import SourceFile
from ...author.flipt_bundle import readable
from ...bundle.addresses import shown_url
from ...bundle.digest import is_digest
from ...bundle.oci_records import head_tag
from ...core.errors import InvalidRequest, NotFound
from ...deliver.bundles import Bundle, Copied, copy
from ...deliver.receipt import short
from ...store.artifacts import Artifacts
from ...store.reference import Reference, folder_reference, read_reference
from ..buckets import files_in_bucket, is_bucket
from ..bundle_names import bundle_in, is_record, named_bundles
from ..bundles import artifacts_to_read, artifacts_to_write, check_there, files_of, one_bundle, shown_by
from ..options import Folder, example, json_option, store_option
from ..output import note, progress, show_json, show_table
from ..places import named
from ..stores import chosen_store
from ..unpacking import write_files


@click.group(
    "bundle",
    invoke_without_command=True,
    epilog=example('burgee bundle list "file://$PWD/../store"'),
)
@click.pass_context
def command(context: click.Context) -> None:
    """Copy, list and unpack bundles: those of burgee, and those that Flipt v1 made.

    \b
    A bundle is named by where it is:
      oci://ghcr.io/acme/flags:production    a registry, by tag or @sha256:...
      oci-layout:///srv/bundles:production   a folder in OCI's image layout
      s3://acme-flags#production             a store, by environment or #sha256:...
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(2)


@command.command(
    "copy",
    epilog=example('burgee bundle copy "file://$PWD/../store#production" "oci-layout://$PWD/../bundles:production"'),
)
@click.argument("source", metavar="FROM", type=click.Path())
@click.argument("target", metavar="TO", type=click.Path())
@json_option
def copy_bundle(source: str, target: str, as_json: bool) -> None:
    """Copy a bundle, byte for byte, and only what the target lacks; every blob is verified by its digest.

    Without a tag in TO, that of FROM is used; a store takes a bundle by its digest alone, and releases nothing.

    With --json: {from, to, bundle, blobs, sent, bytes}; bytes are those that were sent.
    """
    _copy(read_reference(source), read_reference(target), as_json=as_json)


@command.command("export", epilog=example('burgee bundle export "file://$PWD/../store#production" ../bundles'))
@click.argument("source", metavar="FROM")
@click.argument("folder", metavar="FOLDER[:TAG]", type=click.Path())
@json_option
def export_bundle(source: str, folder: str, as_json: bool) -> None:
    """Copy a bundle into a folder in OCI's image layout, which skopeo, oras and Flipt v1 read.

    With --json: as `burgee bundle copy`.
    """
    _copy(read_reference(source), folder_reference(folder), as_json=as_json)


@command.command("import", epilog=example('burgee bundle import ../bundles:production "oci-layout://$PWD/../copy"'))
@click.argument("folder", metavar="FOLDER[:TAG]", type=click.Path())
@click.argument("target", metavar="TO", type=click.Path())
@json_option
def import_bundle(folder: str, target: str, as_json: bool) -> None:
    """Copy a bundle out of a folder in OCI's image layout, such as those below Flipt v1's bundles.

    Without a tag, the folder's only one is meant. With --json: as `burgee bundle copy`.
    """
    _copy(folder_reference(folder), read_reference(target), as_json=as_json)


@command.command("list", epilog=example('burgee bundle list "file://$PWD/../store" --json'))
@click.argument("place", metavar="[URL]", required=False, type=click.Path())
@store_option
@json_option
def list_bundles(place: str | None, store_url: str | None, as_json: bool) -> None:
    """List the bundles that have a name: tags of a registry or a folder, environments of a store.

    Without URL, those of the store that --store or BURGEE_STORE names.

    With --json: a list of {name, bundle, stripped, namespaces, created}; stripped is the digest by which Flipt v1 tells
    whether a bundle changed.
    """
    if place and store_url:
        raise click.UsageError("the place is named twice; give URL or --store")
    reference = read_reference(place or chosen_store(store_url).url)
    if reference.name is not None:
        raise InvalidRequest(f"{shown_url(str(reference))} names one bundle, wanted the place alone")
    found = dict(named_bundles(artifacts_to_read(reference)))
    if not found:
        check_there(reference)
    if as_json:
        show_json([_fields(name, bundle) for name, bundle in found.items()])
        return
    if not found:
        note(f"{reference} has no bundle with a name yet")
        return
    rows = [
        (name, short(bundle.kept.digest), ", ".join(bundle.namespaces), bundle.manifest.created)
        for name, bundle in found.items()
    ]
    show_table(("NAME", "BUNDLE", "NAMESPACES", "CREATED"), rows)


@command.command("unpack", epilog=example('burgee bundle unpack "file://$PWD/../store#production" ../unpacked'))
@click.argument("source", metavar="FROM", type=click.Path())
@click.argument("directory", type=Folder(may_come=True))
@click.option("--force", is_flag=True, help="Replace files that are there.")
@click.option("--as-is", is_flag=True, help="Keep JSON as it is, instead of writing YAML that says the same.")
@json_option
def unpack_bundle(source: str, directory: str, force: bool, as_is: bool, as_json: bool) -> None:
    """Write the flags of a bundle as flag files: one for each layer, in a folder named after its namespace.

    FROM may be a bucket with the flag files of Flipt v1 too, such as s3://old-flags/production: those that Flipt would
    read, and the index, are written as they are.

    With --json: a list of {file, bytes}.
    """
    files = _files(source, as_is=as_is)
    write_files(Path(directory), files, force=force)
    if as_json:
        show_json([{"file": str(Path(directory, file.path)), "bytes": len(file.content)} for file in files])
        return
    for file in files:
        click.echo(f"wrote {Path(directory, file.path)}")


def _files(source: str, *, as_is: bool) -> Sequence[SourceFile]:
    with named():
        if is_bucket(source):
            return files_in_bucket(source)
        packed = files_of(source)
    return packed if as_is else readable(packed)


def _copy(source: Reference, target: Reference, *, as_json: bool) -> None:
    with named():
        source, name = one_bundle(source)
    reading, writing = artifacts_to_read(source), artifacts_to_write(target)
    with named(), progress() as show:
        bundle = bundle_in(reading, source, name)
        given = _name_at(target, name, bundle)
        if target.is_tagged and not is_digest(given):
            _check_free(writing, given)
        copied = copy(reading, bundle, writing, given, shown_by(show))
    written = Reference(target.place, given)
    if as_json:
        show_json(_copied_fields(source, written, copied))
        return
    sent = f"{copied.sent} of {copied.blobs} blobs sent, {copied.size} bytes" if copied.sent else "all of it was there"
    click.echo(f"{written}  {short(copied.digest)}  ({sent})")
    if not target.is_tagged:
        note("Nothing was released by it: an environment moves by `burgee publish` alone.")
    elif is_digest(given):
        named_so = Reference(target.place, "production")
        note(f"No tag names it there, and a registry may clear it away; copy it with one, as {named_so}.")


def _name_at(target: Reference, name: str, bundle: Bundle) -> str:
    """The name a bundle gets where it is copied to. Raises InvalidRequest for a digest that is not its own."""
    digest = bundle.kept.digest
    if target.is_short:
        raise InvalidRequest(f"wanted all 64 digits of a digest at {shown_url(target.place)}, got {target.name}")
    if target.name is None:
        return name if target.is_tagged else digest
    if is_digest(target.name) and target.name != digest:
        raise InvalidRequest(
            f"the bundle has digest {digest}, wanted {target.name} at {target.place}; name a tag instead"
        )
    return target.name


def _check_free(target: Artifacts, tag: str) -> None:
    """Raises InvalidRequest for a tag that moves by releases alone: readers would be told two things."""
    try:
        head = head_tag(tag)
    except InvalidRequest:
        if is_record(tag):
            raise InvalidRequest(f"tag {tag!r} is one of burgee's own records in {target.url}; name another") from None
        return
    try:
        target.get_manifest(head)
    except NotFound:
        return
    raise InvalidRequest(
        f"tag {tag!r} in {target.url} is an environment that moves by `burgee publish` alone; name another tag"
    )


def _fields(name: str, bundle: Bundle) -> dict[str, Any]:
    return {
        "name": name,
        "bundle": bundle.kept.digest,
        "stripped": bundle.stripped,
        "namespaces": list(bundle.namespaces),
        "created": bundle.manifest.created,
    }


def _copied_fields(source: Reference, target: Reference, copied: Copied) -> dict[str, Any]:
    return {
        "from": str(source),
        "to": str(target),
        "bundle": copied.digest,
        "blobs": copied.blobs,
        "sent": copied.sent,
        "bytes": copied.size,
    }
