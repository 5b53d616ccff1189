from __future__ import annotations

import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.rules.splits import assign_split, is_audit, parse_split_option, stable_share

KEYS = [f"group-{n}" for n in range(4000)]
SHARES = {"dev": 0.3, "public": 0.5, "hidden": 0.2}


def test_stable_share_is_the_hash() -> None:
    digest = hashlib.sha256(b"salt\x00key").hexdigest()
    assert stable_share("key", "salt") == pytest.approx(int(digest[:13], 16) / 16**13, abs=1e-12)
    assert stable_share("ey", "saltk") != stable_share("key", "salt")


@given(st.text(), st.text())
def test_stable_share_lies_in_the_unit_interval(key: str, salt: str) -> None:
    assert 0 <= stable_share(key, salt) < 1


def test_splits_come_in_their_shares_and_stay() -> None:
    counts = Counter(assign_split(key, SHARES) for key in KEYS)
    # Four standard deviations of a binomial of 4,000.
    for split, share in SHARES.items():
        assert abs(counts[split] - 4000 * share) < 4 * (4000 * share * (1 - share)) ** 0.5
    backwards = dict(reversed(SHARES.items()))
    assert all(assign_split(key, SHARES) == assign_split(key, backwards) for key in KEYS[:200])
    assert all(
        assign_split(key, SHARES) == assign_split(key, parse_split_option("dev=30,public=50,hidden=20"))
        for key in KEYS
    )


def test_pinned_values() -> None:
    """A change here would move groups of a stored benchmark to another split."""
    assert [assign_split(key, SHARES) for key in KEYS[:8]] == [
        "dev",
        "hidden",
        "hidden",
        "public",
        "public",
        "public",
        "public",
        "dev",
    ]
    assert [key for key in KEYS[:20] if is_audit(key)] == ["group-0", "group-2", "group-4", "group-15"]


def test_one_split_takes_all_and_zero_takes_none() -> None:
    assert {assign_split(key, {"public": 1.0}) for key in KEYS[:100]} == {"public"}
    assert {assign_split(key, {"dev": 0.0, "hidden": 2.0}) for key in KEYS[:100]} == {"hidden"}


def test_audit_groups_are_a_fifth_and_have_nothing_to_do_with_splits() -> None:
    audit = [key for key in KEYS if is_audit(key)]
    assert abs(len(audit) - 800) < 4 * (4000 * 0.2 * 0.8) ** 0.5
    in_dev = sum(assign_split(key, SHARES) == "dev" for key in audit)
    assert abs(in_dev - 0.3 * len(audit)) < 4 * (len(audit) * 0.3 * 0.7) ** 0.5
    assert not any(is_audit(key, 0) for key in KEYS)
    assert all(is_audit(key, 1) for key in KEYS)


@pytest.mark.parametrize(
    "shares", [{}, {"dev": 0.0}, {"dev": -1.0, "public": 2.0}, {"test": 1.0}, {"dev": float("nan")}]
)
def test_bad_shares(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        assign_split("group-1", shares)


def test_bad_audit_share() -> None:
    with pytest.raises(ValueError, match="audit share"):
        is_audit("group-1", 1.5)


@pytest.mark.parametrize(
    ("option", "shares"),
    [
        ("public", {"public": 1.0}),
        (" dev ", {"dev": 1.0}),
        ("dev=30,public=50,hidden=20", {"dev": 0.3, "public": 0.5, "hidden": 0.2}),
        ("hidden = 99.5, dev = 0.5", {"dev": 0.005, "hidden": 0.995}),
        ("dev=0,public=100", {"public": 1.0}),
    ],
)
def test_options(option: str, shares: dict[str, float]) -> None:
    parsed = parse_split_option(option)
    assert parsed == pytest.approx(shares)
    assert list(parsed) == list(shares)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("", "unknown split ''"),
        ("test", "unknown split 'test'"),
        ("dev,public=100", "'dev' needs a percentage"),
        ("dev=30,public=50", "add up to 80, not to 100"),
        ("dev=50,dev=50", "'dev' is given twice"),
        ("dev=x,public=50", "not a number: 'x'"),
        ("dev=-10,public=110", "between 0 and 100"),
        ("dev=nan,public=100", "between 0 and 100"),
        ("dev=30,public=50,hidden=20,", "unknown split ''"),
    ],
)
def test_bad_options(option: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_split_option(option)
    assert message in str(caught.value)
