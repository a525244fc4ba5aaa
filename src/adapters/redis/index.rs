//! The index on Redis: all of its keys lie in one slot, so that a batch is one script and a page is of one revision.
//!
//! | key | type | what |
//! |---|---|---|
//! | `rb:x:{directory}:head` | hash `r`, `t`, `n` | revision, the last batch's token, the writer's note |
//! | `rb:x:{directory}:d:<family>` | hash | documents by id |
//! | `rb:x:{directory}:k:<family>` | sorted set | ids by rank: the lowest leave first |
//! | `rb:x:{directory}:c:<family>` | hash | how many documents each set has |
//! | `rb:x:{directory}:n:<family>` | sorted set | names of sets, in their order |
//! | `rb:x:{directory}:s:<family>:<set>` | sorted set | places: eight bytes of time, then the id; all scores are 0 |

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use bytes::Bytes;

use super::scripts::Script;
use super::store::{Redis, digits, number};
use crate::store::Error;
use crate::store::index::{Batch, Change, Direction, Family, Filed, Head, Index, Page, Place, Row};

/// Sets whose keys one command removes, when all of it goes.
const CLEAR_SETS: usize = 256;

/// The scripts of the index.
#[derive(Debug)]
pub(super) struct Scripts {
    advance: Script,
    page: Script,
    first: Script,
    clear: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let script = Script::new;
        Self { advance: script(ADVANCE), page: script(PAGE), first: script(FIRST), clear: script(CLEAR) }
    }
}

/// KEYS: head, then what the operations name. ARGV: from, to, token, note, then operations of four: what, number of the key, two
/// values. `+` and `-` name the hash of counts and the names by the numbers behind the key's.
const ADVANCE: &str = r"
local stands = redis.call('HMGET', KEYS[1], 'r', 't')
if stands[2] == ARGV[3] then return 1 end
if (stands[1] or '00000000000000000000') ~= ARGV[1] then return 0 end
local at = 5
while at < #ARGV do
  local what, key, a, b = ARGV[at], KEYS[tonumber(ARGV[at + 1])], ARGV[at + 2], ARGV[at + 3]
  if what == 'd' then redis.call('HSET', key, a, b)
  elseif what == 'x' then redis.call('HDEL', key, a)
  elseif what == 'k' then redis.call('ZADD', key, a, b)
  elseif what == 'l' then redis.call('ZREM', key, a)
  else
    local counts, names = KEYS[tonumber(ARGV[at + 4])], KEYS[tonumber(ARGV[at + 5])]
    if what == '+' then
      if redis.call('ZADD', key, 0, a) == 1 then
        local count = tonumber(redis.call('HGET', counts, b) or '0') + 1
        redis.call('HSET', counts, b, string.format('%.0f', count))
        if count == 1 then redis.call('ZADD', names, 0, b) end
      end
    elseif redis.call('ZREM', key, a) == 1 then
      local count = tonumber(redis.call('HGET', counts, b) or '0') - 1
      if count > 0 then redis.call('HSET', counts, b, string.format('%.0f', count))
      else redis.call('HDEL', counts, b) redis.call('ZREM', names, b) end
    end
    at = at + 2
  end
  at = at + 4
end
redis.call('HSET', KEYS[1], 'r', ARGV[2], 't', ARGV[3], 'n', ARGV[4])
return 1
";

/// KEYS: documents, then sets. ARGV: direction (`n`, `o`), place (`+`, `-` or `(` and the place), limit. Answers places and documents
/// in turn.
///
/// Times are compared as two numbers, ids byte by byte: the server's locale says how texts compare.
const PAGE: &str = r"
local newest, limit = ARGV[1] == 'n', tonumber(ARGV[3])
-- Of many sets each gives little: more is read of those that give out.
local some = math.min(limit, 16 + math.ceil(2 * limit / math.max(#KEYS - 1, 1)))
local lists, heads, highs, lows = {}, {}, {}, {}
local function go_on(list, at)
  local places = lists[list]
  if at > some then
    places, at = nil, 1
  end
  if places == nil then
    local from = lists[list] and '(' .. lists[list][some] or ARGV[2]
    if newest then places = redis.call('ZRANGE', KEYS[list], from, '-', 'BYLEX', 'REV', 'LIMIT', 0, some)
    else places = redis.call('ZRANGE', KEYS[list], from, '+', 'BYLEX', 'LIMIT', 0, some) end
    lists[list] = places
  end
  if places[at] then
    heads[list] = at
    highs[list], lows[list] = struct.unpack('>I4I4', places[at])
  else
    heads[list] = nil
  end
end
for list = 2, #KEYS do go_on(list, 1) end
local function comes_first(a, b)
  if highs[a] ~= highs[b] then return (highs[a] > highs[b]) == newest end
  if lows[a] ~= lows[b] then return (lows[a] > lows[b]) == newest end
  a, b = lists[a][heads[a]], lists[b][heads[b]]
  for at = 9, math.min(#a, #b) do
    local x, y = string.byte(a, at), string.byte(b, at)
    if x ~= y then return (x > y) == newest end
  end
  return #a ~= #b and (#a > #b) == newest
end
local rows, last, left = {}, nil, limit
while left > 0 do
  local from
  for list in pairs(heads) do
    if from == nil or comes_first(list, from) then from = list end
  end
  if from == nil then break end
  local first = lists[from][heads[from]]
  go_on(from, heads[from] + 1)
  if first ~= last then
    last, left = first, left - 1
    local document = redis.call('HGET', KEYS[1], string.sub(first, 9))
    if document then
      rows[#rows + 1] = first
      rows[#rows + 1] = document
    end
  end
end
return rows
";

/// KEYS: ranks, documents. ARGV: the lowest rank, limit. Answers ids and documents in turn.
const FIRST: &str = r"
local rows = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], ARGV[1], '+inf', 'BYSCORE', 'LIMIT', 0, ARGV[2])) do
  rows[#rows + 1] = id
  rows[#rows + 1] = redis.call('HGET', KEYS[2], id) or ''
end
return rows
";

/// KEYS: head, names, counts, documents, ranks, then sets. ARGV: the names of those sets. Answers whether sets are left. Each step takes the
/// head too: no head stands over what is half gone, and whoever wrote meanwhile begins again.
const CLEAR: &str = r"
redis.call('UNLINK', KEYS[1])
for at = 6, #KEYS do
  redis.call('UNLINK', KEYS[at])
  redis.call('ZREM', KEYS[2], ARGV[at - 5])
  redis.call('HDEL', KEYS[3], ARGV[at - 5])
end
if #redis.call('ZRANGE', KEYS[2], 0, 0) > 0 then return 1 end
redis.call('UNLINK', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
return 0
";

/// A place as a member: texts of eight bytes that compare as the times do, then the id.
fn member(at: i64, id: &str) -> Vec<u8> {
    let mut member = Vec::with_capacity(8 + id.len());
    // The sign's bit turned over: negative times come first.
    member.extend_from_slice(&(at.cast_unsigned() ^ (1 << 63)).to_be_bytes());
    member.extend_from_slice(id.as_bytes());
    member
}

fn place(member: &[u8]) -> Result<Place, Error> {
    let wrong = || Error::Refused("a stored place is none".into());
    let (at, id) = member.split_first_chunk::<8>().ok_or_else(wrong)?;
    let id = String::from_utf8(id.to_vec()).map_err(|_utf8| wrong())?;
    Ok(Place { at: (u64::from_be_bytes(*at) ^ (1 << 63)).cast_signed(), id })
}

/// Keys of a batch, each once, and the operations on them.
struct Operations<'r> {
    redis: &'r Redis,
    keys: Vec<String>,
    numbers: HashMap<String, usize>,
    args: Vec<Vec<u8>>,
}

impl<'r> Operations<'r> {
    fn new(redis: &'r Redis) -> Self {
        let head = redis.index_key("head");
        Self { redis, keys: vec![head], numbers: HashMap::new(), args: Vec::new() }
    }

    /// The number of a key, from 1, as the script counts.
    fn number(&mut self, key: String) -> Vec<u8> {
        let next = self.keys.len() + 1;
        let keys = &mut self.keys;
        let number = *self.numbers.entry(key).or_insert_with_key(|key| {
            keys.push(key.clone());
            next
        });
        number.to_string().into_bytes()
    }

    fn of(&mut self, what: &str, key: String, a: Vec<u8>, b: Vec<u8>) {
        let number = self.number(key);
        self.args.extend([what.as_bytes().to_vec(), number, a, b]);
    }

    fn filed(&mut self, what: &str, family: Family, name: &str, member: Vec<u8>) {
        self.of(what, self.redis.set_key(family, name), member, name.as_bytes().to_vec());
        let counts = self.number(self.redis.family_key('c', family));
        let names = self.number(self.redis.family_key('n', family));
        self.args.extend([counts, names]);
    }

    fn change(&mut self, change: &Change) {
        let Change { family, id, before, after } = change;
        let nothing = BTreeSet::new();
        let (old, new) = (before.as_ref(), after.as_ref().map(|entry| &entry.filed));
        let has_moved = old.map(|filed| filed.at) != new.map(|filed| filed.at);
        let sets = |filed: Option<&'_ Filed>| filed.map_or(nothing.clone(), |filed| filed.sets.clone());
        let (was, is) = (sets(old), sets(new));
        for name in was.iter().filter(|name| has_moved || !is.contains(*name)) {
            self.filed("-", *family, name, member(old.map_or(0, |filed| filed.at), id));
        }
        for name in is.iter().filter(|name| has_moved || !was.contains(*name)) {
            self.filed("+", *family, name, member(new.map_or(0, |filed| filed.at), id));
        }
        let (documents, ranks) = (self.redis.family_key('d', *family), self.redis.family_key('k', *family));
        let id = id.as_bytes().to_vec();
        match after {
            Some(entry) => {
                self.of("d", documents, id.clone(), entry.document.to_vec());
                self.of("k", ranks, entry.rank.to_string().into_bytes(), id);
            }
            None => {
                self.of("x", documents, id.clone(), Vec::new());
                self.of("l", ranks, id, Vec::new());
            }
        }
    }
}

impl Redis {
    /// A key of the index; the tag keeps all of them in one slot.
    fn index_key(&self, rest: &str) -> String {
        format!("{}:x:{{directory}}:{rest}", self.prefix)
    }

    fn family_key(&self, kind: char, family: Family) -> String {
        self.index_key(&format!("{kind}:{}", family.letter()))
    }

    fn set_key(&self, family: Family, name: &str) -> String {
        self.index_key(&format!("s:{}:{name}", family.letter()))
    }

    async fn counted(&self, family: Family, names: &[String]) -> Result<Vec<u64>, Error> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut cmd = redis::cmd("HMGET");
        cmd.arg(self.family_key('c', family)).arg(names);
        let counts: Vec<Option<String>> = self.shared.query(&cmd).await?;
        counts.iter().map(|count| count.as_deref().map_or(Ok(0), number)).collect()
    }

    async fn named(
        &self,
        family: Family,
        begins: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        let from = after.map_or_else(|| format!("[{begins}"), |after| format!("({after}"));
        let mut cmd = redis::cmd("ZRANGE");
        cmd.arg(self.family_key('n', family)).arg(from).arg("+").arg("BYLEX").arg("LIMIT").arg(0).arg(limit);
        let names: Vec<String> = self.shared.query(&cmd).await?;
        Ok(names.into_iter().take_while(|name| name.starts_with(begins)).collect())
    }
}

#[async_trait]
impl Index for Redis {
    async fn head(&self) -> Result<Option<Head>, Error> {
        let mut cmd = redis::cmd("HMGET");
        cmd.arg(self.index_key("head")).arg("r").arg("n");
        let (revision, note): (Option<String>, Option<Vec<u8>>) = self.shared.query(&cmd).await?;
        let (Some(revision), Some(note)) = (revision, note) else { return Ok(None) };
        Ok(Some(Head { revision: number(&revision)?, note: note.into() }))
    }

    async fn advance(&self, batch: &Batch) -> Result<bool, Error> {
        let mut operations = Operations::new(self);
        batch.changes.iter().for_each(|change| operations.change(change));
        let Operations { keys, args, .. } = operations;
        let (from, to) = (digits(batch.from), digits(batch.from + 1));
        let head = [from.as_bytes(), to.as_bytes(), batch.token.as_bytes(), &batch.note[..]];
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let args: Vec<&[u8]> = head.into_iter().chain(args.iter().map(Vec::as_slice)).collect();
        Ok(self.shared.run::<i64>(&self.index_scripts.advance, &keys, &args).await? == 1)
    }

    async fn documents(&self, family: Family, ids: &[String]) -> Result<Vec<Option<Bytes>>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut cmd = redis::cmd("HMGET");
        cmd.arg(self.family_key('d', family)).arg(ids);
        let found: Vec<Option<Vec<u8>>> = self.shared.query(&cmd).await?;
        Ok(found.into_iter().map(|document| document.map(Bytes::from)).collect())
    }

    async fn page(&self, page: &Page) -> Result<Vec<Row>, Error> {
        let documents = self.family_key('d', page.family);
        let sets: Vec<String> = page.sets.iter().map(|name| self.set_key(page.family, name)).collect();
        let keys: Vec<&str> = std::iter::once(&documents).chain(&sets).map(String::as_str).collect();
        let (direction, end): (&[u8], &[u8]) = match page.direction {
            Direction::Newest => (b"n", b"+"),
            Direction::Oldest => (b"o", b"-"),
        };
        let behind = page
            .behind
            .as_ref()
            .map_or_else(|| end.to_vec(), |place| [b"(", member(place.at, &place.id).as_slice()].concat());
        let limit = page.limit.to_string();
        let args = [direction, &behind, limit.as_bytes()];
        let rows: Vec<(Vec<u8>, Vec<u8>)> = self.shared.run(&self.index_scripts.page, &keys, &args).await?;
        rows.into_iter()
            .map(|(member, document)| Ok(Row { place: place(&member)?, document: document.into() }))
            .collect()
    }

    async fn counts(&self, family: Family, sets: &[String]) -> Result<Vec<u64>, Error> {
        self.counted(family, sets).await
    }

    async fn names(
        &self,
        family: Family,
        begins: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, u64)>, Error> {
        let names = self.named(family, begins, after, limit).await?;
        let counts = self.counted(family, &names).await?;
        Ok(names.into_iter().zip(counts).collect())
    }

    async fn first_to_leave(
        &self,
        family: Family,
        from: i64,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, Error> {
        let keys = [self.family_key('k', family), self.family_key('d', family)];
        let (from, limit) = (from.to_string(), limit.to_string());
        let args = [from.as_bytes(), limit.as_bytes()];
        let rows: Vec<(String, Vec<u8>)> =
            self.shared.run(&self.index_scripts.first, &[&keys[0], &keys[1]], &args).await?;
        Ok(rows.into_iter().map(|(id, document)| (id, document.into())).collect())
    }

    async fn clear(&self) -> Result<(), Error> {
        for family in Family::ALL {
            loop {
                let names = self.named(family, "", None, CLEAR_SETS).await?;
                let mut keys = vec![self.index_key("head")];
                keys.extend(['n', 'c', 'd', 'k'].map(|kind| self.family_key(kind, family)));
                keys.extend(names.iter().map(|name| self.set_key(family, name)));
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                let names: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
                if self.shared.run::<i64>(&self.index_scripts.clear, &keys, &names).await? == 0 {
                    break;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn members_compare_as_places_do(a in any::<(i64, String)>(), b in any::<(i64, String)>()) {
            let [one, two] = [&a, &b].map(|(at, id)| Place { at: *at, id: id.clone() });
            let [first, second] = [&one, &two].map(|place| member(place.at, &place.id));
            prop_assert_eq!(first.cmp(&second), one.cmp(&two));
            prop_assert_eq!(place(&first).unwrap(), one);
        }
    }
}
