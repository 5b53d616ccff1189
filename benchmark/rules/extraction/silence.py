"""Why a reply without a committed answer has none: nothing came, it was refused, cut off, or stays open."""

from __future__ import annotations

import re

_PLACEHOLDER = re.compile(
    r"[\s\"'“”‘’（(\[【{]*(?:无|無|空|暂无|未作答|未回答|无回答|无回复|无答复|没有回复|null|none|nan|"
    r"nil|n/?a|undefined|no\s+(?:response|reply|answer|"
    r"output)|empty|#N/A|#VALUE!|#ERROR!?|#NAME\?|#REF!|error|errors?|timeout|failed|<none>|<empty>|"
    r"-+|—+|\.+|…+|/+|_+|\?+|？+)?"
    r"[\s\"'“”‘’）)\]】}。.!！]*",
    re.IGNORECASE,
)
_API_ERROR = re.compile(
    r"[\s\[{(【<\"'*]*+(?:"
    r"(?:api|http|openai|request|server|network|connection|runtime|value|key|timeout|type|"
    r"rate\s*limit|internal|bad\s+request|[A-Za-z_.]{0,60})"
    r"\s*_?-?(?:error|exception|timeout)\b\s*(?:code|:|：|\(|-|\"|$|occurred|\d|message|from|in\b)|"
    r"[\"']?(?:error|error_code|error_msg|errcode)[\"']?\s*[:：]|"
    r"(?:error|failed|failure)\b[^\n]{0,40}(?:api|request|connect|response|generat|\d{3})|"
    r"traceback \(most recent call last\)|"
    r"(?:http\s*)?(?:status\s*(?:code)?\s*[:：]?\s*)?[45]\d\d\s+(?:bad|unauthorized|forbidden|"
    r"not found|too many|"
    r"internal|service|gateway|client|server|error)|request (?:timed out|failed)|rate limit|"
    r"too many requests|connection (?:error|refused|reset|"
    r"aborted|timed out)|(?:read )?timed out|internal server error|service unavailable|bad gateway|"
    r"gateway time-?out|max retries|quota exceeded|"
    r"insufficient (?:quota|balance)|data_inspection_failed|error>|<!doctype|<html|"
    r"(?:接口|请求|调用|服务|网络|系统|连接|模型|API)[^\n。，,]{0,8}(?:失败|错误|异常|超时|出错|中断|"
    r"繁忙)|服务器?(?:繁忙|忙|异常|错误)|(?:余额|额度|配额)不足|"
    r"(?:报错|错误代码|错误码|异常信息|错误信息)\s*[:：])",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"(?:抱歉|对不起|不好意思|很遗憾|遗憾的是|作为(?:一个|一名|一款)?\s*(?:AI|人工智能|语言模型|"
    r"大?模型|智能助手|大语言模型))[^\n]{0,80}?"
    r"(?:无法|不能|不便|不会|拒绝|不可以|没有办法|没办法|不适合|不宜|不提供|未能)|"
    r"(?:我|本(?:助手|模型))(?:暂时|目前|现在)?(?:还)?(?:无法|不能|不便|拒绝|不会|没有学会|没法)(?:就|"
    r"对|为|给|向)?[^\n。]{0,20}?(?:回答|提供|作答|协助|帮助|讨论|解答|给出|处理|"
    r"完成|满足|参与|生成)|(?:这个|该|此)(?:问题|题目|请求|内容|话题)[^\n。]{0,12}(?:无法|不能|不便|"
    r"拒绝)(?:回答|提供|作答|讨论|解答)|"
    r"无法(?:回答|提供|协助)(?:您|你|这|该|此)|换个(?:话题|问题)|(?:不合规|违规|"
    r"敏感)[^\n。]{0,16}(?:停止|无法|终止|拦截|屏蔽)|"
    r"(?:sorry|apologi[sz]e|unfortunately|as an? (?:ai|artificial|language|assistant))[^\n]{0,80}?"
    r"(?:can(?:'|’)?t|cannot|can not|unable|not able|won(?:'|’)?t|will not|don(?:'|’)?t|do not|"
    r"not comfortable|must decline)|"
    r"\bI(?:(?:'|’)m (?:unable|not able)|\s(?:can(?:'|’)?t|cannot|am unable to|am not able to|won(?:'|"
    r"’)?t|will not|must decline|decline)) "
    r"(?:to )?(?:help|assist|provide|answer|comply|discuss|give|do|fulfil|engage|participate)",
    re.IGNORECASE,
)
_TERMINAL = '。！？!?.…”"’』」）)]】}》✓✔✗✘×❌✅√☑~～;'
_OPENS_SENTENCE = "，,、：:；（(【[“‘《{—-"
_ANALYSIS_HEAD = re.compile(r"[【\[]\s*思[考维]过程\s*[】\]]|^[\s*#]*思考过程", re.MULTILINE)
_ANSWER_HEAD = re.compile(r"最终答案|最終答案|final answer", re.IGNORECASE)
_CONCLUDING = re.compile(
    r"(?:^|[\n。！？；;，,])[\s*#>-]*(?:综上|总之|总的来说|总体|因此|所以|总结|结论|以上|故|由此)|"
    r"无法(?:确定|判断|得出)|仅供参考"
)
_WALK = re.compile(
    r"^[\s*#>·•-]{0,8}(?:\d[.、]\s*)?(?:选项\s*)?[(（]?([A-H])(?![A-Za-z0-9]|\s*$)", re.MULTILINE
)
_WALK_VERDICT = re.compile(
    r"(?:正确|错误|符合\S{0,6}|不符合\S{0,6}|对|错|违规|违法|违反\S{0,6}|合法|合规|属于|不属于|不正确|"
    r"不选|应选|当选|排除)$"
)


def is_no_reply(text: str) -> bool:
    """Nothing, a placeholder such as 无 or null, or the error text of an interface."""
    body = text.strip()
    return bool((len(body) <= 60 and _PLACEHOLDER.fullmatch(body)) or _API_ERROR.match(body[:600]))


def is_refusal(text: str) -> bool:
    """Whether the reply declines, at its beginning or its end."""
    stripped = text.strip()
    return bool(_REFUSAL.search(stripped[:300]) or _REFUSAL.search(stripped[-200:]))


def is_truncated(text: str, options: str) -> bool:
    """Whether the reply stops in mid-sentence, or in the analysis that the prompt asks for."""
    body = text.strip()
    if stops_openly(body):
        return True
    last_line = body[body.rfind("\n") + 1 :]
    if (
        _ANALYSIS_HEAD.search(body[:200])
        and not _ANSWER_HEAD.search(body)
        and not _CONCLUDING.search(body[-150:])
    ):
        return True
    walked = [match[1] for match in _WALK.finditer(body[-20_000:])]
    walking = len(set(walked)) >= 2 and walked[0] == "A"
    if walking and options and max(walked) < options[-1] and not _CONCLUDING.search(last_line):
        return True
    if last_line.count("|") >= 2 and last_line.endswith("|"):
        return False
    if re.fullmatch(r"[\s*_#>`-]*", last_line) or re.match(r"\s*#{1,6}\s", last_line):
        return True
    end = body.rstrip("*_`|> \t")[-1:]
    if end == "" or end in _TERMINAL or ord(end) >= 0x1F000:
        return False
    if end in _OPENS_SENTENCE:
        return True
    if walking and _WALK_VERDICT.search(last_line.rstrip("*_`|> \t")):
        return False
    return len(body) >= 40 or bool(re.search("[。！？]", body))


def stops_openly(body: str) -> bool:
    """Whether `body` ends inside markup, brackets or quotes, or with a label that nothing follows."""
    return _ends_with_label(body) or _unbalanced(body)


def _ends_with_label(body: str) -> bool:
    return bool(
        re.search(
            r"(?:【\s*最?终?答?案?|最终答案\s*[】\]]?[*_\s]*[:：]?[*_\s]*|答案[*_\s]*[:：是为][*_\s]*)$",
            body[-40:],
        )
    )


def _unbalanced(body: str) -> bool:
    """Markup, quotes or brackets opened in the last line and not closed, or an open code fence."""
    if body.count("```") % 2:
        return True
    last_line = body[body.rfind("\n") + 1 :]
    if last_line.count("**") % 2 or last_line.count('"') % 2:
        return True
    return any(
        last_line.count(left) > last_line.count(right)
        for left, right in ("（）", "()", "【】", "“”", "《》", "[]")
    )
