"""The platform's memory: tables, one writer, readers, backups. The only package that speaks SQL."""
