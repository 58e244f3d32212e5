-- What was written about a user, such as the reason of a refund. The log names it by its id only, so that it is erased with the user.
CREATE TABLE texts (
    id         text        COLLATE "C" PRIMARY KEY,
    user_id    text        NOT NULL, -- that it is about
    text       text        NOT NULL CHECK (length(text) <= 500),
    written_at timestamptz NOT NULL
);
CREATE INDEX texts_user ON texts (user_id);
