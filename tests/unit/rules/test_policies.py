"""Policies as files: the shipped ones, a deployment's own, and what is said about mistakes."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from streams import rules
from streams.cli.main import app
from streams.rules import RulesError, load
from streams.rules.policies import FOLDER, Known, check, own, policy, shipped, warning
from tests.support.offline import SETTINGS

TIERS = ("platinum", "gold", "silver", "red")


KNOWN = Known(TIERS)
UNKNOWN = "is not known here; remove it or correct its name"


def text(name: str = "tiered") -> str:
    return (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


def line_of(content: str, words: str) -> int:
    return next(number for number, line in enumerate(content.splitlines(), 1) if words in line)


@pytest.fixture
def rules_dir(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    return tmp_path


def said(file: Path, content: str) -> list[str]:
    """What is said of a file, without its folder."""
    file.write_text(content)
    with pytest.raises(RulesError) as raised:
        policy(str(file), KNOWN)
    return [line.removeprefix(f"{file.parent}/") for line in str(raised.value).splitlines()]


def test_the_shipped_ones() -> None:
    assert shipped() == ["one-size-fits-all", "premium-for-all", "tiered"]
    check(rules.known(load()))
    tiered = policy("tiered", KNOWN)
    assert [service.name for service in tiered.services] == ["concierge", "gold", "standard", "open"]
    assert tiered.service_of("gold", known=True).wait_limit_ms == 45_000
    assert tiered.service_of("none", known=False).name == "open"
    assert (tiered.costs.per_minute("senior"), tiered.costs.per_contact("messaging")) == (pytest.approx(105), 20)
    assert tiered.costs.per_contact("ticket") == 0
    assert (tiered.worth_of(None).margin, tiered.worth_of("other").margin) == (8000, 0)


def test_a_shipped_one_gives_way_to_other_tiers() -> None:
    assert policy("tiered", Known(("vip",))).title == "Tiered"


@pytest.mark.parametrize(
    ("found", "put", "path", "why"),
    [
        ("title: Tiered", "title: Tiered\nprice: 7", "price",
         f"{UNKNOWN}: title, about, services, costs, worth, routes, currency"),
        ("priority: 30", "prioritty: 30", "services.0.prioritty",
         f"{UNKNOWN}: name, tiers, unknown, priority, wait_limit, sentiment_limit, agent, concierge, empowerment, targets; did you mean priority?"),
        ("within: 10s", "within: 10s, withing: 5s", "services.0.targets.service_level.withing", f"{UNKNOWN}: within, share; did you mean within?"),
        ("voice: {contact: 60}", "voice: {contact: 60, hour: 5}", "costs.channels.voice.hour",
         f"{UNKNOWN}: contact, minute, like, times"),
        ("name: concierge", "name: The best", "services.0.name",
         "expected a name: up to 40 of a-z, 0-9 and -, the first no -, such as high-tier-wait, not 'The best'"),
        ("tiers: [platinum]", "tiers: [diamond]", "services.0.tiers",
         "'diamond' is not a tier of tiers.yaml (gold, platinum, red, silver)"),
        ("  red: {margin", "  blue: {margin", "worth.blue",
         "'blue' is not a tier of tiers.yaml (gold, platinum, red, silver), nor none"),
        ("voice: {contact: 60}", "voice: {contact: -60}", "costs.channels.voice.contact",
         "Input should be greater than or equal to 0, not -60"),
        ("lost: 6", "lost: -6", "worth.platinum.lost", "Input should be greater than or equal to 0, not -6"),
        ("times: 1.4", "times: 0", "costs.agents.senior.times", "Input should be greater than 0, not 0"),
        ("wait_limit: 20s", "wait_limit: 20", "services.0.wait_limit",
         "expected a duration: a whole number and ms, s, m, h or d, such as 120s, not 20"),
        ("voice: {contact: 60}", "voice: {like: in-person}", "costs",
         "channels.voice.like goes in a circle: voice → in-person → voice"),
        ("messaging: {like: chat}", "messaging: {like: messaging}", "costs",
         "channels.messaging.like goes in a circle: messaging → messaging"),
        ("social: {like: email}", "social: {like: letter}", "costs",
         ("channels.social.like: there is no 'letter' among bot, chat, email, forum, in-person, messaging, "
          "self-service, social, voice")),
        ("senior: {like: standard, times: 1.4}", "senior: {like: standard, minute: 5}", "costs.agents.senior",
         "either like, or contact and minute"),
        ("currency: EUR", "currency: Euro", "currency", "expected a currency: three capital letters, such as EUR, not 'Euro'"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_with_file_line_and_path(tmp_path: Path, found: str, put: str, path: str, why: str) -> None:
    content = text().replace(found, put)
    assert content != text()
    line = line_of(content, "costs:" if path == "costs" else put.splitlines()[-1])
    assert said(tmp_path / "mine.yaml", content) == [f"mine.yaml:{line}: {path}: {why}"]


@pytest.mark.parametrize(
    ("found", "put", "why"),
    [
        ("    senior: {like: standard, times: 1.4}\n", "", "costs.agents does not say what these cost: senior"),
        ("  - name: open\n", "  - name: open\n    tiers: [red]\n",
         "the last service, 'open', must fit everybody: without tiers and unknown"),
        ("  - name: open\n", "  - name: open\n    unknown: true\n",
         "the last service, 'open', must fit everybody: without tiers and unknown"),
        ("  - name: open\n", "  - name: gold\n", "two services have one name"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together(tmp_path: Path, found: str, put: str, why: str) -> None:
    assert said(tmp_path / "mine.yaml", text().replace(found, put)) == [f"mine.yaml:2: mine: {why}"], (
        "where the mapping begins"
    )


def test_every_mistake_of_a_file_is_said_at_once(tmp_path: Path) -> None:
    content = text().replace("priority: 30", "priority: 300").replace("margin: 90000", "margin: 9.5")
    assert [line.split(": ")[1] for line in said(tmp_path / "mine.yaml", content)] == [
        "services.0.priority", "worth.gold.margin",
    ]  # fmt: skip


def test_a_file_that_is_none(tmp_path: Path) -> None:
    assert said(tmp_path / "mine.yaml", "title: [") != []
    with pytest.raises(RulesError, match=r"there is no file .*gone\.yaml"):
        policy(str(tmp_path / "gone.yaml"), KNOWN)


def test_ones_own_come_before_those_that_are_shipped(rules_dir: Path) -> None:
    (rules_dir / "policies" / "tiered.yaml").write_text(text().replace("title: Tiered", "title: Ours"))
    (rules_dir / "policies" / "winter.yaml").write_text(text("one-size-fits-all"))
    assert own(rules_dir) == ["tiered", "winter"]
    assert policy("tiered", KNOWN, rules_dir).title == "Ours"
    assert policy("winter", KNOWN, rules_dir).title == "One size fits all"


def test_one_that_is_not_there_is_answered_with_what_is(rules_dir: Path) -> None:
    with pytest.raises(RulesError) as raised:
        policy("gold", KNOWN, rules_dir)
    there = "there is no policy 'gold'; shipped are one-size-fits-all, premium-for-all, tiered"
    assert str(raised.value) == f"{there}; or name a file, *.yaml"
    (rules_dir / "policies" / "winter.yaml").write_text(text())
    with pytest.raises(RulesError, match="tiered, of your own winter; or name a file"):
        policy("gold", KNOWN, rules_dir)


def command(*arguments: str, **environment: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments), env=environment)
    return done.exit_code, done.stdout + done.stderr


def test_rules_check_reads_the_policies_too(rules_dir: Path) -> None:
    assert command("rules", "check", str(rules_dir)) == (0, "rules are fine\n")
    (rules_dir / "policies" / "winter.yaml").write_text(text().replace("priority: 30", "priority: many"))
    (rules_dir / "policies" / "summer.yaml").write_text(text().replace("currency: EUR", "currency: 5"))
    code, told = command("rules", "check", str(rules_dir))
    assert code == 1
    line = line_of(text(), "priority: 30")
    assert f"winter.yaml:{line}: services.0.priority: Input should be a valid integer, not 'many'" in told
    assert "summer.yaml:4: currency: Input should be a valid string, not 5" in told


def test_a_policy_is_checked_against_the_tiers_of_its_rules(rules_dir: Path) -> None:
    (rules_dir / "tiers.yaml").write_text(yaml.dump({"tiers": {"vip": {"order": 1, "high": True}}}))
    mine: dict[str, Any] = yaml.safe_load(text("one-size-fits-all")) | {"worth": {"vip": {"margin": 1, "lost": 2}}}
    (rules_dir / "policies" / "mine.yaml").write_text(yaml.dump(mine))
    (rules_dir / "alerts.yaml").write_text("rules: []\n")
    assert policy("mine", rules.known(load(rules_dir)), rules_dir).worth_of("vip").margin == 1
    mine["worth"]["gold"] = {"margin": 1, "lost": 2}
    (rules_dir / "policies" / "mine.yaml").write_text(yaml.dump(mine))
    with pytest.raises(RulesError, match=r"worth\.gold: 'gold' is not a tier of tiers\.yaml \(vip\), nor none"):
        check(rules.known(load(rules_dir)), rules_dir)


TWO = {"tiers": {"vip": {"order": 2, "high": True}, "std": {"order": 1}}}


@pytest.fixture
def two_tiers(rules_dir: Path) -> Path:
    (rules_dir / "tiers.yaml").write_text(yaml.dump(TWO))
    (rules_dir / "alerts.yaml").write_text("rules: []\n")
    return rules_dir


LOST = (
    "the policy tiered was made for other tiers than those of tiers.yaml (gold, platinum, red, silver); customers of "
    "std, vip are served like anybody (open); customers of std, vip count as worth nothing: copy it into the folder "
    "policies of your rules and write your own tiers"
)


def test_tiers_of_ones_own_with_the_default_policy_are_warned_of(two_tiers: Path) -> None:
    settings = SETTINGS.model_copy(update={"rules_dir": two_tiers})
    assert rules.warnings(settings, rules.of(settings)) == [LOST]
    assert rules.warnings(SETTINGS, rules.of(SETTINGS)) == []
    assert command("rules", "check", str(two_tiers)) == (0, f"rules are fine\nwarning: {LOST}\n")
    code, told = command("policies", "show", "tiered", CONTACT_STREAMS_RULES_DIR=str(two_tiers))
    assert (code, f"warning: {LOST}" in told) == (0, True)


def test_the_tiers_that_a_policy_knows_may_be_fewer_or_more() -> None:
    tiered, one = policy("tiered", KNOWN), policy("one-size-fits-all", KNOWN)
    assert warning("tiered", tiered, ("gold", "red")) is None
    assert "customers of vip are served like anybody" in (warning("tiered", tiered, (*TIERS, "vip")) or "")
    assert warning("mine.yaml", tiered, (*TIERS, "vip")) is None, "who writes one says what becomes of each tier"
    found = warning("one-size-fits-all", one, ("gold", "vip"))
    assert found is not None
    assert "customers of vip count as worth nothing" in found
    assert "served like anybody" not in found, "so is everybody"


def test_a_shipped_policy_that_the_setting_names_must_fit_the_tiers(two_tiers: Path) -> None:
    code, told = command("rules", "check", str(two_tiers), CONTACT_STREAMS_POLICY="tiered")
    assert code == 1
    assert (
        "CONTACT_STREAMS_POLICY: tiered was made for other tiers or service types; copy it into the folder policies"
        in told
    )
    assert "tiered.yaml:7: services.0.tiers: 'platinum' is not a tier of tiers.yaml (std, vip)" in told
    (two_tiers / "policies" / "tiered.yaml").write_text(
        text("one-size-fits-all").replace("platinum", "vip").replace("gold", "std").replace("  silver", "  #")
        .replace("  red", "  #")
    )  # fmt: skip
    assert command("rules", "check", str(two_tiers), CONTACT_STREAMS_POLICY="tiered") == (0, "rules are fine\n")


def test_the_shipped_alerts_ask_for_ones_own_beside_other_tiers(two_tiers: Path) -> None:
    (two_tiers / "alerts.yaml").unlink()
    with pytest.raises(RulesError) as caught:
        load(two_tiers)
    (line,) = str(caught.value).splitlines()
    assert line.endswith("'gold' is not a tier of tiers.yaml (std, vip); put an alerts.yaml into your folder")


def test_rules_check_checks_the_policy_of_the_setting(rules_dir: Path) -> None:
    code, told = command("rules", "check", str(rules_dir), CONTACT_STREAMS_POLICY="nope")
    assert (code, "CONTACT_STREAMS_POLICY: there is no policy 'nope'" in told) == (1, True)


@pytest.mark.parametrize(
    ("said", "what"),
    [("nonsense", "there is no policy 'nonsense'; shipped"), ("x/y.yaml", "there is no file x/y.yaml")],
)
def test_a_wrong_setting_is_named(said: str, what: str) -> None:
    with pytest.raises(RulesError) as caught:
        rules.of(SETTINGS.model_copy(update={"policy": said}))
    assert str(caught.value).startswith(f"CONTACT_STREAMS_POLICY: {what}")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("tires.yaml", "did you mean tiers.yaml?"),
        ("alerts.yml", "did you mean alerts.yaml?"),
        ("Tiers.yaml", "did you mean tiers.yaml?"),
        ("winter.yaml", "known are tiers.yaml, alerts.yaml, "),
    ],
)
def test_a_file_that_nobody_would_read_is_refused(rules_dir: Path, name: str, hint: str) -> None:
    (rules_dir / name).write_text("tiers: {}\n")
    with pytest.raises(RulesError) as caught:
        load(rules_dir)
    assert str(caught.value).startswith(f"{rules_dir / name}: is no file of the rules, and would not be read; {hint}")
    assert command("rules", "check", str(rules_dir))[0] == 1


def test_what_is_no_file_of_rules_may_lie_in_their_folder(rules_dir: Path) -> None:
    (rules_dir / "policies" / "winter.yaml").write_text(text())
    for name in ("README.md", ".tiers.yaml", "tiers.yaml~"):
        (rules_dir / name).write_text("not: [rules\n")
    load(rules_dir)
    (rules_dir / "mine.yaml").write_text(text())
    load(rules_dir, policy=str(rules_dir / "mine.yaml"))


def test_the_help_says_which_folder_is_checked() -> None:
    assert "CONTACT_STREAMS_RULES_DIR, else the shipped rules" in " ".join(
        command("rules", "check", "--help", COLUMNS="240")[1].split()
    )


def test_a_route_is_of_any_type_of_services_yaml(rules_dir: Path) -> None:
    served = (rules.SHIPPED / "services.yaml").read_text() + "  speed: {short-contact: 1.0}\n"
    (rules_dir / "services.yaml").write_text(served)
    mine = rules_dir / "policies" / "mine.yaml"
    mine.write_text(text().replace("routes: ", "routes:\n  speed: {channels: [chat]}  #"))
    found = load(rules_dir, policy="mine").customers.policy
    assert found is not None
    assert found.route_of("speed").channels == ("chat",)
    assert "speed" in command("policies", "show", "mine", CONTACT_STREAMS_RULES_DIR=str(rules_dir))[1]
    mine.write_text(mine.read_text().replace("speed:", "sped:"))
    why = r"routes\.sped: 'sped' is not a service type of services\.yaml \(value, service, relationship, convenience, speed"
    with pytest.raises(RulesError, match=why):
        load(rules_dir, policy="mine")
