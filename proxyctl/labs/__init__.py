"""The course's clips as labs on real Docker: each statement is checked, and nothing is printed that was not observed.

A clip is one module, `clip1` and so on, data first: steps made of texts, the commands a person would type, and a
check of what they gave. `catalog` lists the clips, `step` says what a step is, `run` runs them, and `report`,
`console` and `page` tell what was seen.
"""
