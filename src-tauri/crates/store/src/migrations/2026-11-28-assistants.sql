-- Named ways to begin a conversation.
CREATE TABLE assistant (
    id TEXT PRIMARY KEY, -- UUID version 7
    name TEXT NOT NULL,
    options TEXT NOT NULL -- domain::ConversationOptions as JSON
) STRICT, WITHOUT ROWID;
