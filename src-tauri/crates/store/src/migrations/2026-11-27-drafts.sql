-- Files of a draft and the messages that wait behind it, so that they survive a restart as its text does.
ALTER TABLE draft ADD COLUMN waiting TEXT; -- {"attachments": [domain::Attachment], "queue": [domain::QueuedMessage]} as JSON
