"""samplerepo is what it says: files without mistakes, schemas that are current, and a shop that works."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from burgee.author.authored import Authored
from burgee.author.jsonschema import features_schema
from burgee.author.jsonschema import tests_schema as schema_of_tests
from burgee.author.project import Project, project_schema, read_project
from burgee.core.explain import explain
from burgee.core.instant import parse_instant
from burgee.core.snapshot import Snapshot
from burgee.deliver.candidate import compile_bundle
from burgee.deliver.reading import author_environment
from burgee.deliver.testing import check_tests, find_tests
from burgee.git.folder import open_folder

SAMPLEREPO = Path(__file__).resolve().parents[2] / "samplerepo"
ENVIRONMENTS = ("staging", "production")


@pytest.fixture(scope="module")
def project() -> Project:
    return read_project((SAMPLEREPO / "burgee.yaml").read_bytes())


def authored(project: Project, environment: str) -> Authored:
    return author_environment(open_folder(SAMPLEREPO), project.environments[environment])


def snapshot(project: Project, environment: str) -> Snapshot:
    candidate = compile_bundle(authored(project, environment).documents.values())
    return Snapshot(project.environments[environment].profile, candidate.documents)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(SAMPLEREPO / "app"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    import shop as module  # type: ignore[import-not-found]  # it is not on the path of type checks

    yield module
    for name in ("shop", "flags", "harbour"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_its_flag_files_have_neither_errors_nor_warnings(project: Project, environment: str) -> None:
    assert authored(project, environment).problems == ()


def test_staging_has_what_production_has_and_is_ahead(project: Project) -> None:
    staging, production = (snapshot(project, environment) for environment in ENVIRONMENTS)
    keys = [set(each.namespace("default").document.flag_keys()) for each in (staging, production)]
    assert keys[1] < keys[0]
    assert len(keys[1]) >= 12


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_its_flag_tests_pass_whenever_they_are_run(project: Project, environment: str) -> None:
    source, candidate = open_folder(SAMPLEREPO), compile_bundle(authored(project, environment).documents.values())
    files, problems = find_tests(source, project.environments[environment], environments=ENVIRONMENTS)
    assert (len(files), problems) == (1, [])
    for year in (2020, 2026, 2040):
        now = parse_instant(f"{year}-12-01T00:00:00Z")
        assert check_tests(source, project, environment, candidate, now=now) == ()


@pytest.mark.parametrize(
    ("name", "schema"),
    [("features", features_schema), ("burgee", project_schema), ("tests", schema_of_tests)],
)
def test_its_schemas_are_those_that_the_command_line_prints(name: str, schema: Any) -> None:
    written = (SAMPLEREPO / "schemas" / f"{name}.schema.json").read_text()
    assert json.loads(written) == schema(), "run: burgee schema features|project|tests > samplerepo/schemas/..."


@pytest.mark.parametrize(("files", "name"), [("features.yaml", "features"), ("*.test.yaml", "tests")])
def test_its_yaml_files_point_editors_at_their_schema(files: str, name: str) -> None:
    for path in SAMPLEREPO.glob(f"flags/**/{files}"):
        first = path.read_text().splitlines()[0]
        schema = first.removeprefix("# yaml-language-server: $schema=")
        assert (path.parent / schema).resolve() == SAMPLEREPO / "schemas" / f"{name}.schema.json", path


def test_every_flag_that_the_shop_asks_for_exists_in_both_environments(project: Project, shop: ModuleType) -> None:
    for environment in ENVIRONMENTS:
        namespace = snapshot(project, environment).namespace("default")
        assert set(shop.KEYS) <= set(namespace.document.flag_keys())


def test_the_shop_works_without_any_flags(shop: ModuleType) -> None:
    page = shop.decide({})
    assert (page.checkout, page.payments, page.delivery) == ("four steps", ("card", "bank transfer"), "in 3 days")


def test_the_shop_shows_what_flags_answer(project: Project, shop: ModuleType) -> None:
    context = {"plan": "pro", "channel": "web", "email": "ada@harbour.example", "basket_cents": "6400"}
    namespace = snapshot(project, "production").namespace("default")
    results = {key: explain(namespace, key, "ada", context, 0).result for key in shop.KEYS}
    answers = {
        key: result.enabled
        if hasattr(result, "enabled")
        else (result.variant_key, json.loads(result.attachment or "null"))
        for key, result in results.items()
    }
    page = shop.decide(answers)
    assert (page.checkout, page.button, page.delivery) == ("one page", "Check out", "tomorrow")
    assert page.extras == ("Free shipping", "Chat with us")


def test_each_environment_runs_an_image_of_its_own_and_reads_its_own_flags() -> None:
    tags = set()
    for environment in ENVIRONMENTS:
        path = SAMPLEREPO / "deploy/kubernetes" / environment / "kustomization.yaml"
        kustomization = yaml.safe_load(path.read_text())
        tags.add(kustomization["images"][0]["newTag"])
        assert kustomization["configMapGenerator"][0]["literals"] == [f"FLAGS_ENVIRONMENT={environment}"]
    assert len(tags) == 2


def test_the_line_that_the_readme_edits_is_there_once() -> None:
    text = (SAMPLEREPO / "flags/production/features.yaml").read_text()
    assert len(re.findall(r"percentage: 10$", text, re.MULTILINE)) == 1
