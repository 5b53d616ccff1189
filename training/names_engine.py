"""What the training programs and their supervisors say, in the reader's language: failures, and words of progress.

Each is a sentence as it is said, with names where figures stand; the first that fits counts, so the general ones are last.
"""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop

from medes_site.kit.sentences import pattern_of

FAILURES: Final = (
    gettext_noop("The tokenizer in %(folder)s names no end token, so no answer could end."),
    gettext_noop("The tokenizer in %(folder)s cannot be loaded: %(reason)s"),
    gettext_noop("Row %(number)s: the chat template of the base model refuses the turns: %(reason)s"),
    gettext_noop("the chat template of the base model refuses the turns: %(reason)s"),
    gettext_noop("A guardian of kind %(kind)s needs %(library)s, which is not installed here."),
    gettext_noop("An encoder has no setting %(key)s."),
    gettext_noop("A generative guardian has no setting %(key)s."),
    gettext_noop("The setting %(key)s lies between %(low)s and %(high)s, not %(value)s."),
    gettext_noop("There is no checkpoint folder %(folder)s: give base_model as a local path."),
    gettext_noop("All training rows belong to one norm group: at least two are needed."),
    gettext_noop("This checkpoint reads %(reads)s tokens; max_length asks for %(length)s."),
    gettext_noop("This checkpoint has no chat template: a judge is spoken to in messages."),
    gettext_noop("The checkpoint cannot be loaded: %(reason)s"),
    gettext_noop("Norm group %(group)s is in both files: audit groups never enter training."),
    gettext_noop("Response %(id)s has an audited answer's question and text: it may not be trained on."),
    gettext_noop("%(file)s, line %(line)s: there is no target."),
    gettext_noop("%(file)s, line %(line)s: the weight must be positive, not %(value)s."),
    gettext_noop("%(file)s, line %(line)s: unknown origin %(value)s."),
    gettext_noop("%(file)s, line %(line)s: there are no labels."),
    gettext_noop(
        "%(file)s, line %(line)s: a probability of inclusion lies above 0 and up to 1, not %(value)s."
    ),
    gettext_noop("%(file)s, line %(line)s: the id must be a whole number, not %(value)s."),
    gettext_noop("%(file)s, line %(line)s: there is no norm group."),
    gettext_noop("%(file)s, line %(line)s: a label names no expert."),
    gettext_noop("%(file)s, line %(line)s: the target of %(key)s must lie between 0 and 1, not %(value)s."),
    gettext_noop("%(file)s, line %(line)s: %(key)s must be a text, not %(value)s."),
    gettext_noop("%(file)s, line %(line)s: %(key)s may not be %(value)s."),
    gettext_noop("%(file)s, line %(line)s: chosen and rejected are the same."),
    gettext_noop("%(file)s, line %(line)s: %(key)s must be a list of turns."),
    gettext_noop("%(file)s, line %(line)s: messages must end with an answer of the assistant."),
    gettext_noop("%(file)s, line %(line)s: a turn of %(key)s has no role or no text."),
    gettext_noop("%(file)s, line %(line)s is no JSON object."),
    gettext_noop("%(file)s: response %(id)s comes twice; a response is one row."),
    gettext_noop("config.json has an unknown key %(key)s."),
    gettext_noop("config.json is incomplete: %(reason)s."),
    gettext_noop("config.json: %(key)s has a value that makes no sense: %(value)s."),
    gettext_noop("rows.jsonl is empty: there is nothing to learn from."),
    gettext_noop("%(file)s must hold one JSON object."),
    gettext_noop(
        "The weights of %(name)s are quantised (%(method)s), and such weights are not tuned here: "
        "take the model as it was before."
    ),
    gettext_noop("The model in %(folder)s is incomplete: some of its weights are missing."),
    gettext_noop("The model in %(folder)s cannot be loaded: %(reason)s"),
    gettext_noop("There is no run directory %(folder)s."),
    gettext_noop("There is no dataset: %(file)s is missing."),
    gettext_noop("There is no model behind this entry."),
    gettext_noop("There is no %(file)s in %(folder)s."),
    gettext_noop(
        "The configuration or the dataset has changed since the run began: start a new run instead."
    ),
    gettext_noop("The run has checkpoints already: give --resume to go on, or use a new run directory."),
    gettext_noop(
        "Out of memory even with one row at a time: choose a smaller model, a shorter max_length or LoRA."
    ),
    gettext_noop(
        "The processes together would need more memory than there is: choose %(n)s rows at a time at most."
    ),
    gettext_noop("The dataset is empty: %(file)s holds no row."),
    gettext_noop(
        "The prompts of all %(n)s rows alone reach max_length (%(length)s tokens), so nothing "
        "could be learnt."
    ),
    gettext_noop(
        "The tokenizer does not belong to the model: it gives token %(token)s, and the model has %(n)s."
    ),
    gettext_noop(
        "DPO began with a rewards margin of %(margin)s instead of 0: the reference is not the "
        "model the run started from."
    ),
    gettext_noop("The configuration must be one JSON object."),
    gettext_noop("This is a configuration for %(kind)s, not for %(wanted)s."),
    gettext_noop("%(file)s did not arrive whole in the store of artefacts."),
    gettext_noop("The files of this run lie on another machine."),
    gettext_noop("The manifest names a file outside its folder: %(file)s."),
    gettext_noop("%(file)s in the store of artefacts is not what the run left there."),
    gettext_noop("The store of artefacts does not answer: %(reason)s"),
    gettext_noop("%(file)s is not what the manifest says."),
    gettext_noop("The tiny policy could not be built."),
    gettext_noop("The training program ended with code %(code)s."),
    gettext_noop(
        "The training program was ended by signal %(signal)s; perhaps the machine ran out of memory."
    ),
    gettext_noop("The processes were ended by signal %(signal)s."),
    gettext_noop("The disk is full, or a limit on it is reached: the run needs more room than there is."),
    gettext_noop("The training program left no usable %(file)s."),
    gettext_noop("The run's folder %(folder)s could not be prepared: %(reason)s."),
    gettext_noop("The answering program was ended, or another one still works."),
    gettext_noop("The answering program ended with code %(code)s."),
    gettext_noop("This run has left no model."),
    gettext_noop("Another training program still works in this run directory."),
    gettext_noop("Stopped on request."),
    gettext_noop("A file could not be read or written: %(reason)s."),
    gettext_noop("The run failed: %(reason)s"),
    gettext_noop("%(file)s cannot be read: %(reason)s."),
    gettext_noop("%(file)s cannot be read"),
    gettext_noop("the Parquet program failed"),
    gettext_noop("the Parquet program took too long"),
)
PROGRESS: Final = (
    gettext_noop("answered %(n)s of %(all)s"),
    gettext_noop("answered %(n)s fixed prompts"),
    gettext_noop("finished"),
    gettext_noop("%(n)s training rows, %(audit)s audit rows"),
    gettext_noop("measuring"),
    gettext_noop("%(n)s held-out answers, in %(arithmetic)s"),
    gettext_noop("judged %(n)s of %(all)s"),
    gettext_noop("judged %(n)s"),
    gettext_noop("%(share)s of the norm groups"),
    gettext_noop("from the checkpoint of step %(step)s"),
    gettext_noop("from the finished weights"),
    gettext_noop("epoch %(n)s"),
    gettext_noop("step"),
    gettext_noop("from %(checkpoint)s"),
    gettext_noop("reading"),
    gettext_noop("left alone: %(reason)s"),
    gettext_noop("merging the adapter of the base model into its weights"),
    gettext_noop("saving"),
    gettext_noop("merging the adapter"),
    gettext_noop("the merged model loads and answers like base and adapter"),
    gettext_noop("the merged model differs from base and adapter"),
    gettext_noop("step %(n)s of %(all)s"),
    gettext_noop("%(n)s rows, %(device)s, %(precision)s"),
    gettext_noop("the tokenizer names no end token: %(token)s is taken"),
    gettext_noop(
        "%(n)s of %(all)s rows are used; %(out)s left out because the prompt alone fills "
        "max_length; %(cut)s answers cut; the longest row has %(longest)s tokens"
    ),
    gettext_noop("the model reads %(n)s tokens at most: max_length is %(n2)s instead of %(length)s"),
    gettext_noop("a checkpoint is not whole and is left out: %(reason)s"),
    gettext_noop("going on from %(checkpoint)s"),
    gettext_noop("no whole checkpoint: starting from the beginning"),
    gettext_noop("memory estimated"),
    gettext_noop("memory cannot be estimated: %(reason)s"),
    gettext_noop("out of memory: batch size now %(n)s, accumulation %(accumulation)s"),
    gettext_noop(
        "the machine ran out of memory and a program was killed: batch size now %(n)s, "
        "accumulation %(accumulation)s"
    ),
    gettext_noop(
        "%(before)s rows at a time may not fit: batch size now %(n)s, accumulation %(accumulation)s"
    ),
    gettext_noop("training"),
    gettext_noop("evaluated"),
)
ENGINE: Final = tuple((pattern_of(words), words) for words in (*FAILURES, *PROGRESS))
