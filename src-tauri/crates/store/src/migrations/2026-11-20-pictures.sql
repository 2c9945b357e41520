-- Pictures: one row for each that was asked for, its file in files/pictures. Times in milliseconds since 1970.

CREATE TABLE picture (
    key          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    run          TEXT NOT NULL,
    -- Where it was made, if in a conversation. No foreign key: the picture outlives it.
    conversation TEXT,
    model        TEXT NOT NULL,
    prompt       TEXT NOT NULL,
    -- What was asked for, as JSON.
    request      TEXT NOT NULL,
    -- pending, done, failed, stopped
    state        TEXT NOT NULL,
    -- Why it failed, as JSON.
    fault        TEXT,
    width        INTEGER,
    height       INTEGER,
    media_type   TEXT,
    file_name    TEXT UNIQUE,
    size         INTEGER,
    -- Tokens and neurons, as JSON.
    usage        TEXT,
    starred      INTEGER NOT NULL DEFAULT 0,
    created_at   INTEGER NOT NULL,
    took_ms      INTEGER,
    -- In the trash since.
    deleted_at   INTEGER
) STRICT;

CREATE INDEX picture_newest ON picture (created_at DESC, key DESC) WHERE deleted_at IS NULL;
CREATE INDEX picture_pending ON picture (state) WHERE state = 'pending';
CREATE INDEX picture_trash ON picture (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE album (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE album_picture (
    album   TEXT NOT NULL REFERENCES album (id) ON DELETE CASCADE,
    picture INTEGER NOT NULL REFERENCES picture (key) ON DELETE CASCADE,
    PRIMARY KEY (album, picture)
) STRICT, WITHOUT ROWID;

CREATE INDEX album_picture_picture ON album_picture (picture);
