//! The Lua scripts: one atomic step each, all keys in `KEYS` and in one slot, safe to run twice.
//!
//! Numbers of the port are 64-bit and Lua's are floats; they travel as 20 decimal digits, which compare as text.

/// A script and the hash under which servers know it.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) code: &'static str,
    pub(super) hash: String,
}

impl Script {
    pub(super) fn new(code: &'static str) -> Self {
        Self { code, hash: redis::Script::new(code).get_hash().into() }
    }
}

/// All scripts.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) apply: Script,
    pub(super) lease: Script,
    pub(super) leased: Script,
    pub(super) release: Script,
    pub(super) join: Script,
    pub(super) leave: Script,
    pub(super) present: Script,
    pub(super) remember: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let script = Script::new;
        Self {
            apply: script(APPLY),
            lease: script(LEASE),
            leased: script(LEASED),
            release: script(RELEASE),
            join: script(JOIN),
            leave: script(LEAVE),
            present: script(PRESENT),
            remember: script(REMEMBER),
        }
    }
}

/// The results of `APPLY`: [`crate::store::Applied`] by number.
pub(super) mod applied {
    pub(in super::super) const STORED: i64 = 0;
    pub(in super::super) const ALREADY: i64 = 1;
    pub(in super::super) const STALE: i64 = 2;
    pub(in super::super) const DISCONTINUOUS: i64 = 3;
}

/// KEYS: projection. ARGV: epoch, from (empty: whole copy), to, document, keep in ms (empty: until removed).
const APPLY: &str = r"
local stands = redis.call('HMGET', KEYS[1], 'e', 'v')
local epoch, version = stands[1], stands[2]
if epoch then
  if ARGV[1] < epoch then return 2 end
  if ARGV[1] == epoch and ARGV[3] <= version then return 1 end
end
if ARGV[2] ~= '' and ARGV[2] ~= (version or '00000000000000000000') then return 3 end
redis.call('HSET', KEYS[1], 'e', ARGV[1], 'v', ARGV[3], 'd', ARGV[4])
if ARGV[5] == '' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
return 0
";

/// KEYS: lease. ARGV: owner, time to live in ms. Answers the holder and the remaining ms.
const LEASE: &str = r"
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return {owner, redis.call('PTTL', KEYS[1])} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {ARGV[1], 0}
";

/// KEYS: lease. Answers the holder and the remaining ms, or nothing.
const LEASED: &str = r"
local owner = redis.call('GET', KEYS[1])
if not owner then return false end
return {owner, redis.call('PTTL', KEYS[1])}
";

/// KEYS: lease. ARGV: owner.
const RELEASE: &str = r"
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0
";

/// KEYS: deadlines, descriptions. ARGV: member, description, time to live in ms.
///
/// Takes up to 100 expired members out, which is more than it puts in, and lets both keys end with their last member.
const JOIN: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[3]), ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now), 'LIMIT', 0, 100)
if #gone > 0 then
  redis.call('ZREM', KEYS[1], unpack(gone))
  redis.call('HDEL', KEYS[2], unpack(gone))
end
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
if #last > 0 then
  local deadline = string.format('%.0f', last[2])
  redis.call('PEXPIREAT', KEYS[1], deadline)
  redis.call('PEXPIREAT', KEYS[2], deadline)
end
return 0
";

/// KEYS: deadlines, descriptions. ARGV: member.
const LEAVE: &str = r"
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return 0
";

/// KEYS: deadlines, descriptions. Answers members and descriptions in turn.
const PRESENT: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '+inf')) do
  found[#found + 1] = member
  found[#found + 1] = redis.call('HGET', KEYS[2], member) or ''
end
return found
";

/// KEYS: value. ARGV: value, time to live in ms. Answers what is remembered.
const REMEMBER: &str = r"
local value = redis.call('GET', KEYS[1])
if value then return value end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
";
