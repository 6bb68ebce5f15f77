-- Takes a person out of ClickHouse and leaves the counts: a token stands wherever the
-- person did, always the same, so that sessions, findings and calls stay as many, of as
-- many persons. Run with
--
--   --param_person='okta:example/00u1ada0000000001d7'
--   --param_salt='a secret that you keep apart, or throw away'
--   --param_token=TOKEN
--   --param_names="['00u1ada0000000001d7','ada@example.com']"
--
-- where TOKEN is what the first statement says, and names are what the second one does,
-- and any other name by which the person may be known: each as a whole, long enough to
-- be found in nobody else's texts, the longest first.
--
-- What it does not reach. Kafka: facts and calls for 7 days, dead letters for 30, of each
-- result the last version for good; whoever sets the sink's offsets back has them again.
-- A session may be published anew, with its names, until correlate.horizon (7 days) has
-- passed: run it again then, it changes nothing else. Backups. Okta and CloudTrail: ids
-- of events stay here as evidence, and lead there.

SELECT concat('erased-', lower(substring(hex(SHA256(concat({salt:String}, {person:String}))), 1, 16))) AS token;

SELECT arraySort(name -> (-length(name), name), arrayFilter(name -> name != '', groupUniqArrayArray(names))) AS names
FROM
(
    SELECT [person_name, session_name, splitByChar('/', person_key)[-1]] AS names FROM jitaudit.sessions WHERE person_key = {person:String}
    UNION ALL
    SELECT [person_name, session_name] FROM jitaudit.assumptions WHERE person_key = {person:String}
    UNION ALL
    SELECT [person_name, splitByChar('/', person_key)[-1]] FROM jitaudit.grants WHERE person_key = {person:String}
    UNION ALL
    SELECT [granted_by_name, granted_by_alternate_id] FROM jitaudit.grants WHERE granted_by_id = splitByChar('/', {person:String})[-1]
    UNION ALL
    SELECT [removed_by_name, removed_by_alternate_id] FROM jitaudit.grants WHERE removed_by_id = splitByChar('/', {person:String})[-1]
);

ALTER TABLE jitaudit.grants_log UPDATE
    `requests.requester` = arrayMap(t -> arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, t), `requests.requester`),
    `requests.approvers` = arrayMap(list -> arrayMap(t -> arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, t), list), `requests.approvers`),
    `requests.subject` = arrayMap(t -> arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, t), `requests.subject`),
    `requests.justification` = arrayMap(t -> arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, t), `requests.justification`),
    granted_by_id = arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, granted_by_id),
    granted_by_alternate_id = arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, granted_by_alternate_id),
    granted_by_name = if(has({names:Array(String)}, granted_by_id), {token:String}, arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, granted_by_name)),
    removed_by_id = arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, removed_by_id),
    removed_by_alternate_id = arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, removed_by_alternate_id),
    removed_by_name = if(has({names:Array(String)}, removed_by_id), {token:String}, arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, removed_by_name)),
    exact = if(person_key = {person:String}, '', arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, exact)),
    person_name = if(person_key = {person:String}, {token:String}, person_name),
    person_key = if(person_key = {person:String}, {token:String}, person_key)
    WHERE person_key = {person:String} OR multiSearchAny(concat(toString(`requests.requester`), toString(`requests.approvers`), toString(`requests.subject`), toString(`requests.justification`), granted_by_id, granted_by_alternate_id, granted_by_name, removed_by_id, removed_by_alternate_id, removed_by_name, exact), {names:Array(String)})
    SETTINGS mutations_sync = 1;
ALTER TABLE jitaudit.assumptions_log UPDATE
    ip = if(person_key = {person:String}, '', ip),
    user_agent = if(person_key = {person:String}, '', user_agent),
    session_name = arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, session_name),
    exact = if(person_key = {person:String}, '', arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, exact)),
    person_name = if(person_key = {person:String}, {token:String}, person_name),
    person_key = if(person_key = {person:String}, {token:String}, person_key)
    WHERE person_key = {person:String} OR multiSearchAny(concat(session_name, exact), {names:Array(String)})
    SETTINGS mutations_sync = 1;
ALTER TABLE jitaudit.sessions_log UPDATE
    sign_on_ip = if(person_key = {person:String}, '', sign_on_ip),
    `chained.principal_id` = arrayMap(t -> arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, t), `chained.principal_id`),
    `requests.requester` = arrayMap(t -> arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, t), `requests.requester`),
    `requests.approvers` = arrayMap(list -> arrayMap(t -> arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, t), list), `requests.approvers`),
    `requests.subject` = arrayMap(t -> arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, t), `requests.subject`),
    `requests.justification` = arrayMap(t -> arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, t), `requests.justification`),
    session_name = arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, session_name),
    exact = if(person_key = {person:String}, '', arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, exact)),
    person_name = if(person_key = {person:String}, {token:String}, person_name),
    person_key = if(person_key = {person:String}, {token:String}, person_key)
    WHERE person_key = {person:String} OR multiSearchAny(concat(toString(`requests.requester`), toString(`requests.approvers`), toString(`requests.subject`), toString(`requests.justification`), toString(`chained.principal_id`), session_name, exact), {names:Array(String)})
    SETTINGS mutations_sync = 1;
ALTER TABLE jitaudit.findings_log UPDATE
    why = arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, why),
    suppressed_reason = arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, suppressed_reason),
    suppressed_owner = arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, suppressed_owner),
    exact = if(person_key = {person:String}, '', arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, exact)),
    person_name = if(person_key = {person:String}, {token:String}, person_name),
    person_key = if(person_key = {person:String}, {token:String}, person_key)
    WHERE person_key = {person:String} OR multiSearchAny(concat(why, suppressed_reason, suppressed_owner, exact), {names:Array(String)})
    SETTINGS mutations_sync = 1;
ALTER TABLE jitaudit.findings_history_log UPDATE
    why = arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, why),
    suppressed_reason = arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, suppressed_reason),
    suppressed_owner = arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, suppressed_owner),
    exact = if(person_key = {person:String}, '', arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, exact)),
    person_name = if(person_key = {person:String}, {token:String}, person_name),
    person_key = if(person_key = {person:String}, {token:String}, person_key)
    WHERE person_key = {person:String} OR multiSearchAny(concat(why, suppressed_reason, suppressed_owner, exact), {names:Array(String)})
    SETTINGS mutations_sync = 1;
ALTER TABLE jitaudit.uses_log UPDATE
    principal_id = arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, principal_id),
    exact = if(person_key = {person:String}, '', arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, exact)),
    person_name = if(person_key = {person:String}, {token:String}, person_name),
    person_key = if(person_key = {person:String}, {token:String}, person_key)
    WHERE person_key = {person:String} OR multiSearchAny(concat(principal_id, exact), {names:Array(String)})
    SETTINGS mutations_sync = 1;
ALTER TABLE jitaudit.activity_log UPDATE
    principal_id = arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, principal_id),
    exact = arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, exact)
    WHERE multiSearchAny(concat(principal_id, exact), {names:Array(String)})
    SETTINGS mutations_sync = 1;
ALTER TABLE jitaudit.triage_log UPDATE
    owner = arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, owner),
    reason = arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, reason),
    by = arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, by),
    exact = arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, exact)
    WHERE multiSearchAny(concat(owner, reason, by, exact), {names:Array(String)})
    SETTINGS mutations_sync = 1;

-- Logs: whatever names the person goes. backtest lacks these events then.
ALTER TABLE jitaudit.dead_letters_log UPDATE
    raw = '',
    reason = arrayFold((text, name) -> replaceAll(text, name, {token:String}), {names:Array(String)}, reason)
    WHERE multiSearchAny(concat(reason, raw), {names:Array(String)})
    SETTINGS mutations_sync = 1;
ALTER TABLE jitaudit.raw_events_log DELETE
    WHERE multiSearchAny(value, {names:Array(String)})
    SETTINGS mutations_sync = 1;
