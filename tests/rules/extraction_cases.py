"""Replies and what they commit to: the expected reading of each, grouped by theme.

Written for these tests; no reply is taken from a released file. `scored` expects letters, the other makers
expect the outcome they are named after. Options are A to E unless a case says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.rules.extraction import Outcome
from tests.rules.extraction_closings import CLOSINGS_BY_FAMILY
from tests.rules.extraction_habits import ANSWERED, SILENT
from tests.rules.extraction_passing import PASSING_BY_FAMILY
from tests.rules.extraction_wordings import WORDINGS_BY_FAMILY


@dataclass(frozen=True, slots=True)
class Case:
    """`extract(reply, options, cut_off=cut_off)` must give `outcome` and `letters`."""

    id: str
    reply: str | None
    options: str
    outcome: Outcome
    letters: str
    cut_off: bool = False


def scored(id: str, reply: str, letters: str, options: str = "ABCDE", *, cut_off: bool = False) -> Case:
    return Case(id, reply, options, Outcome.SCORED, letters, cut_off)


def unparseable(id: str, reply: str, options: str = "ABCDE") -> Case:
    return Case(id, reply, options, Outcome.UNPARSEABLE, "")


def no_reply(id: str, reply: str | None, *, cut_off: bool = False) -> Case:
    return Case(id, reply, "ABCDE", Outcome.NO_REPLY, "", cut_off)


def truncated(id: str, reply: str, options: str = "ABCDE", *, cut_off: bool = False) -> Case:
    return Case(id, reply, options, Outcome.TRUNCATED, "", cut_off)


def refused(id: str, reply: str) -> Case:
    return Case(id, reply, "ABCDE", Outcome.REFUSED, "")


# The form that the prompt asks for, and how models bend it.
ASKED_FORM = (
    scored("form-plain", "【思考过程】：B与D涉及隐私。\n\n【最终答案】：BD", "BD"),
    scored("form-no-colon", "【思考过程】：略作分析。\n\n【最终答案】BD", "BD"),
    scored("form-half-colon", "【最终答案】: BD", "BD"),
    scored("form-next-line", "【最终答案】：\nBD", "BD"),
    scored("form-blank-line-between", "【最终答案】：\n\nBD", "BD"),
    scored("form-bold-label", "**【最终答案】**：BD", "BD"),
    scored("form-bold-label-colon", "**【最终答案】：**BD", "BD"),
    scored("form-bold-all", "**【最终答案】：BD**", "BD"),
    scored("form-bold-letters", "【最终答案】：**B、D**", "BD"),
    scored("form-bold-no-colon", "**【最终答案】** ABD", "ABD"),
    scored("form-heading", "### 最终答案：\nBD", "BD"),
    scored("form-heading-brackets", "## 【最终答案】\nBD", "BD"),
    scored("form-heading-bold", "#### **最终答案**\n**BD**", "BD"),
    scored("form-doubled-label", "### 最终答案\n【最终答案】：D", "D"),
    scored("form-missing-close", "【最终答案：ABD", "ABD"),
    scored("form-missing-open", "最终答案】：ABD", "ABD"),
    scored("form-square-brackets", "[最终答案]: ABD", "ABD"),
    scored("form-no-brackets", "最终答案：ABD", "ABD"),
    scored("form-is", "最终答案是ABD。", "ABD"),
    scored("form-should-be", "因此最终答案应为A、B、D。", "ABD"),
    scored("form-only", "因此，最终答案仅选A。", "A"),
    scored("form-as-follows", "最终答案如下：\n\nACE", "ACE"),
    scored("form-split-letters", "【最终答案】：BCEF H", "BCEFH", "ABCDEFGH"),
    scored("form-traditional", "【最終答案】：BD", "BD"),
    scored("form-note-behind-label", "最终答案（不定项）：BD", "BD"),
    scored("form-english-note-behind-label", "最终答案(Final Answer)：BD", "BD"),
    scored("form-letters-in-brackets", "最终答案（BD）", "BD"),
    scored("form-corner-quotes", "『最终答案』：「BD」", "BD"),
    scored("form-analysis-in-answer", "### 最终答案：\n【思考过程】：先看A项。\n【最终答案】：ACD", "ACD"),
    scored("form-points-at-answer", "【最终答案】：根据以上分析，正确选项为A、C。", "AC"),
    scored("form-points-at-answer-pick", "【最终答案】：综上，选BD。", "BD"),
    scored("form-crlf", "【思考过程】：略。\r\n\r\n【最终答案】：\r\nBD\r\n", "BD"),
    scored("form-excel-return", "【思考过程】：略。_x000D_\n【最终答案】：AB_x000D_\n", "AB"),
    scored("form-escaped-newlines", "【思考过程】：略。\\n\\n【最终答案】：AB\\n", "AB"),
    scored("form-hr-between", "【最终答案】\n\n---\n\nBD", "BD"),
    scored("form-quote-block", "【最终答案】：\n> BD", "BD"),
    scored("form-emoji", "✅ 最终答案：👉 BD 🎉", "BD"),
    scored("form-arrow", "最终答案 → BD", "BD"),
    scored("form-last-answer", "最后答案：BD", "BD"),
)

# Other labels than the asked one.
LABELS = (
    scored("label-is", "答案是BD", "BD"),
    scored("label-right-options", "正确选项为A、C、D", "ACD"),
    scored("label-after-elimination", "A选项不符合知情同意，排除。答案：BD", "BD"),
    scored("label-right-answer", "综上，正确答案为A和C。", "AC"),
    scored("label-right-answer-item", "因此，正确答案是选项C。", "C"),
    scored("label-right-answer-suffix", "因此，正确答案为C选项。", "C"),
    scored("label-options-both", "正确答案是选项B和选项D。", "BD"),
    scored("label-reference", "参考答案：ABE", "ABE"),
    scored("label-of-question", "本题答案为 A C", "AC"),
    scored("label-bold", "**答案**：**B**、**D**", "BD"),
    scored("label-brackets", "【答案】CD", "CD"),
    scored("label-equals", "答案=CD", "CD"),
    scored("label-tight", "答案BD。", "BD"),
    scored("label-heading-below", "## 答案\n\nBD\n\n## 解析\n\nA项有误。", "BD"),
    scored("label-right-options-list", "正确的选项有：A、C、D", "ACD"),
    scored("label-choose", "故选BD。", "BD"),
    scored("label-choose-and", "因此应选A、B和E。", "ABE"),
    scored("label-choose-options", "所以选择选项B、D。", "BD"),
    scored("label-choose-question", "本题选ACD", "ACD"),
    scored("label-choose-start", "选BD", "BD"),
    scored("label-i-choose", "我选择B和D。", "BD"),
    scored("label-english-caps", "ANSWER: A、B、D", "ABD"),
    scored("label-english", "Answer: B, D", "BD"),
    scored("label-english-final", "Final Answer: BD", "BD"),
    scored("label-english-sentence", "The correct answer is B and D.", "BD"),
    scored("label-english-answers", "The answers are A, C, and E.", "ACE"),
    scored("label-english-option", "The correct options are A and C because both protect privacy.", "AC"),
    scored("label-english-choose", "I choose B and D.", "BD"),
    scored("label-english-be", "The answer should be BE.", "BE"),
    scored("label-be-is-letters", "【最终答案】：BE", "BE"),
    scored("label-english-because", "The answer is A because consent is missing.", "A"),
    scored("label-answer-tag", "<answer>BD</answer>", "BD"),
    scored("label-answer-tag-then-text", "<answer>BD</answer>\nA选项未取得同意。", "BD"),
    scored("label-is-right-answer", "BD是正确答案。", "BD"),
    scored("label-item-is-answer", "因此，选项C是正确答案。", "C"),
)

# Between the letters.
SEPARATORS = (
    scored("sep-ideographic-comma", "答案：A、B、D", "ABD"),
    scored("sep-comma", "答案：A,B,D", "ABD"),
    scored("sep-comma-space", "答案：A, B, D", "ABD"),
    scored("sep-wide-comma", "答案：A，B，D", "ABD"),
    scored("sep-semicolon", "答案：A；B；D", "ABD"),
    scored("sep-slash", "答案：A/B/D", "ABD"),
    scored("sep-wide-slash", "答案：A／B／D", "ABD"),
    scored("sep-space", "答案：A B D", "ABD"),
    scored("sep-wide-space", "答案：A　B　D", "ABD"),
    scored("sep-and-he", "答案：A和B和D", "ABD"),
    scored("sep-and-ji", "答案：A、B及D", "ABD"),
    scored("sep-and-yu", "答案：A与D", "AD"),
    scored("sep-and-yiji", "答案：A、B以及D", "ABD"),
    scored("sep-ampersand", "答案：A & D", "AD"),
    scored("sep-plus", "答案：A+D", "AD"),
    scored("sep-dot", "答案：A.B.D", "ABD"),
    scored("sep-dot-space", "答案：A. B. D.", "ABD"),
    scored("sep-newline", "【最终答案】：\nA\nB\nD", "ABD"),
    scored("sep-bullets", "【最终答案】：\n- A\n- B\n- D", "ABD"),
    scored("sep-stars", "【最终答案】：\n* A\n* B\n* D", "ABD"),
    scored("sep-quotes", "答案：“A”、“B”、“D”", "ABD"),
    scored("sep-parentheses", "答案：(A)(B)(D)", "ABD"),
    scored("sep-wide-parentheses", "答案：（A）、（B）、（D）", "ABD"),
    scored("sep-item-words", "答案：A选项、B选项和D选项", "ABD"),
    scored("sep-item-words-glued", "答案：A项B项D项", "ABD"),
    scored("sep-item-prefix", "答案：选项A、选项B、选项D", "ABD"),
    scored("sep-unsorted", "答案：DBA", "ABD"),
    scored("sep-repeated", "答案：A、B、B", "AB"),
    scored("sep-three-items", "答案：A、B、D三项", "ABD"),
    scored("sep-oxford", "The answer is A, B, and D.", "ABD"),
    scored("sep-mixed", "答案：AB、D", "ABD"),
    scored("sep-hyphens", "答案：A-B-D", "ABD"),
)

# Letters of words, tests, blood groups and instructions are no answer.
NOT_LETTERS = (
    scored("word-who-hiv", "参考WHO指南与HIV管理办法。答案：B", "B"),
    scored("word-hiv-elimination", "HIV信息属隐私，A选项错误，答案为B、D", "BD"),
    unparseable("word-who-only", "这里参考了WHO关于HIV检测的指南。"),
    unparseable("word-icu", "ICU床位不足时应当公开分配规则，CT与DNA检测均须知情同意。"),
    unparseable("word-b-scan", "答案涉及B超检查的告知。"),
    unparseable("word-answer-b-scan", "答案：B超检查"),
    unparseable("word-blood-group", "最终答案取决于AB型血的供应。"),
    unparseable("word-answer-dna", "答案：DNA检测需要同意。"),
    scored("word-aed", "现场使用AED。最终答案：AE", "AE"),
    scored("word-vitamin", "补充维生素C和D。\n【最终答案】：B", "B"),
    scored("word-celsius", "体温38℃，保存于4℃。\n【最终答案】：A", "A"),
    scored("word-gcp", "按GCP要求，故选AC。", "AC"),
    unparseable("word-excluded", "排除C、D。"),
    unparseable("word-not-chosen", "因此不选C、D。"),
    unparseable("word-should-not-choose", "所以不应选A。"),
    unparseable("word-answer-without", "答案中不含A和C。"),
    unparseable("word-answer-is-not", "答案不是A。"),
    unparseable("word-wrong-options", "错误选项为A、C。"),
    unparseable("word-wrong-answer-label", "错误答案：A、C。"),
    unparseable("word-english-article", "The answer depends on context. A patient should decide."),
    unparseable("word-answer-article", "The answer is a matter of trust between doctor and patient."),
    unparseable("word-per-option", "A选项正确。B选项错误。C选项有争议。"),
    scored("word-wrong-then-choose", "答案：A错误，故选BD。", "BD"),
    unparseable("word-choose-none", "若选A则违反保密义务。"),
    unparseable("word-depends", "如果题目问的是禁止行为，答案为CD。"),
    unparseable("word-who-after-label", "最终答案：WHO指南未涉及。"),
)

# Signs that look like letters, and what nobody sees.
SIGNS = (
    scored("sign-full-width", "【最终答案】：ＡＢ", "AB"),
    scored("sign-full-width-list", "答案：Ａ、Ｂ、Ｄ", "ABD"),
    scored("sign-full-width-lower", "答案：ｂｄ", "BD"),
    scored("sign-circled", "答案：ⒷⒹ", "BD"),
    scored("sign-parenthesised", "答案：🄑🄓", "BD"),
    scored("sign-squared-emoji", "答案：🅱", "B"),
    scored("sign-mathematical", "答案：𝐁𝐃", "BD"),
    scored("sign-double-struck", "答案：𝔹𝔻", "BD"),
    scored("sign-cyrillic-look-alikes", "答案：АВ", "AB"),
    scored("sign-zero-width-label", "最终\u200b答案：B\u200bD", "BD"),
    scored("sign-bom", "\ufeff答案：BD", "BD"),
    scored("sign-right-to-left", "答案：\u200fBD\u200e", "BD"),
    scored("sign-bidi-override", "答案：\u202eDB\u202c", "BD"),
    scored("sign-word-joiner", "答案：A\u2060、\u2060D", "AD"),
    scored("sign-soft-hyphen", "答案：B\xadD", "BD"),
    scored("sign-variation-selector", "✔\ufe0f 答案：BD", "BD"),
    scored("sign-nbsp", "答案：\xa0B\xa0D", "BD"),
    scored("sign-combining", "答案：B\u0332D\u0332", "BD"),
    scored("sign-nul", "答案：B\x00D", "BD"),
    unparseable("sign-celsius-is-no-c", "答案：℃"),
    unparseable("sign-roman-is-no-d", "答案：Ⅾ"),
    unparseable("sign-cubic", "答案：㏄"),
    unparseable("sign-greek-beta", "答案：Aβ沉积"),
    scored("sign-two-dot", "答案︰BD", "BD"),
)

# Markup of every kind.
MARKUP = (
    scored("markup-fence", "```\n【最终答案】：BD\n```", "BD"),
    scored("markup-fence-below", "【最终答案】：\n```\nBD\n```", "BD"),
    scored("markup-fence-language", "【最终答案】：\n```text\nBD\n```", "BD"),
    scored("markup-inline-code", "最终答案：`BD`", "BD"),
    scored("markup-boxed", "$\\boxed{BD}$", "BD"),
    scored("markup-boxed-list", "\\boxed{A, B, D}", "ABD"),
    scored("markup-boxed-text", "\\boxed{\\text{BD}}", "BD"),
    scored("markup-boxed-label", "\\boxed{【最终答案】：ABD}", "ABD"),
    scored("markup-label-boxed", "【最终答案】：\\boxed{ABD}", "ABD"),
    scored("markup-label-display-boxed", "最终答案：\\[\\boxed{ABD}\\]", "ABD"),
    scored("markup-boxed-each", "答案：$\\boxed{A}$、$\\boxed{D}$", "AD"),
    scored("markup-html-bold", "<b>最终答案</b>：<strong>BD</strong>", "BD"),
    scored("markup-html-break", "最终答案：<br/>BD", "BD"),
    scored("markup-nbsp-entity", "最终答案：&nbsp;BD", "BD"),
    scored("markup-underline", "__最终答案__：BD", "BD"),
    scored("markup-each-bold", "最终答案：**A**, **D**", "AD"),
    scored("markup-strike", "最终答案：~~A~~".replace("~~", "") + "、D", "AD"),
    scored("markup-table-row", "| 项目 | 内容 |\n|---|---|\n| 最终答案 | ABD |\n| 解析 | C不合规 |", "ABD"),
    scored("markup-table-column", "| 题号 | 答案 |\n|---|---|\n| 1 | ABD |", "ABD"),
    scored("markup-table-column-first", "| 答案 | 说明 |\n|:--|:--|\n| ABD | 见上 |", "ABD"),
    scored(
        "markup-table-of-options",
        "| 选项 | 判断 |\n|---|---|\n| A | 正确 |\n| B | 错误 |\n| C | 正确 |\n\n【最终答案】：AC",
        "AC",
    ),
    unparseable("markup-table-several", "| 题号 | 答案 |\n|---|---|\n| 1 | AB |\n| 2 | CD |"),
    unparseable(
        "markup-table-no-answer", "| 选项 | 判断 |\n|---|---|\n| A | 正确 |\n| B | 错误 |\n| E | 正确 |"
    ),
)

# Answers with the option text.
ECHOED = (
    scored("echo-semicolon", "最终答案：B. 保护隐私；D. 公平分配", "BD"),
    scored("echo-spaces", "【最终答案】：A. 知情同意 B. 保护隐私", "AB"),
    scored("echo-comma", "【最终答案】：A. 知情同意，C. 公正，D. 保密", "ACD"),
    scored("echo-lines", "【最终答案】：\nA. 知情同意\nB. 保护隐私\nD. 公平分配", "ABD"),
    scored("echo-bullets", "**最终答案**：\n- **A. 知情同意**\n- **D. 公平分配**", "AD"),
    scored("echo-blank-lines", "【最终答案】：\n\nA. 知情同意\n\nD. 公平分配", "AD"),
    scored("echo-ct", "最终答案：B. 行CT检查；D. 行MRI检查", "BD"),
    scored("echo-ct-first", "最终答案：B. CT检查前告知；D. DNA检测前告知", "BD"),
    scored("echo-b-scan", "最终答案：A、B超检查；D、核磁检查", "AD"),
    scored("echo-icu", "最终答案：C. ICU收治标准；E. GCP培训", "CE"),
    scored("echo-vitamin", "最终答案：B. 补充维生素C；D. 停用维生素A", "BD"),
    scored("echo-blood", "最终答案：B. A型血；D. AB型血", "BD"),
    scored("echo-aed", "最终答案：B. AED使用；D. 心肺复苏", "BD"),
    scored("echo-cea", "最终答案：B. CEA检测；D. 随访", "BD"),
    scored("echo-glued-text", "【最终答案】：B保护隐私，D公平分配", "BD"),
    scored("echo-parentheses", "最终答案：A（知情同意）、B（保护隐私）、D（公平分配）", "ABD"),
    scored("echo-colon", "最终答案：A：知情同意；D：公平分配", "AD"),
    scored("echo-bracket-mark", "最终答案：A) 知情同意 D) 公平分配", "AD"),
    scored("echo-brackets", "最终答案：(A) 知情同意 (D) 公平分配", "AD"),
    scored("echo-ideographic-comma", "最终答案：A、知情同意；D、公平分配", "AD"),
    scored("echo-single", "正确答案是C. 三名", "C"),
    scored("echo-single-number", "因此，正确答案为C.14日。D.21日过长。", "C"),
    scored("echo-option-says-wrong", "正确答案应为B.错误。", "B", "AB"),
    scored("echo-option-says-wrong-brackets", "【最终答案】：B（错误）", "B", "AB"),
    scored("echo-option-says-wrong-tight", "【最终答案】：B错误", "B", "AB"),
    scored("echo-option-says-right", "【最终答案】：A. 正确", "A", "AB"),
    scored("echo-verdicts", "【最终答案】：A. 正确；B. 错误；C. 正确", "AC"),
    scored("echo-dash", "最终答案：B - 保护隐私；D - 公平分配", "BD"),
    scored("echo-then-explanation", "【最终答案】：B. 保护隐私\n\n解析：A. 不合规。C. 过时。", "B"),
    scored("echo-prose-comparison", "因此正确答案是B.1个月，C.2个月过长。", "B"),
)

# What stands behind the answer.
TRAILING = (
    scored("tail-note", "【最终答案】：ABD（C、E因未告知而不选）", "ABD"),
    scored("tail-note-one", "【最终答案】：AB（C错误）", "AB"),
    scored("tail-explanation", "【最终答案】：ABD\n\n解析：C违反保密义务，E缺乏依据。", "ABD"),
    scored("tail-per-option", "【最终答案】：AB\n\nA. 符合要求。\nC. 不符合要求。", "AB"),
    scored("tail-clause", "【最终答案】：AB，CD错误", "AB"),
    scored("tail-clause-option", "【最终答案】：A，B选项错误", "A"),
    scored("tail-clause-dot", "答案为AB。C选项错误，D选项错误。", "AB"),
    scored("tail-all-right", "【最终答案】：ABD均正确", "ABD"),
    scored("tail-violate", "【最终答案】：A、B、D违反规定", "ABD"),
    scored("tail-because", "答案为B，因为D选项未告知风险。", "B"),
    scored("tail-colon", "【最终答案】：ABD：均涉及隐私", "ABD"),
    scored("tail-remark", "【最终答案】：C  \n（注：题目似乎要求三项，但仅C符合。）", "C"),
    scored("tail-conditional", "【最终答案】：AB\n（注：如果题目问的是禁止项，答案为CD）", "AB"),
    scored("tail-period", "【最终答案】：BD。", "BD"),
    scored("tail-thanks", "【最终答案】：BD\n\n希望以上解答对您有帮助！", "BD"),
    scored("tail-who", "【最终答案】：BD（参考WHO指南）", "BD"),
    scored("tail-excludes", "【最终答案】：ABE，不选C、D", "ABE"),
    scored("tail-repeated-explanation", "【最终答案】：AB\n解析：因此答案为AB。", "AB"),
    scored("tail-confidence", "Final Answer: BD\nConfidence: 90% (A and C are weaker)", "BD"),
    scored("tail-runs-on", "【最终答案】：AB\n\n题目：下列何者正确？\nA.甲\nB.乙\n【最终答案】：CD", "AB"),
)

# A changed mind, a repetition and a contradiction.
CHANGES = (
    scored("change-correction", "答案：AB。补充考虑E与D。更正：答案应为ABD", "ABD"),
    scored("change-not-but", "最终答案不是A，而是BC", "BC"),
    scored("change-not-but-label", "【最终答案】：不是A，而是B、C。", "BC"),
    scored("change-wait", "答案：AB。等等，D也符合要求。答案：ABD", "ABD"),
    scored("change-rethink", "【最终答案】：AB\n\n重新审视D项后认为成立。\n\n【最终答案】：ABD", "ABD"),
    scored("change-correction-word", "【最终答案】：AB\n更正：ABD", "ABD"),
    scored("change-to", "最终答案：AB\n\n不对，应改为ABD。", "ABD"),
    scored("change-sorry", "答案是A。抱歉，刚才看错了，答案是C。", "C"),
    scored("change-pick", "故选AB。经复核，应改选ABD。", "ABD"),
    scored("change-english", "Answer: A. Wait, I misread it. Answer: C.", "C"),
    scored("change-english-actually", "The answer is A. Actually, the correct answer is B and C.", "BC"),
    scored("change-twice", "答案：A。更正：答案为AB。再次检查后，答案为ABC。", "ABC"),
    scored("change-revised-label", "最终答案：AB\n修正后的最终答案：ABE", "ABE"),
    scored("change-to-fewer", "答案：ABCD。仔细考虑，D不属于。因此答案为ABC。", "ABC"),
    scored("same-twice", "答案是BD。\n\n【最终答案】：BD", "BD"),
    scored("same-twice-other-order", "答案：D、B。\n最终答案：BD", "BD"),
    scored("same-three-times", "故选BD。答案：BD。\n【最终答案】：B、D", "BD"),
    scored("final-outranks-earlier", "初看答案是ABC。\n\n【最终答案】：AB", "AB"),
    scored("final-outranks-picks", "A应选。因此选A。C应选。因此选C。\n【最终答案】：AC", "AC"),
    scored("tentative-then-label", "初步答案：AB。D也成立。\n答案：ABD", "ABD"),
    unparseable("contradiction-final", "【最终答案】：AB\n\n【最终答案】：CD"),
    unparseable("contradiction-labels", "答案：AB。\n\n答案：ABD。"),
    unparseable("contradiction-label-behind-final", "【最终答案】：AB\n\n答案：CD"),
    unparseable("contradiction-boxed", "\\boxed{A}\n\n\\boxed{C}"),
    unparseable("contradiction-picks", "因此选A。\n因此选C。"),
    unparseable("alternatives", "答案：A或B"),
    unparseable("alternatives-sets", "【最终答案】：AB或ABC"),
    unparseable("retracted", "【最终答案】：AB\n\n等等，我错了。"),
    unparseable("numbered-questions", "第1题答案：AB\n第2题答案：CD"),
    unparseable("numbered-question-heads", "题目1：甲\n答案：AB\n题目2：乙\n答案：CD"),
    unparseable("numbered-list", "答案：1. AB 2. CD"),
)

# All, all but, ranges.
ALL_AND_RANGES = (
    scored("all-above", "【最终答案】：以上都对", "ABCDE"),
    scored("all-chosen", "【最终答案】：全选", "ABCD", "ABCD"),
    scored("all-letters", "【最终答案】：ABCDE全部", "ABCDE"),
    scored("all-options", "正确答案应包括所有选项。", "ABCDE"),
    scored("all-right", "答案：全部正确", "ABCDE"),
    scored("all-four", "答案：四个选项都正确", "ABCD", "ABCD"),
    scored("all-above-right", "综上，以上选项均正确。", "ABCDE"),
    scored("all-pick", "因此全选。", "ABCDE"),
    scored("all-english", "Answer: All of the above", "ABCDE"),
    scored("all-violate", "【最终答案】：以上均违反规定", "ABCD", "ABCD"),
    scored("all-letter-is-all", "【最终答案】：E（以上都是）", "E"),
    scored("all-letter-text-is-all", "【最终答案】：E. 以上都对", "E"),
    scored("all-except", "【最终答案】：除C外均正确", "ABDE"),
    scored("all-except-two", "答案：除了C、D以外，其余全选", "ABE"),
    scored("range-to", "A到D均正确。", "ABCD"),
    scored("range-hyphen", "【最终答案】：A-D", "ABCD"),
    scored("range-tilde", "【最终答案】：A～D", "ABCD"),
    scored("range-to-label", "答案：A至C", "ABC"),
    scored("range-dash", "答案：B–D", "BCD"),
    scored("range-options", "答案：选项A到选项D", "ABCD"),
    scored("range-and-one", "答案：A-C、E", "ABCE"),
    scored("range-english", "Answer: A through C", "ABC"),
    unparseable("none-right", "【最终答案】：无正确选项"),
    unparseable("none-word", "【最终答案】：无"),
    unparseable("none-brackets", "【最终答案】：（无）"),
    unparseable("none-after-analysis", "E或可成立，但不选。\n【最终答案】：无（均不选）"),
    unparseable("none-above-wrong", "【最终答案】：以上都不对"),
    unparseable("none-all-fail", "答案：所有选项均不符合"),
    unparseable("none-english", "Final answer: none of the above"),
    unparseable("none-not-all", "答案：全部错误"),
    unparseable("none-unsure", "最终答案：无法确定"),
)

# Lower case, letters that are not offered.
CASE_AND_FOREIGN = (
    scored("lower-label", "答案：bd", "BD"),
    scored("lower-list", "Answer: b, d", "BD"),
    scored("lower-final", "【最终答案】：a、c", "AC"),
    unparseable("lower-word", "答案：be careful about privacy"),
    unparseable("foreign-one", "答案：F", "ABCD"),
    unparseable("foreign-among", "【最终答案】：AF", "ABCD"),
    unparseable("foreign-list", "【最终答案】：A、F", "ABCD"),
    unparseable("foreign-e", "【最终答案】：ABE", "ABCD"),
    unparseable("foreign-bare", "G", "ABCD"),
    scored("many-options", "【最终答案】：ACFH", "ACFH", "ABCDEFGH"),
    scored("two-options", "【最终答案】：B", "B", "AB"),
    unparseable("digits", "【最终答案】：1、3"),
)

# A reply of letters only, and closing sentences without a label.
UNLABELLED = (
    scored("bare", "BD", "BD"),
    scored("bare-list", "B,D。", "BD"),
    scored("bare-space", " B D \n", "BD"),
    scored("bare-bold", "**BD**", "BD"),
    scored("bare-lower", "bd", "BD"),
    scored("bare-one", "E", "E"),
    scored("bare-first-line", "ABD\n\n解析：C未取得知情同意。", "ABD"),
    scored("bare-last-line", "本题考查知情同意。\n\nABD", "ABD"),
    scored("bare-echo", "B. 保护隐私", "B"),
    scored("bare-all", "以上都对", "ABCDE"),
    scored("bare-code", "```\nBD\n```", "BD"),
    unparseable("bare-contradiction", "AB\n说明如下。\nCD"),
    scored("close-right", "A选项错误。因此，B、D正确。", "BD"),
    scored("close-all-right", "A选项错误。B、C、D均正确。", "BCD"),
    scored("close-conduct", "综上，违反规定的行为是A、B、C。", "ABC"),
    scored("close-include", "因此，符合要求的选项包括B和D。", "BD"),
    scored("close-both", "综上，A、B均正确，C、D均错误。", "AB"),
    scored("close-english", "Therefore, options B and D are correct.", "BD"),
    unparseable("close-wrong", "因此，C、D错误。"),
    unparseable("close-none", "以上分析仅供参考。"),
)

# Prompt echoes are no answers.
SAMPLE = "题目：医学伦理的四大基本原则是？\nA.甲\nB.乙\nC.丙\nD.丁\nE.戊\n【思考过程】：略。\n\n"
TEMPLATE = "【最终答案】：AB / BCE / CD / DE / E / ...（只写编号）"
PROMPT_ECHOES = (
    unparseable("echo-template", f"【思考过程】：...\n\n{TEMPLATE}"),
    unparseable("echo-template-tight", "【最终答案】：AB/BCE/CD/DE/E/..."),
    scored("echo-template-then-answer", f"{TEMPLATE}\n\n【思考过程】：略。\n\n【最终答案】：BD", "BD"),
    unparseable("echo-sample", f"示例：\n{SAMPLE}【最终答案】：ABCD"),
    scored(
        "echo-sample-then-answer",
        f"示例：\n{SAMPLE}【最终答案】：ABCD\n\n题目：甲？\n【思考过程】：略。\n【最终答案】：BD",
        "BD",
    ),
    scored(
        "echo-prompt-then-answer", f"{TEMPLATE}\n\n示例：\n{SAMPLE}【最终答案】：ABCD\n\n本题答案：AE", "AE"
    ),
    scored("four-principles-of-its-own", "本题涉及四大基本原则，均应遵守。\n【最终答案】：ABCD", "ABCD"),
    unparseable(
        "echo-sample-analysis",
        "考查四大基本原则，包括尊重自主、不伤害、行善、公正。\n\n【最终答案】：ABCD",
    ),
)

# Thinking.
THINKING = (
    scored("think-then-answer", "<think>也许答案是A。</think>\n【最终答案】：BD", "BD"),
    scored("think-contradicts", "<think>最终答案：A</think>最终答案：BD", "BD"),
    scored("think-only-closed", "<think>推理。最终答案：AC</think>", "AC"),
    scored("think-only-closing-tag", "先看A项，答案：A\n</think>\n\n【最终答案】：BD", "BD"),
    scored("think-upper-case", "<THINK>答案：A</THINK>答案：C", "C"),
    scored("think-thinking-tag", "<thinking>答案：A</thinking>答案：C", "C"),
    scored("think-twice", "<think>答案：A</think>答案：C<think>答案：B</think>", "C"),
    scored("think-other-brackets", "◁think▷答案：A◁/think▷答案：C", "C"),
    truncated("think-unclosed", "<think>先看A项，最终答案：AB"),
    truncated("think-unclosed-after-greeting", "好的。\n<think>首先分析A项"),
    unparseable("think-then-nothing-said", "<think>答案：A</think>分析完毕。"),
)

# Structured replies.
JSON_REPLIES = (
    scored("json-list", '{"answer": ["B","D"]}', "BD"),
    scored("json-string", '{"answer": "BD"}', "BD"),
    scored("json-fenced", '```json\n{"analysis": "A不合规", "answer": "B, D"}\n```', "BD"),
    scored("json-final", '{"reasoning": "A项违反GCP", "final_answer": ["A"]}', "A"),
    scored("json-chinese", '{"思考过程": "略", "最终答案": "ABD"}', "ABD"),
    scored("json-single-quotes", "{'answer': ['B', 'D']}", "BD"),
    scored("json-lines", '{\n  "answer": [\n    "B",\n    "D"\n  ]\n}', "BD"),
    unparseable("json-empty-list", '{"answer": []}'),
    unparseable("json-null", '{"answer": null}'),
)

# Nothing came.
NO_REPLIES = (
    no_reply("none", None),
    no_reply("empty", ""),
    no_reply("empty-cut-off", "", cut_off=True),
    no_reply("blank", " \n\t　"),
    no_reply("invisible", "\u200b\ufeff"),
    no_reply("word-none-zh", "无"),
    no_reply("word-none-zh-brackets", "（无）"),
    no_reply("word-na", "N/A"),
    no_reply("word-null", "null"),
    no_reply("word-none", "None"),
    no_reply("word-nan", "nan"),
    no_reply("word-dash", "--"),
    no_reply("excel-error", "#N/A"),
    no_reply("api-code", "Error code: 429 - {'error': {'message': 'Rate limit reached'}}"),
    no_reply("api-json", '{"error": {"code": 500, "message": "Internal server error"}}'),
    no_reply("api-timeout", "Request timed out."),
    no_reply("api-error", "API Error: Connection refused"),
    no_reply("api-chinese", "请求失败：网络超时"),
    no_reply("api-busy", "服务器繁忙，请稍后再试。"),
    no_reply("api-traceback", 'Traceback (most recent call last):\n  File "run.py", line 3\nValueError: bad'),
    no_reply("api-gateway", "502 Bad Gateway"),
    no_reply("api-inspection", "data_inspection_failed: Input data may contain inappropriate content."),
)

# Refusals, and refusals that answer all the same.
REFUSALS = (
    refused("refuse-zh", "抱歉，我无法回答这个问题。"),
    refused("refuse-zh-role", "作为AI语言模型，我不能提供医疗建议。"),
    refused("refuse-zh-short", "我无法回答该问题。"),
    refused("refuse-zh-topic", "你好，这个问题我暂时无法回答，让我们换个话题再聊聊吧。"),
    refused("refuse-zh-sorry", "很遗憾，这类内容我不便讨论。"),
    refused("refuse-en", "I'm sorry, but I can't help with that."),
    refused("refuse-en-curly", "I’m sorry, but I can’t assist with that request."),
    refused("refuse-en-role", "As an AI, I cannot provide medical advice."),
    refused("refuse-en-plain", "I cannot answer this question."),
    scored("refuse-then-answer", "抱歉，我不能展示完整思考过程，但可以给出结论。\n\n【最终答案】：BD", "BD"),
    scored("refuse-then-answer-en", "I'm sorry, but I can't share my reasoning. Answer: BD", "BD"),
)

# Replies that stop, and finished ones without an answer.
STOPPED = (
    truncated("stop-mid-sentence", "【思考过程】：本题考查隐私保护。A选项涉及患者同意，B选项属于"),
    truncated("stop-label", "【思考过程】：A、B均符合要求。\n\n【最终答案】："),
    truncated("stop-in-label", "【思考过程】：A选项符合要求。B选项不符合要求。\n\n【最终"),
    truncated("stop-bracket", "【思考过程】：A选项符合要求。B选项不符合要求。\n\n【"),
    truncated("stop-open-bold", "**A选项**：合规。\n\n**B选项**：合规。\n\n**"),
    truncated("stop-heading", "**A选项**：合规。\n\n**B选项**：合规。\n\n**C选项"),
    truncated("stop-open-quote", "本题考查告知义务。A选项说明充分。B选项中的“"),
    truncated("stop-comma", "本题考查告知义务，"),
    truncated(
        "stop-asked-form",
        "【思考过程】：\n\n**A选项**：合规。\n\n**B选项**：违规。\n\n**C选项**：违规。",
        "ABCDE",
    ),
    truncated(
        "stop-asked-form-all-walked", "【思考过程】：逐项看。\n\n**A选项**：合规。\n\n**B选项**：违规。", "AB"
    ),
    truncated(
        "stop-before-last-option", "A. 合规，说明充分。\nB. 违规，未告知。\nC. 合规，已取得同意。", "ABCDE"
    ),
    truncated("stop-dangling", "综上，正确答案是A、"),
    truncated("stop-dangling-and", "【最终答案】：A和"),
    truncated("stop-fence", "分析如下。\n```\nA: ok\n"),
    truncated("stop-cut-off", "本题考查知情同意。", cut_off=True),
    truncated("stop-cut-off-on-letter", "本题考查知情同意。\n【最终答案】：AB", cut_off=True),
    scored("cut-off-behind-answer", "【最终答案】：AB\n\n解析：A项为", "AB", cut_off=True),
    truncated(
        "stop-english", "The question is about consent. Option A is right. Option B seems to be about the"
    ),
    unparseable("finished-no-answer", "本题考查知情同意，各选项都值得讨论。"),
    unparseable("finished-conclusion", "【思考过程】：各项均有争议。综上，本题需要更多信息才能判断。"),
    unparseable("finished-short", "我不知道"),
    unparseable("finished-english", "This question depends on local law."),
    unparseable("finished-walk", "A. 合规。\nB. 违规。\nC. 合规。\nD. 合规。\nE. 违规。"),
    unparseable("finished-question-back", "请提供完整的题目内容？"),
)

# More habits of models, one line each.
HABITS = tuple(
    scored(f"habit-{number:03d}", reply, letters, options)
    for number, (reply, letters, options) in enumerate(ANSWERED, start=1)
)
SILENT_HABITS = tuple(
    Case(f"silent-{number:03d}", reply, "ABCDE", outcome, "")
    for number, (reply, outcome) in enumerate(SILENT, start=1)
)

# Families of wordings: letters, "" where nothing is committed, "cut" where the reply breaks off.
UNSCORED = {"": Outcome.UNPARSEABLE, "cut": Outcome.TRUNCATED}
FAMILIES = tuple(
    Case(
        f"{family}-{number:03d}",
        row[0],
        row[2] if len(row) > 2 else "ABCDE",
        UNSCORED.get(row[1], Outcome.SCORED),
        "" if row[1] in UNSCORED else row[1],
    )
    for family, rows in (WORDINGS_BY_FAMILY | CLOSINGS_BY_FAMILY | PASSING_BY_FAMILY).items()
    for number, row in enumerate(rows, start=1)
)

CASES: tuple[Case, ...] = (
    *ASKED_FORM,
    *LABELS,
    *SEPARATORS,
    *NOT_LETTERS,
    *SIGNS,
    *MARKUP,
    *ECHOED,
    *TRAILING,
    *CHANGES,
    *ALL_AND_RANGES,
    *CASE_AND_FOREIGN,
    *UNLABELLED,
    *PROMPT_ECHOES,
    *THINKING,
    *JSON_REPLIES,
    *NO_REPLIES,
    *REFUSALS,
    *STOPPED,
    *HABITS,
    *SILENT_HABITS,
    *FAMILIES,
)
