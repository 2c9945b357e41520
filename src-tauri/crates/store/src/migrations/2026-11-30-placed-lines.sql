-- Where lines of a text are drawn on a page, so that a citation can be marked where a viewer's own text does not tell.
-- Derived: without it nothing is lost but such marks.
CREATE TABLE placed_lines (
    hash  TEXT    NOT NULL REFERENCES content (hash) ON DELETE CASCADE,
    page  INTEGER NOT NULL,            -- from 1
    lines TEXT    NOT NULL,            -- [[start, end, left, bottom, width, height]] as JSON: characters from where the
                                       -- page begins in the text, and tenths of a point in the page's own coordinates
    PRIMARY KEY (hash, page)
) STRICT, WITHOUT ROWID;
