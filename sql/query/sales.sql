-- name: SalesOfEvent :many
-- Amounts are shown up to the largest that the API has (2^63-1 minor units).
-- One statement, so that the parts add up: the whole, each section and each day. What a part is not of is empty.
SELECT (grouping(section) = 0)::boolean AS of_section, (grouping(day) = 0)::boolean AS of_day,
       coalesce(section, '')::text AS section, coalesce(day, '0001-01-01')::date AS day, min(currency)::text AS currency,
       sum(sold)::bigint AS sold, sum(returned)::bigint AS returned, least(sum(gross), 9223372036854775807)::bigint AS gross,
       least(sum(refunded), 9223372036854775807)::bigint AS refunded, least(sum(lost), 9223372036854775807)::bigint AS lost
FROM sales
WHERE event_id = @event_id AND day BETWEEN @first_day::date AND @last_day::date
GROUP BY GROUPING SETS ((), (section), (day))
HAVING count(*) > 0
ORDER BY day, section;

-- name: SectionSalesBestFirst :many
SELECT event_id, section, currency, sold, returned, least(gross, 9223372036854775807)::bigint AS gross,
       least(refunded, 9223372036854775807)::bigint AS refunded, least(lost, 9223372036854775807)::bigint AS lost, tickets FROM section_sales
WHERE (tickets, event_id, section) < (@fewer_than::bigint, @fewer_than_event::text, @fewer_than_section::text)
  AND (tickets, event_id, section) > (@more_than::bigint, @more_than_event::text, @more_than_section::text)
ORDER BY tickets DESC, event_id DESC, section DESC
LIMIT @row_limit;

-- name: SectionSalesWorstFirst :many
SELECT event_id, section, currency, sold, returned, least(gross, 9223372036854775807)::bigint AS gross,
       least(refunded, 9223372036854775807)::bigint AS refunded, least(lost, 9223372036854775807)::bigint AS lost, tickets FROM section_sales
WHERE (tickets, event_id, section) < (@fewer_than::bigint, @fewer_than_event::text, @fewer_than_section::text)
  AND (tickets, event_id, section) > (@more_than::bigint, @more_than_event::text, @more_than_section::text)
ORDER BY tickets, event_id, section
LIMIT @row_limit;
