//! Permissions: the least that Runbus needs on Redis, as a line of an ACL file.

/// Commands that the store sends, or that its scripts call.
const COMMANDS: [&str; 23] = [
    "del",
    "eval",
    "evalsha",
    "get",
    "hdel",
    "hget",
    "hmget",
    "hset",
    "persist",
    "pexpire",
    "pexpireat",
    "ping",
    "pttl",
    "role",
    "select",
    "set",
    "time",
    "unlink",
    "zadd",
    "zrange",
    "zrangebyscore",
    "zrem",
    // Only with `redis.mode` = `cluster`.
    "cluster|slots",
];

/// The user's name in the shipped file.
pub const USER: &str = "runbus";

/// The rules of a user who may use the keys of one prefix. They name no password.
#[must_use]
pub(super) fn rules(prefix: &str) -> Vec<String> {
    let keys = format!("~{prefix}:*");
    let mut rules = ["resetkeys", &keys, "resetchannels", "-@all"].map(String::from).to_vec();
    rules.extend(COMMANDS.map(|command| format!("+{command}")));
    rules
}

/// The ACL file for a prefix. `ops/redis/start.sh` puts the passwords in.
#[must_use]
pub fn acl(prefix: &str) -> String {
    format!(
        "user default off\n\
         user admin on >${{REDIS_ADMIN_PASSWORD}} ~* &* +@all\n\
         user {USER} on >${{REDIS_PASSWORD}} {}\n",
        rules(prefix).join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_prefixes_and_dangerous_commands_are_out_of_reach() {
        let text = acl("rb");
        assert!(
            text.contains(" ~rb:* ") && !text.contains("+@") || text.matches("+@").count() == 1,
            "{text}"
        );
        for command in ["flushall", "flushdb", "keys", "config", "acl", "script", "shutdown", "debug"] {
            assert!(!COMMANDS.contains(&command), "{command}");
        }
    }
}
