"""What stops a whole import. Rows that are at fault stop nothing: they are reported."""


class ImportRefused(Exception):  # noqa: N818  it is told to a person at a terminal, in a sentence
    """The import cannot go on; the message says why, without any value from the file."""


class MapRefused(ImportRefused):
    """The map cannot be used."""


class FileRefused(ImportRefused):
    """The file cannot be read, or does not have the columns that the map names."""
