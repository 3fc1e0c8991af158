"""The steps, one file each, named by their number; a step is never edited once it was released."""
