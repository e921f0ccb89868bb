"""Five notes of one person, for runs of a few seconds."""

NOTES = {
    "2024-01-02": "I live in Ghent. Tom gave me a fern. Ana works at a hospital in Porto.",
    "2024-02-03": "I bought a red bike at the market. Joris builds violins. Tom sold the old van to a farmer.",
    "2024-03-04": "I baked a plum cake. Ana adopted a grey parrot. Joris won a medal in Lisbon.",
    "2024-04-05": "I visited the town museum. Tom climbed the tower in Bruges. Ana painted the fence.",
    "2024-05-06": "I play the cello. I painted a lake sunrise. Joris moved to Lille.",
}
