"""MkDocs: a plugin that documents configurations in Markdown, and the import path of older projects' helpers.

For new documentation, use the Sphinx extension.
"""
