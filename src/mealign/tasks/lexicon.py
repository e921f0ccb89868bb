"""Closed word lists that the question rules use. All lower case, all lemmas unless noted otherwise."""

from __future__ import annotations

from mealign.words import word_set

PREFERENCE_VERBS = frozenset(
    {"like", "love", "enjoy", "prefer", "hate", "dislike", "adore", "detest", "favour", "favor"}
)
PREFERENCE_ADJECTIVES = frozenset({"fond", "keen", "favourite", "favorite"})

MOTION_VERBS = word_set("go come move travel fly drive walk run cycle ride return head sail hike bike commute")

LIGHT_VERBS = word_set("be have do go get make take give feel want start try say think see know need keep")
"""Verbs that mean little alone: two events that share only such a verb are not the same kind of event."""

STATIVE_VERBS = word_set(
    "be have love like hate prefer enjoy want need know think believe feel live own mean seem "
    "remember understand contain belong cost weigh matter look smell taste sound wish hope mind "
    "depend use can"
)
"""Verbs of lasting states: without a time phrase, the day of writing is not when they happened."""

CHANGE_VERBS = frozenset({"stop", "quit", "switch", "replace", "become", "change", "cancel", "swap"})
"""Verbs of change."""

REPORTING_VERBS = word_set("say tell mention write ask explain add reply note report announce admit claim")

PEOPLE_NOUNS = word_set(
    "mother father mum mom dad parent sister brother sibling son daughter child kid husband wife "
    "partner girlfriend boyfriend friend aunt uncle cousin niece nephew grandmother grandfather "
    "grandma grandpa gran granny neighbour neighbor colleague boss manager teacher doctor nurse "
    "dentist therapist landlord landlady flatmate roommate housemate coach mentor student client "
    "customer boy girl man woman people person family baby stepsister stepbrother sister-in-law "
    "brother-in-law mother-in-law father-in-law tutor instructor supervisor owner guy lady"
)

OCCUPATIONS = word_set(
    "nurse doctor teacher baker engineer designer illustrator artist painter writer journalist editor "
    "carpenter electrician plumber chef cook waiter waitress barista librarian lawyer accountant "
    "architect programmer developer scientist researcher biologist chemist physicist counselor "
    "counsellor therapist psychologist social worker manager director assistant photographer musician "
    "singer gardener farmer driver pilot mechanic dentist vet veterinarian pharmacist consultant "
    "analyst translator interpreter student apprentice tutor lecturer professor coach potter "
    "bookbinder conservator archivist curator optician midwife paramedic firefighter builder roofer "
    "hydrologist surveyor cartographer technician clerk secretary receptionist cashier butcher brewer "
    "tailor seamstress florist"
)

PLACE_NOUNS = word_set(
    "house home flat apartment room kitchen garden school university college hospital clinic office "
    "studio workshop bakery cafe café restaurant bar pub shop store supermarket market mall library "
    "museum gallery theatre theater cinema church temple park forest wood woods mountain mountains "
    "beach lake river sea coast island village town city country street road square station airport "
    "harbour harbor port bridge farm field hall centre center gym pool campsite camp hotel hostel "
    "cabin attic basement cellar balcony canal allotment barn factory warehouse lab laboratory "
    "institute department company agency firm bookshop greenhouse orchard chapel castle tower stadium "
    "arena club court courthouse embassy bank shelter neighbourhood neighborhood district suburb "
    "region valley canyon dune dunes ground floor wall table desk path hill pier quay houseboat boat"
)

HOLIDAYS = word_set("christmas easter sinterklaas halloween thanksgiving pentecost carnival hanukkah ramadan eid")
"""Names that look like places behind a preposition and are not: ``at Easter``."""

VAGUE_ANSWERS = word_set(
    "thing things something anything everything nothing stuff lot bit one ones way time it this that "
    "these those them him her he she they you me i us we some any all other others part kind sort "
    "what which who someone everyone anyone none much more most same such here there so too day days "
    "moment point while idea"
)
"""An answer whose content words are all among these is no answer."""

STANDALONE_PRONOUNS = frozenset(
    {"it", "this", "that", "these", "those", "them", "theirs", "hers", "they", "there", "here", "one", "ones"}
)

DROPPED_ADVERBS = word_set(
    "also too really just actually even still definitely finally now currently recently lately "
    "already always again probably maybe perhaps today yesterday tomorrow tonight then so very simply "
    "certainly honestly basically instead though however almost ever yet anyway apparently otherwise "
    "rather early first once nearby"
)
"""Adverbs that questions leave out."""

VAGUE_ADJECTIVES = word_set(
    "new great good nice own first last next big small little old lovely amazing awesome other "
    "several many few same whole only different such special real beautiful wonderful best favourite "
    "favorite certain long short bad entire second third fresh cute huge tiny odd usual"
)
"""Adjectives that do not name a kind: ``a new car`` does not answer ``What kind of car ...?``."""

TOPICS: dict[str, frozenset[str]] = {
    "music": word_set("jazz fado folk rock pop techno opera classical blues soul metal indie punk rap hip-hop baroque"),
    "food": word_set(
        "bread cheese pasta pizza soup stew rice noodles fish meat chicken curry sushi chocolate cake "
        "waffles pancakes coriander cilantro mushrooms olives liquorice garlic tofu lentils risotto ramen "
        "dumplings fries mussels"
    ),
    "drink": word_set("tea coffee wine beer water juice milk cider whisky lemonade espresso kombucha cocoa"),
    "sport": word_set(
        "running swimming cycling football tennis basketball climbing bouldering rowing yoga hiking "
        "skiing volleyball badminton boxing judo surfing"
    ),
    "season": frozenset({"spring", "summer", "autumn", "winter"}),
    "colour": word_set("red blue green yellow orange purple black white grey brown pink teal turquoise ochre"),
    "animal": word_set("cat cats dog dogs horse horses bird birds rabbit rabbits owl owls fox foxes"),
    "film": word_set("comedies thrillers documentaries westerns musicals"),
    "book": word_set("novels biographies memoirs crime poetry comics mysteries"),
}
"""The kind of thing that a liked thing is, so that a question can name the kind instead of the thing."""
