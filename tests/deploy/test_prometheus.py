"""Alerts use existing metrics, link to a chapter of the run book, and each has a test."""

import re
from typing import Any

import pytest

from tests.deploy.files import DEPLOY, read_yaml
from tests.deploy.series import series, wrong_names

CONFIG = read_yaml("prometheus/prometheus.yml")
(GROUP,) = read_yaml("prometheus/alerts.yml")["groups"]
RULES: list[dict[str, Any]] = GROUP["rules"]
TRIED = read_yaml("prometheus/alerts_test.yml")
KNOWN = series() | {"up": {"job", "instance"}}
SERVICES = read_yaml("compose.yaml")["services"]


def anchors(markdown: str) -> set[str]:
    """Return the anchors of the headings, as GitHub derives them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"(?m)^#+ (.+)$", markdown)
    }


def test_the_checker_finds_errors() -> None:
    """The other tests rely on it."""
    assert (
        list(wrong_names('sum by (le, agent) (rate(turnfold_flush_seconds_bucket{agent="intake"}[5m]))', KNOWN)) == []
    )
    assert list(wrong_names("turnfold_lags", KNOWN)) == ["no process exports turnfold_lags"]
    assert list(wrong_names('turnfold_waiting{agent="x"}', KNOWN)) == ["turnfold_waiting has no label agent"]
    assert list(wrong_names("sum by (topic) (turnfold_waiting)", KNOWN)) == ["no metric in it has the label topic"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_uses_existing_metrics(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert list(wrong_names(rule["expr"], KNOWN)) == []
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"].endswith(".")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_links_to_the_run_book(rule: dict[str, Any]) -> None:
    path, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert path == "deploy/RUNBOOK.md"
    assert anchor in anchors((DEPLOY / "RUNBOOK.md").read_text())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_is_tested_firing_and_silent(rule: dict[str, Any]) -> None:
    """`promtool test rules` runs these tests; this one checks that none is missing."""
    tries = [one for case in TRIED["tests"] for one in case["alert_rule_test"] if one["alertname"] == rule["alert"]]
    assert any("exp_alerts" in one for one in tries), "no test makes it fire"
    assert any("exp_alerts" not in one for one in tries), "no test shows that it stays silent"


def test_tested_alerts_have_the_texts_of_their_rules() -> None:
    """`promtool` compares them too; it is not installed everywhere."""
    rules = {rule["alert"]: rule["annotations"] for rule in RULES}
    for tested in (one for case in TRIED["tests"] for one in case["alert_rule_test"]):
        for alert in tested.get("exp_alerts", ()):
            expected = rules[tested["alertname"]]
            summary = expected["summary"]
            for name, value in alert["exp_labels"].items():
                summary = summary.replace(f"{{{{ $labels.{name} }}}}", value)
            before, *_ = summary.partition("{{")
            *_, after = summary.rpartition("}}")
            shown = alert["exp_annotations"]
            assert shown["runbook"] == expected["runbook"]
            assert shown["summary"].startswith(before)
            assert shown["summary"].endswith(after)


def test_tested_series_are_exported_by_processes() -> None:
    for case in TRIED["tests"]:
        for fed in case["input_series"]:
            assert list(wrong_names(fed["series"], KNOWN)) == []


def test_every_process_is_scraped() -> None:
    jobs = {job["job_name"]: job for job in CONFIG["scrape_configs"]}
    assert set(jobs) == {"turnfold-worker", "turnfold-query", "turnfold-receive", "clickhouse", "prometheus"}
    for job in jobs.values():
        for discovery in job.get("dns_sd_configs", ()):
            assert set(discovery["names"]) <= set(SERVICES)
        for targets in job.get("static_configs", ()):
            hosts = {target.partition(":")[0] for target in targets["targets"]}
            assert hosts <= set(SERVICES) | {"127.0.0.1"}
    ports = re.findall(r"EXPOSE (\d+) (\d+) (\d+)", (DEPLOY / "Dockerfile").read_text())
    servers = [str(jobs[f"turnfold-{name}"]["dns_sd_configs"][0]["port"]) for name in ("query", "receive")]
    assert ports == [(*servers, "9464")]
    assert jobs["turnfold-worker"]["dns_sd_configs"][0]["port"] == 9464
    (clickhouse,) = jobs["clickhouse"]["static_configs"][0]["targets"]
    assert f"<port>{clickhouse.partition(':')[2]}</port>" in (DEPLOY / "clickhouse" / "server.xml").read_text()
    assert CONFIG["rule_files"] == ["alerts.yml"]


def test_the_servers_are_scraped_with_the_token_that_compose_mounts() -> None:
    jobs = {job["job_name"]: job for job in CONFIG["scrape_configs"]}
    (secret,) = SERVICES["prometheus"]["secrets"]
    authorized = {name: job["authorization"] for name, job in jobs.items() if "authorization" in job}
    credentials = {"credentials_file": f"/run/secrets/{secret['source']}"}
    assert authorized == {"turnfold-query": credentials, "turnfold-receive": credentials}
