"""Speaks SQL, and is the only room that does: tables, repositories, read models, migrations, inbox, sealed columns."""
