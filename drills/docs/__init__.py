"""The drill of the docs: what an outsider would do with them, done by programs.

It fills a clinic, serves it on the loopback address, and then lints the OpenAPI document, generates clients from it,
uses the docs page in a real browser, has the receivers of `examples/` told what happens, and throws thousands of
made-up requests at the service. A tool that is missing is a failure.

`python -m drills.docs` does all of it; names of steps do only those (`lint`, `clients`, `browser`, `receivers`,
`fuzz`).

The tools are pinned with hashes and without hosts. To take newer ones, change `package.json` and run here
`npm install --package-lock-only --omit-lockfile-registry-resolved`, and remove the `funding` entries; the two `.lock`
files are made as those of the project are (`make lock`), each from one line `name==version`.
"""
