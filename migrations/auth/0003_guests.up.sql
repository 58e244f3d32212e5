-- Guests: users who buy without having proven an address. Their name and address are for mails and tickets.
ALTER TABLE users
    ADD COLUMN guest         boolean NOT NULL DEFAULT false,
    ADD COLUMN contact_email text CHECK (contact_email = lower(contact_email) AND length(contact_email) <= 254), -- not proven
    ADD COLUMN linked_to     text REFERENCES users (id), -- the user who has proven the guest's address
    DROP CONSTRAINT users_erased,
    ADD CONSTRAINT users_erased CHECK (
        erased_at IS NULL AND (email IS NOT NULL OR guest)
        OR erased_at IS NOT NULL AND email IS NULL AND name IS NULL AND contact_email IS NULL),
    ADD CONSTRAINT users_guest CHECK (guest OR contact_email IS NULL AND linked_to IS NULL);
CREATE INDEX users_contact_email ON users (contact_email) WHERE contact_email IS NOT NULL;
CREATE INDEX users_linked_to ON users (linked_to) WHERE linked_to IS NOT NULL;
CREATE INDEX users_unused_guests ON users (created_at) WHERE guest AND contact_email IS NULL AND erased_at IS NULL;
