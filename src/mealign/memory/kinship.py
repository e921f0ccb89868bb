"""Words for people: relatives, and what people are to one another or do."""

from __future__ import annotations

from typing import Literal

from mealign.words import word_set

Gender = Literal["he", "she"]

KIN: dict[str, Gender] = dict.fromkeys(
    word_set(
        "brother father dad daddy papa husband boyfriend son uncle nephew grandfather grandpa grandad granddad "
        "stepfather stepbrother stepson brother-in-law father-in-law son-in-law fiancé"
    ),
    "he",
)
KIN |= dict.fromkeys(
    word_set(
        "sister mother mum mom mummy mommy mama wife girlfriend daughter aunt auntie niece grandmother grandma "
        "granny nan gran stepmother stepsister stepdaughter sister-in-law mother-in-law daughter-in-law fiancée"
    ),
    "she",
)
GENDERED: dict[str, Gender] = {
    **KIN,
    **dict.fromkeys(word_set("man boy guy gentleman king waiter lad bloke groom widower landlord grandson"), "he"),
    **dict.fromkeys(word_set("woman girl lady queen waitress lass bride widow landlady granddaughter"), "she"),
}  # fmt: skip
"""Nouns for people of whom one says ``he``, or ``she``."""
PEOPLE = frozenset(GENDERED) | word_set(
    "parent sibling child kid partner friend cousin neighbour neighbor colleague coworker co-worker boss "
    "manager teacher doctor nurse dentist therapist flatmate roommate housemate coach mentor student client "
    "customer person baby tutor instructor supervisor owner spouse ex twin buddy mate toddler teenager "
    "stranger patient vet plumber electrician builder driver lawyer officer policeman professor lecturer "
    "surgeon psychiatrist psychologist midwife priest pastor guest host tenant agent clerk cashier baker "
    "butcher hairdresser barber gardener cleaner nanny babysitter"
)
ANIMALS = word_set("dog cat puppy kitten horse pony rabbit hamster parrot bird pet goat cow sheep pig")
"""Of these, too, one says ``he`` or ``she``."""
