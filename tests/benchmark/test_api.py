from __future__ import annotations
from pathlib import Path
from tests.benchmark.cast import make_cast
def test_cast(tmp_path: Path, submitter, stranger, researcher) -> None:
    cast = make_cast(tmp_path / "tiny", submitter=submitter, stranger=stranger, researcher=researcher)
    print({k: (s.state, [(x.board.slug, x.right, x.n, x.designated, x.rank_low, x.rank_high, x.ci_low) for x in s.scores.all()]) for k, s in cast.submissions.items()})
    assert 0
