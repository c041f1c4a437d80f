-- Title:   Which sizes are controls that read random tokens?
-- Grain:   size
-- Reads:   controls
-- The rows of the text at which they fire say nothing about what they read.
select distinct size
from controls
where control = 'random tokens'
order by size
