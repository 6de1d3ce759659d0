"""Pure decisions: no async, clock, logging, files or sockets in here.

In call order: `labels` reads what containers declare (by the table of `features`), `decide` turns a snapshot into what
the proxy should do, `plan` lists the changes and what each costs, `describe` puts them into sentences. Beside that path
`explain`, `status`, `health` and `routing` answer questions.
"""
