DROP INDEX users_unused_guests, users_linked_to, users_contact_email;
-- Guests can't be distinguished from erased users without the columns: they become such.
UPDATE users SET name = NULL, contact_email = NULL, erased_at = coalesce(erased_at, now()) WHERE guest;
ALTER TABLE users
    DROP CONSTRAINT users_guest,
    DROP CONSTRAINT users_erased,
    DROP COLUMN guest,
    DROP COLUMN contact_email,
    DROP COLUMN linked_to,
    ADD CONSTRAINT users_erased CHECK (erased_at IS NULL AND email IS NOT NULL OR erased_at IS NOT NULL AND email IS NULL AND name IS NULL);
