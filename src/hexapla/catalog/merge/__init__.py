"""From public tables of models to one table: readers, one for each source, and the merge.

The curated files of `models/` know some hundreds of models well.  Thousands more are known to public tables that others
keep; each of those knows some fields better than the rest.  A reader turns one of them into facts by (provider, id), the
merge takes each field from the first source that has it and remembers which that was.
"""
