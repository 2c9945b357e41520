-- Every change of a vector table leaves a stamp, deletions too, so that a code file can prove which history it saw.
CREATE TABLE vector_change (
  space      INTEGER NOT NULL,
  version    INTEGER NOT NULL,            -- what the change made of vector_space.version
  stamp      INTEGER NOT NULL,            -- random
  PRIMARY KEY (space, version)
) STRICT, WITHOUT ROWID;
INSERT INTO vector_change (space, version, stamp) SELECT id, version, random() FROM vector_space WHERE version > 0;
DROP TABLE vector_batch;
