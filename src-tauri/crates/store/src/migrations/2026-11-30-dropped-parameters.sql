-- An answer knows which parameters its model refused: it was made without them.
ALTER TABLE body ADD COLUMN dropped_parameters TEXT; -- names on the wire, as a JSON list
