"""A package whose documentation the tests build and check."""
