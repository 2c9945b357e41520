-- The files that a picture was made from stay as long as its row, and a picture knows what its model did not take.

CREATE TABLE picture_attachment (
    picture    INTEGER NOT NULL REFERENCES picture (key) ON DELETE CASCADE,
    attachment TEXT    NOT NULL REFERENCES attachment (id),
    PRIMARY KEY (picture, attachment)
) STRICT, WITHOUT ROWID;

CREATE INDEX picture_attachment_of ON picture_attachment (attachment);

ALTER TABLE picture ADD COLUMN left_out TEXT; -- [domain::PictureField] as JSON
