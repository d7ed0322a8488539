"""What the app calls things: the sentences that explain a choice, a number or a picture. Terms are
those of questions/glossary.py."""

from convmixer_viz.questions.glossary import TERMS

# the sidebar's choices
PICTURE = "The gallery, and what you upload."
KEEP = (
    "What is computed of your uploads then stands on the server's disk, so that it is there at "
    "once after a restart. The pictures themselves are never kept."
)
EARLIER = (
    "Pictures that you uploaded on a page before, in this browser: they stay in memory for an hour."
)
PRESETS = (
    f"A preset is {TERMS['preset']}. One to four, in the order of picking; the first is the one "
    "that most pages show."
)
EDITS = "Changes of the first preset, in their order, on every page; × ends one."
PICTURE_EDITS = "Changes of the picture, on every page; × ends one."
TARGET = f"The target is {TERMS['target']}."
AGAINST = "Explain the target's score minus this class's."
BLOCK = (
    f"A block is {TERMS['block']}. 1 to {{depth}}, counted from the input; 0 is the stem's output."
)
MODE = "Exact: float32, the same bits every time. Fast: bfloat16 where the device has it."

# terms
DEPTH = (
    "A ConvMixer keeps one grid of tokens from the first block to the last. Click a column to "
    "choose its block on every page; click it again, or press Enter, to open the row's page."
)
EVIDENCE = f"Evidence is {TERMS['evidence']}: the head is linear in the mean of these tokens."
EVIDENCE_IS_NO_PIXEL = (
    "What each token of the last block adds to the logit: the head is linear in their mean. Where "
    "a token stands is not which pixels moved it: it has mixed a wide neighbourhood by then."
)
PROBE = f"A probe is {TERMS['probe']}."
PROBE_IS_UNTRAINED = "This is a probe: batch norm and head were not trained for it."
KERNEL_CHANNEL = "0 to {last}; or click a kernel, or move there with the arrow keys."
IMPORTANCE = (
    "A kernel is off where its branch adds nothing; all else stays as it is, nothing is learned or "
    "calibrated anew."
)
STATISTIC_RANGE = "Choose a statistic under Sort by: 0 is its smallest value, 100 its largest."

# attribution
OWN_SCALES = "Each on its own scale; of several presets, those of a row share one."
COMMON_GRID = "On 16×16 cells over what all presets see."
SCORES = "Scores of each method's map for the first preset."
SLOW_MEASURES = "Max-sensitivity and randomisation run the method ten times and more."
RANDOMISATION = (
    "How alike each map stays while the weights are randomised from the head down: one that stays "
    "alike explains no model."
)

# one token
FOLLOWED = "0 to {last}: the number of each token that is followed through the block."

# receptive field
FIELD_ON_WIDER = (
    "Fields are measured on pictures of {wide} px, wider than the {own} px that the model is used "
    "with: there the picture's edge would cut most fields off."
)
MEASURED_ON = (
    "More pictures give a smoother field; a single one shows what this picture lets through."
)
FIELD_SIDE = "At its own {side} px the picture bounds most fields, so the default is wider."
FIELD_SCALAR = (
    "Differentiated: the sum of its channels, of their ReLU, with random signs, or one channel."
)
FIELD_REDUCTION = "How a gradient becomes a field. The growth plot is always of the square."
UNTRAINED_TWIN = "The same architecture, random, batch norm calibrated: what training did not do."

# what if
CHANGE = "Several compose, in the order in which they are made."
CHANGED = "Both at once are possible: a changed model on a changed picture."
AMOUNTS = "What is moved back to where it changes nothing leaves the link."
JPEG = "At the right end the picture isn't saved as a JPEG."
SHIFT_UNIT = "Of the preset: an input pixel of its model, or one of its patches."
FILL = "The training pictures' mean colour, the picture blurred, or black."
SMALLEST = (
    "Tokens leave one more at a time in the order of a map, until the first class is another; and "
    "come one more at a time into an empty picture, until it is this one. Beside it the same in a "
    "random order and from the centre outwards."
)
PROPOSE = "Paste the region that evidence proposes where evidence proposes."
REGION_SIDE = "Tokens a side of the region that is pasted."
KERNELS = "All, a class of the templates, or channels: 12+40, 3-8."
OVER = "A data set with a folder a class has labels: with it accuracy is counted."
NO_DATA = (
    "There is no data set here, so no labels: what counts is where the first class stays. "
    "`convmixer-viz data fetch cifar10` gets one; `app --data NAME=DIR` takes a folder."
)
MANY = (
    "Accuracy where labels are known, else how often the first class stays, with 95 % intervals, "
    "beside the same blocks and kernels made random and shuffled."
)
CONTROLS = (
    "How often the same blocks and kernels are changed into random ones of the same mean and norm, "
    "and dealt out anew in their block, each with another seed: what any change would do."
)
SWEEP = (
    "Block by block, from the first block up, from the last down, or over the last edit's number; "
    "over the amount of the picture's last edit all presets of the sidebar, on one scale."
)

# compare
ROWS = "Switch off what you don't need."
SEVERAL_PICTURES = "Several give agreement of answers, disagreements, and CKA."

# models
MULTIPLY_ADDS = "Of one picture, all counted."
TOP1 = "Published on ImageNet-1k, or measured here."
VISITORS_WEIGHTS = (
    "What you add is yours: nobody else sees it, and it goes after a day. Its name ends in a few "
    "letters of your own."
)
CLASS_NAMES = "One name a line, or a JSON list; without it classes are numbers."

# data
NO_SURVEY_DATA = (
    "There is no data set here: `convmixer-viz data fetch cifar10` gets one, and `app --data "
    "NAME=DIR` takes a folder of pictures, one folder a class."
)
SOME = "All of them, or so many drawn by seed 0."
SURVEY_COMES = (
    "Accuracy, calibration, mistakes, and a map of the pictures stand here after one pass over the "
    "data set. It can be stopped, goes on after a restart, and is kept on disk."
)
SHIPPED = "These numbers came with the weights; the pictures stand here after a survey of your own."
VOTES = (
    "Each token in the colour of the class for which its evidence is largest, from one forward "
    "pass: where evidence lies, not where objects are."
)
RIVALS = (
    "Lost: right by the first preset and wrong by this one; won: the other way round. McNemar's "
    "exact test asks whether a picture is as likely to be lost as won."
)
PLANE = (
    "Pooled outputs of a block, on their first two principal components; the linear probe is "
    "fitted on one half of the pictures and measured on the other."
)
