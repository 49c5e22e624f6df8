-- Median time to first answer, by queue. Times are milliseconds since 1970.
WITH answers AS (
    SELECT csid, min(created_at) AS answered_at
    FROM read_json('messages.jsonl', columns = {csid: 'BIGINT', created_at: 'BIGINT', direction: 'VARCHAR'})
    WHERE direction = 'outbound'
    GROUP BY csid
)
SELECT queue_name AS queue, count(*) AS conversations,
       round(median(answered_at - created_at) / 60000, 1) AS minutes_to_first_answer
FROM read_json('conversations.jsonl', columns = {id: 'BIGINT', created_at: 'BIGINT', queue_name: 'VARCHAR'}) AS conversations
JOIN answers ON answers.csid = conversations.id
GROUP BY queue_name
ORDER BY conversations DESC;
