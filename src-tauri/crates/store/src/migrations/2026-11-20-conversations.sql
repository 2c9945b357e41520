-- Version 1: conversations as trees of messages, runs, the ledger of neurons, settings, accounts without secrets,
-- drafts, attachments, the catalogue as last seen, and the indexes that searching needs.

PRAGMA application_id = 1162102615; -- 0x45444757, 'EDGW'

CREATE TABLE conversation (
    key        INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    title      TEXT    NOT NULL DEFAULT '',
    renamed    INTEGER NOT NULL DEFAULT 0,
    pinned     INTEGER NOT NULL DEFAULT 0,
    archived   INTEGER NOT NULL DEFAULT 0,
    temporary  INTEGER NOT NULL DEFAULT 0,
    model      TEXT,
    created_at INTEGER NOT NULL,              -- milliseconds since 1970, UTC, as all times here
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,                       -- in the trash since
    leaf       INTEGER,                       -- message.key at the end of the shown path
    options    TEXT    NOT NULL DEFAULT '{}'  -- domain::ConversationOptions as JSON
) STRICT;

CREATE INDEX conversation_list ON conversation (archived, pinned DESC, updated_at DESC, key DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX conversation_trash ON conversation (deleted_at) WHERE deleted_at IS NOT NULL;

-- The tree alone: rows of some hundred bytes, so that a path of 10,000 messages is read from few pages.
CREATE TABLE message (
    key          INTEGER PRIMARY KEY,         -- versions are ordered by it
    id           TEXT    NOT NULL UNIQUE,
    conversation INTEGER NOT NULL REFERENCES conversation (key) ON DELETE CASCADE,
    parent       INTEGER REFERENCES message (key) ON DELETE CASCADE,
    shown_child  INTEGER,                     -- the version below that was last shown
    role         TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    length       INTEGER NOT NULL DEFAULT 0,  -- characters of the text
    model        TEXT,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX message_children ON message (parent);
CREATE INDEX message_of_conversation ON message (conversation, parent);
CREATE INDEX message_streaming ON message (key) WHERE status = 'streaming';

CREATE TABLE body (
    message        INTEGER PRIMARY KEY REFERENCES message (key) ON DELETE CASCADE,
    text           TEXT NOT NULL DEFAULT '',
    thinking       TEXT,
    thinking_ms    INTEGER,
    first_token_ms INTEGER,
    stream_ms      INTEGER,
    finish         TEXT,
    fault          TEXT, -- domain::Fault as JSON
    usage          TEXT, -- domain::Usage as JSON
    tool_calls     TEXT, -- [domain::ToolCall] as JSON
    sources        TEXT, -- [domain::SourceRef] as JSON
    pictures       TEXT  -- ids of pictures of the gallery, as a JSON list
) STRICT;

-- What arrived of an answer in flight: rows are only added; the end of the answer folds them into `body`.
CREATE TABLE journal (
    message INTEGER NOT NULL REFERENCES message (key) ON DELETE CASCADE,
    part    INTEGER NOT NULL, -- 0 the text, 1 the thoughts
    start   INTEGER NOT NULL, -- byte at which this piece begins
    text    TEXT    NOT NULL,
    PRIMARY KEY (message, part, start)
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
    id           TEXT PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversation (key) ON DELETE CASCADE,
    message      INTEGER NOT NULL REFERENCES message (key) ON DELETE CASCADE,
    started_at   INTEGER NOT NULL,
    ended_at     INTEGER,
    outcome      TEXT
) STRICT;

CREATE INDEX run_of_conversation ON run (conversation);
CREATE INDEX run_of_message ON run (message);
CREATE INDEX run_active ON run (conversation) WHERE ended_at IS NULL;

-- Outlives the conversations it names: no foreign key, and the title is kept beside the id.
CREATE TABLE ledger (
    key           INTEGER PRIMARY KEY,
    at            INTEGER NOT NULL,
    day           INTEGER NOT NULL, -- UTC day, counted from 1970-01-01
    account       TEXT    NOT NULL,
    model         TEXT    NOT NULL,
    task          TEXT    NOT NULL,
    conversation  TEXT,
    title         TEXT    NOT NULL DEFAULT '',
    input_tokens  INTEGER,
    output_tokens INTEGER,
    cached_tokens INTEGER,
    neurons       REAL,
    estimated     INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX ledger_day ON ledger (day);
CREATE INDEX ledger_conversation ON ledger (conversation) WHERE conversation IS NOT NULL;

-- Settings and other remembered values, one JSON value per name.
CREATE TABLE value (
    name TEXT PRIMARY KEY,
    json TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    key        TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    name       TEXT NOT NULL,
    gateway    TEXT,
    kept_in    TEXT NOT NULL,
    position   INTEGER NOT NULL
) STRICT;

CREATE TABLE catalogue (
    account    TEXT PRIMARY KEY,
    models     TEXT    NOT NULL, -- [domain::Model] as JSON
    fetched_at INTEGER NOT NULL
) STRICT;

CREATE TABLE draft (
    conversation TEXT PRIMARY KEY, -- '' for the conversation that is not begun yet
    text         TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Bytes lie in `files/attachments`, named by their BLAKE3 hash.
CREATE TABLE attachment (
    id         TEXT PRIMARY KEY,
    name       TEXT    NOT NULL,
    media_type TEXT    NOT NULL,
    size       INTEGER NOT NULL,
    width      INTEGER,
    height     INTEGER,
    added_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE message_attachment (
    message    INTEGER NOT NULL REFERENCES message (key) ON DELETE CASCADE,
    position   INTEGER NOT NULL,
    attachment TEXT    NOT NULL REFERENCES attachment (id),
    name       TEXT    NOT NULL,
    PRIMARY KEY (message, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX message_attachment_of ON message_attachment (attachment);

-- Search. Trigrams find any three characters and more; `pairs` holds what is shorter: single and double ideographs and
-- words of one or two letters (see search.rs). Contentless: the text itself lies in `body` and `conversation`.
CREATE VIRTUAL TABLE message_trigrams USING fts5 (text, content = '', contentless_delete = 1, tokenize = 'trigram');
CREATE VIRTUAL TABLE message_pairs USING fts5 (text, content = '', contentless_delete = 1, detail = none,
    tokenize = 'unicode61 remove_diacritics 0');
CREATE VIRTUAL TABLE title_trigrams USING fts5 (text, content = '', contentless_delete = 1, tokenize = 'trigram');
CREATE VIRTUAL TABLE title_pairs USING fts5 (text, content = '', contentless_delete = 1, detail = none,
    tokenize = 'unicode61 remove_diacritics 0');
