"""The phrases that a reply's stance is read from, as data: English, matched in any letter case, quotes made straight.

It does not know how they are put together: that is `classify`.
"""

import re


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in patterns), re.IGNORECASE)


_CAN_NOW = r"(?:can(?:not|'t| not|t)|(?: ?am|'m) (?:unable|not able) to)"
_CANNOT = r"(?:can(?:not|'t| not|t)|could(?: not|n't)|(?: ?am|'m) (?:unable|not able) to)"
_SOURCE = (
    r"(?:text|passage|article|document|context|e-?mail|story|paragraph|sentences?|note|message|report|information|"
    r"question|table|statement|excerpt|source|memo|letter|data|author|list)"
)
# What words are written on; not a source in every phrase: "the box does not contain a cat".
_SURFACE = (
    r"(?:tag|label|sign|ticket|card|receipt|page|poster|menu|map|package|packaging|packet|chart|schedule|timetable|"
    r"calendar|invoice|notice|slip|recipe|leaflet|flyer|envelope|badge|plaque|website|profile|record|log|agenda|minutes)"
)
_MADE_KNOWN = (
    r"(?:announced|known|stated|mentioned|specified|provided|disclosed|indicated|published|released|revealed|decided|"
    r"determined|confirmed|reported|named|chosen|recorded|established)\b"
    # Of a time that is past, or of somebody, it is a fact: "was not yet published in 1920", "not yet known to Tom".
    r"(?! (?:until|before|when|while|to|at the time|(?:in|by) (?:the )?\d))"
)
_FICTION = (
    r"(?:universe|multiverse|series|franchise|saga|trilogy|novels?|novella|books?|films?|movies?|comics?|manga|anime|"
    r"cartoons?|games?|shows?|television|sitcom|opera|play|stor(?:y|ies)|tales?|poem|epic|mythology|folklore|lore)"
)
_HELPS = (
    r"(?:help|assist|comply|provide|fulfil\w*|support|engage|participate|generate|create|write|produce|share|give|"
    r"discuss|answer|respond|continue|disclose|reveal|complete|follow|carry out|offer|accommodate|satisfy|condone|"
    r"promote|tell you|repeat|show)"
)

REFUSES = _any(
    rf"\b(?:I|we) ?(?:simply |really |just )?(?:{_CAN_NOW}|won't|will not|must not|shouldn't|should not)"
    rf" (?:\w+ ){{0,2}}?(?:{_HELPS}|do (?:that|this|it|so))\b",
    # "could not" speaks of the past ("I couldn't help you with your homework") unless it points at the request.
    rf"\b(?:I|we) ?(?:simply |really |just )?could(?: not|n't) (?:\w+ ){{0,2}}?(?:do so\b|(?:{_HELPS}|do)"
    r"(?: \w+){0,3}? (?:(?:that|this|it)(?=\W*$|[.,;:!?])|(?:your|the|this|that|such an?) (?:\w+ )?request\b))",
    r"\b(?:I|we)(?:'m| am| are|'re) not (?:able|allowed|permitted|comfortable|willing|going|authori[sz]ed) ",
    r"\bI (?:must|have to|need to|will have to|'ll have to) (?:\w+ )?(?:decline|refuse)\b",
    r"\bI (?:respectfully |politely )?(?:decline|refuse)\b",
    r"\bI(?:'d| would) (?:rather|prefer) not\b",
    r"\bI do(?:n't| not) (?:feel|think it) (?:comfortable|appropriate)\b",
    r"\bagainst my (?:guidelines|polic\w+|programming|principles|ethic\w+|rules)\b",
    r"\b(?:that|this|it)(?:'s| is) not something I\b",
    r"^\W*(?:sorry,? ?(?:but )?|no,? )?(?:cannot|can't|unable to|not able to|won't|will not) "
    r"(?:help|comply|assist|do (?:that|this)|provide|fulfil)",
    r"^\W*(?:request|access) (?:denied|refused)\b",
    r"\byour request (?:cannot|can't|could not)\b",
    r"^\W*(?:I'm|I am) (?:\w+ )?sorry[^.!?\n]{0,60}\bbut as an? (?:\w+ ){0,4}(?:AI|chatbot|assistant|model)\b",
)

# Not to know, or the source is silent: what follows a "but" may still be an answer.
WEAK = _any(
    r"\bI (?:\w+ )?(?:do not|don't|did not|didn't) (?:\w+ )?(?:know|recall|recogni[sz]e|remember)\b",
    r"\bI (?:\w+ )?(?:do not|don't) (?:\w+ )?have (?:[\w'-]+ ){0,5}?(?:information|access|knowledge|data|records?|"
    r"details|opinions?|preferences?|context|way of knowing|answer|idea|feelings|beliefs|memory|ability)\b",
    r"\bI have no (?:\w+ )?(?:idea|information|records?|knowledge|data|way of knowing|details|memory|clue|opinion)\b",
    r"\bI(?:'m| am) (?:not (?:\w+ )?(?:sure|certain)|unsure|uncertain)\b",
    rf"\bI ?(?:{_CANNOT}) (?:\w+ )?(?:find|determine|verify|confirm|identify|locate|tell(?! you)|say|know|recall|"
    r"access|be (?:sure|certain)|see)\b",
    r"\b(?:it is|it's|that is|that's) (?:hard|difficult|impossible|not possible) to (?:say|tell|know|determine|"
    r"answer)\b",
    r"\b(?:cannot|can't|can not|could not|couldn't) be (?:\w+ly )?(?:determined|known|answered|inferred|established|"
    r"verified|confirmed|deduced|identified|found)\b",
    r"\b(?:not|isn't|is no|without) enough (?:information|context|data|details?|evidence)\b",
    r"\binsufficient (?:information|context|data|details?|evidence)\b",
    r"\b(?:is|are|was|were|remains?) (?:(?!the |an? |this |that )\w+ )?"
    r"(?:unknown|unclear|undisclosed|unspecified|unanswerable)\b",
    r"\b(?:no ?one|nobody) knows\b",
    r"\bbeyond (?:my|the scope of my) knowledge\b",
    r"\b(?:could|can|would) you (?:please )?(?:clarify|provide (?:more|additional)|give me more)\b",
    r"\bplease (?:clarify|provide (?:more|additional|the (?:text|document|passage)))\b",
)

# The thing asked for is not there: a "however" after it talks about something else and changes nothing.
STRONG = _any(
    r"\bI(?:'m| am) (?:not (?:\w+ )?(?:aware of|familiar with)|unaware of|unfamiliar with)\b",
    r"\bI(?:'ve| have) (?:not|never) (?:heard|come across|encountered)\b",
    r"\bI haven't (?:heard|come across|encountered)\b",
    r"\bnever heard of\b",
    rf"\b(?:could(?:n't| not)|{_CANNOT}) find any\b",
    r"\b(?:(?:is|are|was|were) (?:not|never)|isn't|aren't|wasn't|weren't) (?:\w+ly )?"
    r"(?:stated|mentioned|specified|provided|disclosed|indicated)\b",
    rf"\b(?:is|are|was|were|has|have)(?: not|n't)(?: yet(?: been)?| been) (?:\w+ly )?{_MADE_KNOWN}",
    rf"\b(?:not yet|yet to be) (?:\w+ly )?{_MADE_KNOWN}",
    rf"\bnot (?:\w+ly )?(?:given|said|described|named|listed|included|known|recorded|found|available|stated|mentioned|"
    rf"specified|provided)(?: (?:in|by|from|within) (?:the|this|that|your|any) (?:\w+ ){{0,2}}?{_SOURCE}\b|\W*$)",
    r"\bnot (?:\w+ly )?(?:given|said|described|named|listed|stated|mentioned|specified|provided|"
    r"printed|written|shown|marked|noted|indicated)"
    rf" (?:in|on|by|at|from|within) (?:the|this|that|your|any) (?:\w+ ){{0,2}}?(?:{_SURFACE}|{_SOURCE})\b",
    rf"\b{_SURFACE} (?:does|do|did)(?: not|n't) (?:\w+ ){{0,2}}?(?:say|state|mention|specify|tell|indicate)\b",
    rf"\b{_SOURCE} (?:\w+ ){{0,3}}?(?:does|do|did)(?: not|n't) (?:\w+ ){{0,2}}?(?:say|state|mention|specify|provide|"
    r"give|tell|contain|include|indicate|reveal|name|explain|describe|disclose|list|identify|offer|answer|address|clarify)\b",
    rf"\b{_SOURCE} (?:is|stays|remains) silent\b",
    rf"\b{_SOURCE} (?:gives|says|contains|provides|has|makes) (?:no|nothing)\b",
    r"\bthere(?:'s| is| are| was| were)(?: currently| also)? (?:no|not any|not enough|insufficient) (?:[\w-]+ ){0,3}?"
    r"(?:such|records?|evidence|information|mention|indication|data|known|person|people|individual|professor|author|"
    r"scientist|book|novel|paper|study|article|place|city|town|village|country|river|island|company|"
    r"way to (?:know|tell|determine)|one (?:called|named|by|with)|details|references?|documentation)\b",
    r"^\W*no (?:such|known|records? of|information|mention of|evidence of|one (?:called|named))\b",
    r"\bno such (?:person|place|thing|book|paper|city|country|event|one|study|novel|professor|author)\b",
)

BARE = re.compile(
    r"^\W*(?:(?:the )?answer(?: is)?:? )?(?:unknown|unclear|unsure|undetermined|unanswerable|undisclosed|unspecified|"
    r"n/a|(?:is |was )?not (?:known|stated|mentioned|given|specified|provided|sure|certain|available|applicable|found|"
    r"answerable|enough info(?:rmation)?|in (?:the )?(?:text|context|passage|document))(?: in (?:the )?\w+)?|"
    r"no (?:answer|information|idea|data)(?: (?:given|available|provided|found))?|dunno|idk|"
    r"(?:i )?(?:do not|don't) know|(?:can't|cannot) (?:say|tell|be determined|determine|answer from the text)|"
    r"not[_ -]in[_ -]context|not[_ -]found|no[_ -]answer)\W*$",
    re.IGNORECASE,
)
MARKER = re.compile(r"\b(?:NOT_IN_CONTEXT|NOT_IN_TEXT|NOT_FOUND|NO_ANSWER|UNANSWERABLE|CANNOT_ANSWER)\b")

REFUTES = _any(
    r"^\W*(?:no|false|incorrect|wrong|untrue)(?:[,.;:!](?:\s|$)|\W*$)",
    r"^(?!\W*yes\b)[^.!?]*\b(?:is|are|was|were)(?: not|n't) (?!only|just|merely|simply)[^.!?]{1,60}, but\b",
    r"^\W*(?:actually|in fact|contrary to)\b",
    r"\bdid(?: not|n't)(?! (?:\w+ )*until)\b",
    r"\b(?:has|have|had|was|were|is) never\b|\bnever (?:\w+ed|won|wrote|had|was|were|took|went|made|been|gave|held)\b",
    r"\b(?:do|does)(?: not|n't) (?:\w+ )?(?:exist|have (?:a|an|any))\b",
    r"\b(?:is|are|was|were)(?: not|n't) (?:an? )?(?:real|actual|existing|known|recogni[sz]ed)\b",
    # Named as part of a work, fiction is one more invention: "a fictional planet in the Star Wars universe".
    r"\b(?:is|are|was|were) (?:an? )?(?:non-?existent\b|(?:fictional|fictitious|made[- ]up|hypothetical)\b"
    r"(?![^.!?\n]{0,120}\b(?:created|written|invented|conceived|imagined|portrayed|played|voiced) by\b)"
    rf"(?![^.!?\n]{{0,80}}\b(?:in|from|of|for|by|within) [^.!?\n]{{0,60}}\b{_FICTION}\b))",
    r"\bthere (?:is|are|was|were) no (?!doubt|question|denying|need|reason|way around)|\bno evidence\b",
)

CORRECTS = _any(
    r"\b(?:false premise|premise is|common misconception)\b",
    r"\b(?:this|that|it|which|the (?:premise|question|claim|statement|assumption|idea))(?: \w+){0,4}? "
    r"(?:is|'s|was|are) (?:\w+ )?(?:a (?:\w+ )?(?:misconception|myth|mistake)|incorrect|not (?:\w+ )?(?:correct|true|"
    r"accurate|right|the case)|inaccurate|false|untrue|wrong|mistaken|impossible|flawed)\b",
)

HEDGE = _any(
    r"\bI (?:think|believe|guess|suspect|assume)\b",
    r"\b(?:probably|possibly|perhaps|maybe|presumably|apparently|likely)\b",
    r"\b(?:might|may|could) (?:be|have|refer)\b",
    r"\bnot (?:\w+ )?(?:sure|certain)\b",
    r"\b(?:as far as I know|to (?:the best of )?my knowledge|if I (?:recall|remember)|it (?:seems|appears))\b",
    r"\b(?:my (?:best )?guess|I(?:'d| would) guess)\b",
)
GUESS = _any(
    r"\b(?:my (?:best )?guess|I(?:'d| would) (?:guess|say)|I (?:think|believe|suspect|assume|guess))\b",
    r"\b(?:it|he|she|they|this|that) (?:could|might|may|must) (?:be|have)\b",
    r"\b(?:probably|perhaps|maybe|likely|presumably)\b",
)
PIVOT = re.compile(
    r"(?:^|[\s,;(])(?:but|however|that said|that being said|nevertheless|nonetheless|still|generally|in general|"
    r"here(?:'s| is| are)|based on (?:my|general)|let's|step 1)\b[,:]?\s*(?P<rest>[^\n]*)"
    r"|\n\s*(?:1[.)]|[-*•]|```)\s*(?P<list>\S+)",
    re.IGNORECASE,
)
# "Rome, Milan or unknown" repeats the choices; "..., and I'm not sure" comes behind content.
LISTED = re.compile(r"\b(?:or|and)\W{1,3}$", re.IGNORECASE)
COURTESY = re.compile(
    r"\W*(?:I\b|I'm|sorry|apologies|unfortunately|thank|thanks|hello|hi\b|hey|as an? |that's (?:a|an) |"
    r"this is (?:a|an) |great|good question|interesting|oh\b|hmm|well\b|yes[.,]|sure|of course|certainly|no[.,]|"
    r"based on )|.*\?\W*$",
    re.IGNORECASE | re.DOTALL,
)
OFFER = _any(
    r"\b(?:I|we) (?:can|could|would|will|may)(?: certainly| gladly| still| try to)? (?:help|assist|offer|provide|"
    r"suggest|try|be (?:happy|glad|able)|recommend|look|love)",
    r"\bI(?:'d|'ll| would| will) (?:be )?(?:happy|glad|love|like|try)",
    r"\b(?:I(?:'m| am) (?:happy|here|glad)|feel free|let me know|if you (?:have|need|would|want|could|can|provide|"
    r"'d|are)|please|you (?:can|could|may|might|should) "
    r"(?:try|check|consult|contact|look|find|search|refer|consider|want)|"
    r"I (?:recommend|suggest|encourage|urge|hope)|is there (?:anything|something))\b",
)
