"""Other tools' formats, in and out.

An importer is one module with one `IMPORTER` (`importing.Importer`) and one line under "importers" in the registry:

    "promptfoo": "weakspot.exchange.promptfoo:IMPORTER"

    IMPORTER = Importer(title="promptfoo's configuration or output", matches=_matches, read=read_promptfoo)

    def _matches(seen: Sighting) -> bool: ...
        # looks only at what was sighted (names, the first 64 KiB, the first JSON object): never opens more
    def read_promptfoo(path: Path, asked: Asked) -> Imported: ...
        # `path` is a file, or a folder where the tool writes folders; `asked` is what the user said beside it

`reading` opens files with every guard there is (size, Git-LFS pointers, binary, NUL, encodings, JSON nesting, zip
bombs, names that lead out of a folder): importers use it and never open a file themselves. `safe_yaml` reads YAML
without tags. `making` builds candidates, responses and scores in one form for all importers. What can't be taken over
raises `ImportFailed` with one sentence and a hint, or is a sentence in `Imported.notes`.

Figures that the tool itself states go into `ImportedModel.reported`. Where our counts can be held against one, its
name begins with what it is of the items taken over: `share passed: NAME`, `share failed: NAME`, `passed: NAME`,
`failed: NAME` or `items: NAME`, or of one category's: `passed in CATEGORY: NAME`; the import then says whether they
agree. A figure under another name is only shown.

The first importer in the registry's order that matches is taken; `--from NAME` names one. The tool's own verdict is
kept as it is: nothing is scored again here. This room does not know where a run is saved (`weakspot.api`).
"""
