-- {x, y, rotation} of the row that begins with the seat; null for the seats behind it, and in sections without layouts.
ALTER TABLE seats ADD COLUMN layout double precision[];
