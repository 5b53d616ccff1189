"""L"""
def read_answer(
    text: str,
    at: int,
    options: str,
    *,
    stop: int,
    label: bool = True,
    wide: bool = False,
    tight: bool = False,
) -> Reading:
    """What `text` says at `at`, looking no further than `stop`.

    `label`: an explicit label stands before, so lower case, all-of phrases and item lists count.
    `wide`: the label begins its line, so commas and full stops separate items too.
    `tight`: nothing links label and letters, so they must end at a boundary.
    """
    if label:
        phrase = _read_phrase(text, at, options, stop)
        if phrase is not None:
            return phrase
    run = Run()
    problem = _read_run(text, at, options, run, stop, lower=label, items=label, wide=wide)
    if problem is not Kind.LETTERS:
        return Reading(problem, "", run.start, run.end) if problem is Kind.FOREIGN else NOTHING
    if tight and not _TIGHT_END.match(text, run.tail):
        return NOTHING
    if _is_template(run):
        return NOTHING
    if sorted_letters(run.letters) == options and len(options) > 2 and _TAIL_WRONG.match(text, run.tail):
        return Reading(Kind.NONE, "", run.start, run.end)
    return Reading(
        Kind.UNSURE if run.unsure else Kind.OPEN if _DANGLING.match(text, run.tail) else Kind.LETTERS,
        sorted_letters(run.letters),
        run.start,
        run.end,
    )


