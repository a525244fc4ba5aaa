//! The configuration of a server's tools: the offered ones, the guarded ones, those that may run again.

use runbus::config::Invalid;
use runbus::pattern::{PATTERNS, Pattern, Patterns};

use super::config::{Approval, Server};
use super::name;

/// A server's lists, read. They name tools as the server does.
#[derive(Debug)]
pub(super) struct Guards {
    allow: Option<Patterns>,
    safe: Patterns,
    /// `None`: every tool.
    approve: Option<Patterns>,
    /// Why they cannot be read: then every call needs an approval.
    broken: Option<String>,
}

impl Guards {
    /// Reads them.
    ///
    /// # Errors
    /// The key and the value of an invalid name or pattern.
    pub(super) fn read(server: &Server) -> Result<Self, Invalid> {
        let approve = match &server.require_approval {
            Approval::All(_) => None,
            Approval::Tools(tools) => Some(list("require_approval", tools)?),
        };
        let allow = server.allow.as_ref().map(|tools| list("allow", tools)).transpose()?;
        Ok(Self { allow, safe: list("safe_to_repeat", &server.safe_to_repeat)?, approve, broken: None })
    }

    /// The same; when they cannot be read, such as make every call wait for a person.
    pub(super) fn of(server: &Server) -> Self {
        Self::read(server).unwrap_or_else(|invalid| Self {
            allow: None,
            safe: Patterns::default(),
            approve: None,
            broken: Some(invalid.to_string()),
        })
    }

    /// Whether agents may use a tool.
    pub(super) fn allows(&self, tool: &str) -> bool {
        self.allow.as_ref().is_none_or(|allow| allow.matches(tool))
    }

    /// Whether calls of a tool need a person's approval.
    pub(super) fn requires_approval(&self, tool: &str) -> bool {
        self.approve.as_ref().is_none_or(|approve| approve.matches(tool))
    }

    /// Whether calls of a tool may simply run again.
    pub(super) fn is_safe_to_repeat(&self, tool: &str) -> bool {
        self.safe.matches(tool)
    }

    /// The same of a tool whose own name is not known yet: only of those that the list names one by one.
    pub(super) fn names_safe(&self, server: &str, encoded: &str) -> bool {
        self.safe.iter().any(|one| one.is_name() && name::encode(server, one.as_str()) == encoded)
    }

    /// Names a pattern that matches none of the server's tools.
    pub(super) fn fault(&self, server: &str, tools: &[&str]) -> Option<String> {
        if let Some(broken) = &self.broken {
            return Some(broken.clone());
        }
        let lists = [
            ("require_approval", self.approve.as_ref()),
            ("allow", self.allow.as_ref()),
            ("safe_to_repeat", Some(&self.safe)),
        ];
        let idle = |(key, list): (&str, Option<&Patterns>)| {
            let (index, pattern) = list?.idle(tools).next()?;
            Some((format!("mcp.servers.{server}.{key}[{index}]"), pattern.to_string()))
        };
        let (key, pattern) = lists.into_iter().find_map(idle)?;
        let tools = crate::tool::list(tools);
        Some(format!("{key}: {pattern:?} covers none of the server's tools; they are: {tools}"))
    }
}

fn list(key: &str, texts: &[String]) -> Result<Patterns, Invalid> {
    if texts.len() > PATTERNS {
        return Err(Invalid::new(key, texts.len(), format!("at most {PATTERNS} names")));
    }
    let read = |(index, text): (usize, &String)| {
        Pattern::new(text).map_err(|invalid| {
            let expected = format!("a tool's name, or a pattern with `*` ({})", invalid.reason);
            Invalid::new(format!("{key}[{index}]"), format!("{:?}", invalid.text), expected)
        })
    };
    texts.iter().enumerate().map(read).collect()
}
