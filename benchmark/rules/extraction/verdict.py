"""From the announced answers of a reply to its verdict.

The most binding announcements decide: a labelled final answer before any other label, a label before a pick
("故选"), a pick before a closing sentence, and that before a line of bare letters. Among equals the last one
holds if the words between them say that the mind was changed; otherwise different answers contradict each
other and nothing is committed. Source of the cases: the released replies of arXiv 2601.07954 and the known
failures of other extractors on Chinese multiple-choice replies.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from benchmark.rules.extraction.bare import bare_lines, leading_letters
from benchmark.rules.extraction.conclusions import conclusions
from benchmark.rules.extraction.letters import read_answer
from benchmark.rules.extraction.markers import Commit, Rank, is_last_word, labels, picks
from benchmark.rules.extraction.signs import Kind, Reading
from benchmark.rules.extraction.silence import is_no_reply, is_refusal, is_truncated, stops_openly
from benchmark.rules.extraction.text import Prepared, prepare

EXTRACTOR_NAME = "committed-answer"
EXTRACTOR_VERSION = "1"


class Outcome(StrEnum):
    """What became of one reply; only SCORED carries letters."""

    SCORED = "scored"
    NO_REPLY = "no_reply"
    TRUNCATED = "truncated"
    UNPARSEABLE = "unparseable"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Extraction:
    """`letters`: sorted unique capitals, "" unless SCORED; `reply[start:end]`: where the answer stands."""

    outcome: Outcome
    letters: str
    start: int | None
    end: int | None


_CHANGED = re.compile(
    r"更正|改正|订正|纠正[:：，,]|修正(?:[:：，,]|后|为|答案|一下)|改为|改成|改选|应改|更改|"
    r"重新(?:考虑|审视|检查|分析|评估|思考|作答|核对|判断|审题|审查|"
    r"梳理)|再次?(?:检查|核对|看|想|审|思考|考虑|确认|分析)|仔细(?:想|看|考虑|检查|审|分析|核对)|复核|"
    r"复查|等等[，,。!！…]|等一下|等下|不对[，,。！!—…]|不，|算了|想了想|补充[:：]|"
    r"(?:我|前面|上面|之前|刚才|以上)[^\n。]{0,12}(?:错了|有误|搞错|弄错|说错|失误|疏忽|遗漏)|写错|"
    r"选错了|后来(?:发现|改|认为)|改变(?:主意|想法|答案)|抱歉|(?:^|[\n。，,；;])(?:其实|实际上)|"
    r"更准确|而应|\b(?:correction|corrected|actually|wait|sorry|on second thought|reconsider\w*|"
    r"revis\w+|my mistake|let me re\w+|"
    r"instead|changed? my)\b",
    re.IGNORECASE,
)
# The same at the beginning of a sentence, after an answer; the words occur in explanations too.
_SELF_CORRECTION = re.compile(
    r"[\n。！!？?；;，,→>（(【\s*…—](?:更正|改正|订正|纠正|修正|修改[为成后:：]|算了|[哦噢啊嗯呃]不|漏[了掉选]|那就改|应该?(?:改|更正)?为|等等[，,。！!…]|等一下|等下|不对|不，|"
    r"抱歉|应改|改为|更改|最终改|"
    r"(?:我|前面|上面|之前|刚才)[^\n。]{0,12}(?:错了|有误|失误|疏忽|遗漏)|"
    r"(?:经过?)?(?:再次?|重新|仔细|进一步|反复|复)(?:复?核|检?查|想|审|思考|考虑|看|分析|核对|确认|梳理)|"
    r"后来(?:发现|改|认为)|(?P<soft>其实|实际上|\bactually\b)|\b(?:correction|wait|sorry|"
    r"on second thought|let me re\w+)\b)",
    re.IGNORECASE,
)
_NEAR = 150
_RETRACTED = re.compile(
    r"(?:^|[\n。！!；;])[\s*（(]*(?:更正[:：，,]|等等[，,…]|等一下|不对[，,—…]|我(?:搞|弄|说|写|"
    r"选)?错了|我改变主意|wait,|correction:)",
    re.IGNORECASE,
)
# After a correction the new answer may stand after words that would not announce one elsewhere.
_CORRECTED = re.compile(
    r"(?:更正|改正|订正|纠正|修正|修改|改|更改|更新)(?:后|一下|答案|选项|[】\]*\s])*+(?:应该?|应当)?(?:为|"
    r"成|选|是|[:：])|(?:应该?|应当)(?:是|为|选)|而是|"
    r"(?:^|[\s，,。；;])(?:就|还|所以|因此|那么|答案)?是|correction\s*:|(?:should be|it's|it is)\b",
    re.IGNORECASE,
)
# A model that runs on poses itself a new question; a numbered one is a list of questions instead.
_NEXT_QUESTION = re.compile(r"(?:^|[\n>])[\s*#【\[]{0,6}(?:题目|问题|[Qq]uestion)[】\]*\s]{0,4}[:：]")
# The worked example that stands in front of every released question: its answer is not the model's.
_SAMPLE_QUESTION = re.compile(r"医(?:疗|学)?伦理(?:学)?(?:中|的)?四大基本原则是\s*[?？]")
_SAMPLE_ANALYSIS = re.compile(r"包括尊重自主权?、不伤害(?:原则)?、行善(?:原则)?、公正(?:原则)?。")
_SAMPLE_LETTERS = "ABCD"


def extract(reply: str | None, options: str, *, cut_off: bool = False) -> Extraction:
    """The answer set that `reply` commits to, among the letters in `options` (such as "ABCDE").

    `cut_off`: the file says that the reply hit the length limit; an answer that the limit may have cut
    (its last letter ends the reply) is then TRUNCATED. `start` and `end` are character offsets in `reply`,
    both None unless SCORED. Never raises on any text; linear in its length.
    """
    if reply is None or not reply.strip():
        return _without(Outcome.NO_REPLY)
    offered = "".join(sorted({letter for letter in options.upper() if "A" <= letter <= "Z"}))
    prepared = prepare(reply)
    text = prepared.text
    decision = _decide(text, offered)
    if decision is not None and decision.reading.kind is Kind.LETTERS:
        reading = decision.reading
        start, end = prepared.raw(reading.start), prepared.raw(reading.end - 1) + 1
        if not (cut_off and not reply[end:]):
            return Extraction(Outcome.SCORED, reading.letters, start, end)
        # The limit fell on the last letter: more may have been meant.
        return _without(Outcome.TRUNCATED)
    return _without(_silence(prepared, offered, decision, cut_off=cut_off))


def is_right(letters: str, key: str) -> bool:
    """Whether both are the same non-empty set of letters; order, repetition and separators do not matter."""
    answer, expected = (
        {letter for letter in text.upper() if "A" <= letter <= "Z"} for text in (letters, key)
    )
    return bool(answer) and answer == expected


def _without(outcome: Outcome) -> Extraction:
    return Extraction(outcome, "", None, None)


def _silence(prepared: Prepared, options: str, decision: Commit | None, *, cut_off: bool) -> Outcome:
    text = prepared.text
    if prepared.unclosed_thinking:
        return Outcome.TRUNCATED
    if is_no_reply(text):
        return Outcome.NO_REPLY
    if decision is not None:
        # Something was announced: an unfinished set, or one that cannot be scored.
        return Outcome.TRUNCATED if cut_off or decision.reading.kind is Kind.OPEN else Outcome.UNPARSEABLE
    if is_refusal(text):
        return Outcome.REFUSED
    return Outcome.TRUNCATED if cut_off or is_truncated(text, options) else Outcome.UNPARSEABLE


def _decide(text: str, options: str) -> Commit | None:
    """The announcement that holds. Its kind is LETTERS only if it commits to letters; None: none found."""
    announced = labels(text, options)
    found = _own(text, announced)
    final = [commit for commit in found if commit.rank is Rank.FINAL]
    label = [commit for commit in found if commit.rank is Rank.LABEL]
    if final:
        # A label after the final answer is another explicit answer; one before it was on the way there.
        chosen = [
            commit
            for commit in found
            if commit.rank is Rank.FINAL or (commit.rank is Rank.LABEL and commit.at > final[-1].at)
        ]
    elif label:
        chosen = label
    else:
        chosen = _own(text, _unlabelled(text, options) or found)
    if not chosen:
        return _unscorable(announced[0]) if announced else None
    return _corrected(text, options, _last_standing(text, chosen))


def _unlabelled(text: str, options: str) -> list[Commit]:
    """Picks, else a closing sentence, each beside letters that begin the reply; else bare letters."""
    # Letters in front of everything are as good as any conclusion drawn below them.
    leading = leading_letters(text, options)
    chosen = picks(text, options)
    if not chosen and not stops_openly(text.strip()):
        chosen = conclusions(text, options)
    if chosen:
        return [commit for commit in leading if commit.reading.end <= chosen[0].at] + chosen
    lines = [] if stops_openly(text.strip()) else bare_lines(text, options)
    return lines if lines and leading and lines[0].at == leading[0].at else leading + lines


def _own(text: str, commits: Sequence[Commit]) -> list[Commit]:
    """`commits` without echoes of the prompt's example and without questions that the model posed itself."""
    own: list[Commit] = []
    previous_end = 0
    several = False
    for commit in commits:
        between = text[previous_end : commit.at]
        previous_end = max(previous_end, commit.reading.end)
        if commit.reading.letters == _SAMPLE_LETTERS and _is_sample(between[-900:]):
            continue
        asked = bool(_NEXT_QUESTION.search(between))
        if own and own[-1].reading.letters and asked and not several:
            break
        several = several or asked
        own.append(commit)
    return own


def _is_sample(before: str) -> bool:
    if "四大基本原则" not in before:
        return False
    return bool(_SAMPLE_QUESTION.search(before)) or bool(_SAMPLE_ANALYSIS.search(before))


def _last_standing(text: str, commits: Sequence[Commit]) -> Commit:
    """The last of equals, or an unscorable one where they contradict each other without a change of mind."""
    standing = _settled(commits)
    current = standing[0]
    contradiction: Commit | None = None
    for commit in standing[1:]:
        same = commit.reading.letters == current.reading.letters
        if not same:
            if _CHANGED.search(text, current.reading.end, commit.reading.start) or (
                current.rank is not Rank.FINAL and is_last_word(text, commit)
            ):
                contradiction = None
            else:
                contradiction = commit
        current = commit
    if contradiction is None or _sums_up(standing):
        return current
    return _unscorable(contradiction)


def _settled(commits: Sequence[Commit]) -> list[Commit]:
    """`commits` without alternatives that a later answer, no less binding, settles ("A还是C？……选C。")."""
    standing: list[Commit] = []
    binding: Rank | None = None
    for commit in reversed(commits):
        if commit.reading.kind is not Kind.UNSURE or binding is None or binding > commit.rank:
            standing.append(commit)
        if commit.reading.kind is Kind.LETTERS:
            binding = commit.rank if binding is None else min(binding, commit.rank)
    return standing[::-1]


def _sums_up(commits: Sequence[Commit]) -> bool:
    """Whether the last pick gathers the single letters picked on the way ("故选B；…故选E。综上选BE。")."""
    *steps, last = commits
    return (
        last.rank is Rank.PICK
        and all(len(step.reading.letters) == 1 for step in steps)
        and {step.reading.letters for step in steps} == set(last.reading.letters)
    )


def _corrected(text: str, options: str, commit: Commit) -> Commit:
    """`commit`, or what a correction after it says."""
    change = _SELF_CORRECTION.search(text, commit.reading.end)
    if change is None or (change["soft"] and commit.rank is Rank.FINAL):
        return commit
    at = change.start()
    later = [*picks(text, options, at), *conclusions(text, options, at), *_corrections(text, options, at)]
    near = [candidate for candidate in later if candidate.at - at <= _NEAR]
    if near:
        return max(near, key=lambda candidate: candidate.reading.start)
    return _unscorable(commit) if _RETRACTED.search(text, commit.reading.end) else commit


def _corrections(text: str, options: str, start: int) -> list[Commit]:
    """What stands after the words of a correction near `start`."""
    found: list[Commit] = []
    for match in _CORRECTED.finditer(text, start, min(len(text), start + _NEAR)):
        reading = read_answer(text, match.end(), options, stop=min(len(text), match.end() + 200))
        if reading.kind is Kind.LETTERS:
            found.append(Commit(Rank.LABEL, match.start(), reading))
    return found


def _unscorable(commit: Commit) -> Commit:
    return Commit(commit.rank, commit.at, Reading(Kind.UNSURE, "", commit.reading.start, commit.reading.end))
