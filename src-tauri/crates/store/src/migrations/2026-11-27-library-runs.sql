-- A run that was killed knows what it had still to take in, and one that waits knows why.

ALTER TABLE ingest_run ADD COLUMN load TEXT;           -- what is not taken in yet: paths, a conversion, settings, as JSON
ALTER TABLE ingest_run ADD COLUMN fault TEXT;          -- why it waits, or why it ended early: domain::Fault as JSON
ALTER TABLE ingest_run ADD COLUMN waits_until INTEGER; -- then it tries again by itself
