"""A model as a judge: its questions, its verdicts, and the test that it has to pass before it is believed.

    choosing    which responses are put to it
    questions   an answer to be graded, or two to be compared, as a probe with fenced data
    verdicts    its reply, read strictly: anything else is no verdict
    trials      the self-test's items, with known truth
    measuring   what the self-test shows, in numbers and words
    pairs       two candidates' replies compared in both orders

It asks nothing itself: a judge's question is a probe like any other, and a run asks it.
"""
