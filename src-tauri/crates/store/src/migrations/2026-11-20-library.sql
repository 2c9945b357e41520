-- The library: collections, documents, what was read of them, passages with their words, runs that fill it, and why answers
-- say what they say. Vectors follow at the end in the tables of the vector table, which has its own words for them.

CREATE TABLE collection (
    key        INTEGER PRIMARY KEY,           -- the vector table's collection
    id         TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    colour     TEXT    NOT NULL,
    settings   TEXT    NOT NULL,              -- domain::CollectionSettings as JSON
    folder     TEXT,                          -- the folder that it follows
    space      INTEGER,                       -- vector_space.id that searches use: the old one until a new one is whole
    created_at INTEGER NOT NULL,
    deleted_at INTEGER                        -- in the trash since
) STRICT;

-- What the bytes of a file say; once for equal bytes, whichever documents have them.
CREATE TABLE content (
    hash        TEXT PRIMARY KEY,             -- BLAKE3 of the bytes, and the name of the file in files/documents
    format      TEXT NOT NULL,
    title       TEXT,
    pages       INTEGER,
    empty_pages TEXT,                         -- [page] as JSON
    text        TEXT NOT NULL,
    reading     TEXT NOT NULL                 -- the rest of the reading as JSON: sections with their places
) STRICT;

CREATE TABLE document (
    key        INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    collection INTEGER NOT NULL REFERENCES collection (key) ON DELETE CASCADE,
    name       TEXT    NOT NULL,
    source     TEXT,                          -- the path it came from; shown to nobody
    address    TEXT,                          -- the web page it came from
    hash       TEXT,                          -- content.hash, once its bytes are kept
    format     TEXT    NOT NULL DEFAULT '',
    size       INTEGER NOT NULL DEFAULT 0,
    state      TEXT    NOT NULL,              -- queued, reading, embedding, ready, paused, failed
    fault      TEXT,                          -- domain::Fault as JSON
    run        TEXT,                          -- the run that works on it
    cut        TEXT,                          -- with which settings its passages were cut
    passages   INTEGER NOT NULL DEFAULT 0,
    embedded   INTEGER NOT NULL DEFAULT 0,    -- of these, with a vector in the collection's space
    neurons    REAL    NOT NULL DEFAULT 0,
    added_at   INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;

CREATE INDEX document_of_collection ON document (collection, added_at);
CREATE INDEX document_hash ON document (hash) WHERE hash IS NOT NULL;
CREATE INDEX document_source ON document (source, collection) WHERE source IS NOT NULL;
CREATE INDEX document_run ON document (run) WHERE run IS NOT NULL;
CREATE INDEX document_trash ON document (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE passage (
    key      INTEGER PRIMARY KEY,             -- the vector table's id
    document INTEGER NOT NULL REFERENCES document (key) ON DELETE CASCADE,
    ordinal  INTEGER NOT NULL,
    text     TEXT    NOT NULL,
    header   TEXT,                            -- of the table that it continues
    headings TEXT,                            -- [heading] as JSON
    page     INTEGER,
    start    INTEGER NOT NULL,                -- characters of the content's text
    stop     INTEGER NOT NULL,
    tokens   INTEGER NOT NULL,
    hash     BLOB    NOT NULL                 -- BLAKE3 of what is embedded
) STRICT;

CREATE INDEX passage_of_document ON passage (document, ordinal);
CREATE INDEX passage_hash ON passage (hash);

-- Words as they stand, and of scripts without spaces every character and every pair: see library/words.rs.
CREATE VIRTUAL TABLE passage_words USING fts5 (text, content = '', contentless_delete = 1,
    tokenize = 'porter unicode61 remove_diacritics 2');

CREATE TABLE ingest_run (
    id         TEXT PRIMARY KEY,
    collection INTEGER NOT NULL REFERENCES collection (key) ON DELETE CASCADE,
    accepted   INTEGER NOT NULL DEFAULT 0,    -- its quote was
    paused     INTEGER NOT NULL DEFAULT 0,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER
) STRICT;

CREATE INDEX ingest_run_collection ON ingest_run (collection);
CREATE INDEX ingest_run_active ON ingest_run (started_at) WHERE ended_at IS NULL;

CREATE TABLE why_answer (
    message TEXT PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,
    json    TEXT NOT NULL                     -- domain::WhyAnswer
) STRICT;

-- As the vector table documents them.
CREATE TABLE vector_space (
  id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
  model      TEXT    NOT NULL,
  dimensions INTEGER NOT NULL CHECK (dimensions BETWEEN 1 AND 16384),
  pooling    TEXT    NOT NULL DEFAULT '', -- '' where the model leaves no choice
  metric     TEXT    NOT NULL CHECK (metric IN ('cosine', 'dot-product', 'euclidean')),
  version    INTEGER NOT NULL DEFAULT 0,  -- one more with each upsert and delete
  next_slot  INTEGER NOT NULL DEFAULT 0,  -- the sequence number of the next row
  row_count  INTEGER NOT NULL DEFAULT 0,
  UNIQUE (model, dimensions, pooling, metric)
) STRICT;
CREATE TABLE vector_row (
  slot       INTEGER PRIMARY KEY,         -- space << 32 | sequence number; never used again
  space      INTEGER NOT NULL REFERENCES vector_space (id),
  id         INTEGER NOT NULL,            -- the caller's id, once in a space
  collection INTEGER NOT NULL,
  vector     BLOB    NOT NULL             -- dimensions f32, little-endian, as given
) STRICT;
CREATE UNIQUE INDEX vector_row_id ON vector_row (space, id);
CREATE INDEX vector_row_collection ON vector_row (space, collection);
CREATE TABLE vector_batch (
  last_slot  INTEGER PRIMARY KEY,         -- the last slot that an upsert filled
  stamp      INTEGER NOT NULL             -- random
) STRICT;
CREATE TRIGGER vector_row_is_final BEFORE UPDATE ON vector_row
BEGIN SELECT RAISE(ABORT, 'rows of a vector table are replaced, never changed'); END;
